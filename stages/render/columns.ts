import { z } from "zod";
import { LossWeights } from "../../pipeline/text/encoder.ts";
import type { Form } from "../../pipeline/text/segment.ts";
import { Conversation } from "../../schemas/conversation.ts";
import { Sample } from "../../schemas/sample.ts";
import type { Row, RowSettings } from "./truncate.ts";

const From = Conversation.pick({ source: true, language: true, country: true, model: true, user_id: true });
/** Where the rows of a conversation come from. */
export type From = z.infer<typeof From>;

const Counts = z.strictObject({
  /** Tokens that are given, and tokens that count towards the loss; null = nothing counted them. */
  context_tokens: z.int().nullable(),
  target_tokens: z.int().nullable(),
  /** Turns left out at the beginning, so that the row is not too long. */
  dropped_turns: z.int().min(0),
});

const { shape: sample } = Sample;
const head = { id: sample.id, conversation_id: sample.conversation_id, source: From.shape.source, split: sample.split };
const { language, country, model, user_id } = From.shape;
const tail = { language, country, model, user_id, ...Counts.shape };

/**
 * The columns of a dataset: those of its form between those that say where a row comes from. `isWeighted`: also what the
 * loss of each target is to be multiplied by, and in token rows that of each token.
 */
export function columnsOf(form: Form, layout: RowSettings["layout"], isWeighted = false): z.ZodObject {
  const packed = {
    target_turns: z.array(sample.turn),
    turns: sample.turns,
    ...(isWeighted && { target_weights: z.array(sample.weight) }),
  };
  const single = {
    turn: sample.turn,
    turns: sample.turns,
    kind: sample.kind,
    ...(isWeighted && { weight: sample.weight }),
  };
  const own = layout === "packed" ? packed : single;
  const tokens = isWeighted && form.needsTokens ? LossWeights : {};
  return z.strictObject({ ...head, ...own, ...form.columns.shape, ...tokens, ...tail });
}

/** The values of those columns but for the form's. The id of a packed row names its first and last target: `<conversation>:1-4`. */
export function originOf({ fitted }: Row, from: From, counts: { context: number; target: number } | null): object {
  const { sample: last } = fitted.at(-1) ?? fitted[0];
  const { sample: first, from: dropped_turns } = fitted[0];
  // Column by column: spreading two objects into one took a fifteenth of the stage.
  return {
    id: first === last ? last.id : `${first.id}-${last.turn}`,
    conversation_id: last.conversation_id,
    source: from.source,
    split: last.split,
    turn: last.turn,
    turns: last.turns,
    kind: last.kind,
    weight: last.weight,
    target_turns: fitted.map((each) => each.sample.turn),
    target_weights: weightsOf(fitted),
    language: from.language,
    country: from.country,
    model: from.model,
    user_id: from.user_id,
    context_tokens: counts?.context ?? null,
    target_tokens: counts?.target ?? null,
    dropped_turns,
  };
}

/** What the loss of each target of a row is multiplied by. */
export function weightsOf(fitted: Row["fitted"]): number[] {
  return fitted.map(({ sample }) => sample.weight);
}
