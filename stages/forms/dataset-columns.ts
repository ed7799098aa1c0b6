import { z } from "zod";
import { LossWeights } from "../../pipeline/text/token-row.ts";
import { Conversation } from "../../schemas/conversation.ts";
import { Sample } from "../../schemas/sample.ts";
import type { Form } from "./form.ts";

const Provenance = Conversation.pick({ source: true, language: true, country: true, model: true, user_id: true });
/** Where the rows of a conversation come from. */
export type Provenance = z.infer<typeof Provenance>;

const Counts = z.strictObject({
  /** Tokens that are given, and tokens that count towards the loss; null = nothing counted them. */
  context_tokens: z.int().nullable(),
  target_tokens: z.int().nullable(),
  /** Turns left out at the beginning, so that the row is not too long. */
  dropped_turns: z.int().min(0),
});

const { shape: sample } = Sample;
const head = {
  id: sample.id,
  conversation_id: sample.conversation_id,
  source: Provenance.shape.source,
  split: sample.split,
};
const { language, country, model, user_id } = Provenance.shape;
const tail = { language, country, model, user_id, ...Counts.shape };

/** A row for each sample, or for each conversation with all its targets. */
export type Layout = "samples" | "conversations";

/**
 * The columns of a dataset: those of its form between those that say where a row comes from. `isWeighted`: also what the
 * loss of each target is to be multiplied by, and in token rows that of each token.
 */
export function columnsOf(form: Form, layout: Layout, isWeighted = false): z.ZodObject {
  const several = {
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
  const own = layout === "conversations" ? several : single;
  const tokens = isWeighted && form.needsTokens ? LossWeights : {};
  return z.strictObject({ ...head, ...own, ...form.columns.shape, ...tokens, ...tail });
}

/** One row of a packed dataset: several rows of tokens, one after the other, that must not see each other. */
export const BinRow = z.strictObject({
  /** Ids of the rows in the bin, in order. */
  ids: z.array(z.string()),
  input_ids: z.array(z.int()),
  labels: z.array(z.int()),
  loss_mask: z.array(z.int().meta({ bits: 8 })),
  ...LossWeights,
  /** Begins at 0 again with every row of the bin. */
  position_ids: z.array(z.int()),
  /** Tokens of each row of the bin. */
  sequence_lengths: z.array(z.int()),
  length: z.int(),
});

/** The columns of bins; those of the weights only where some are not 1. */
export function binColumns(isWeighted: boolean): z.ZodObject {
  return isWeighted ? BinRow : BinRow.omit({ loss_weights: true });
}
