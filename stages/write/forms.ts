import { z } from "zod";
import { countControlTokens, escapeControlTokens } from "../../schemas/control.ts";
import { Turn } from "../../schemas/conversation.ts";
import { Sample } from "../../schemas/sample.ts";

/** A message of the `messages` form: the turns, and the intent as the one system message. */
const Message = z.strictObject({ role: z.enum(["system", ...Turn.shape.role.options]), content: z.string() });

/** What every form has beside the text: where the sample comes from. */
const Origin = Sample.pick({
  id: true,
  conversation_id: true,
  source: true,
  turn: true,
  turns: true,
  kind: true,
  language: true,
  country: true,
  model: true,
  user_id: true,
});

/** One row of the `messages` form. The last message, a user's, is the target; the loss is on it alone. */
export const MessagesRow = z.strictObject({
  id: Origin.shape.id,
  messages: z.array(Message),
  ...Origin.omit({ id: true }).shape,
});

/** One row of the `prompt-completion` form: text in the format of microsoft/UserLM-8b. The loss is on `completion` alone. */
export const PromptCompletionRow = z.strictObject({
  id: Origin.shape.id,
  prompt: z.string(),
  completion: z.string(),
  ...Origin.omit({ id: true }).shape,
});

/** A way to write samples: its columns and how a sample becomes a row. */
export type Form = { schema: z.ZodObject; isText: boolean; row: (sample: Sample) => Record<string, unknown> };

function originOf(sample: Sample): z.infer<typeof Origin> {
  const { id, conversation_id, source, turn, turns, kind, language, country, model, user_id } = sample;
  return { id, conversation_id, source, turn, turns, kind, language, country, model, user_id };
}

function messagesOf({ intent, context }: Pick<Sample, "intent" | "context">): z.infer<typeof Message>[] {
  return intent === null ? [...context] : [{ role: "system", content: intent }, ...context];
}

/** A piece of rendered text: `control` marks a control token of ours; all else is text that must be tokenised as text. */
export type Segment = { readonly text: string; readonly control: boolean };

const control = (text: string): Segment => ({ text, control: true });
const plain = (text: string): Segment => ({ text, control: false });
const header = (role: string): Segment[] => [control("<|start_header_id|>"), plain(role), control("<|end_header_id|>")];

/**
 * A sample as microsoft/UserLM-8b reads it. The prompt is the intent as system message and the turns, each as header, one
 * newline, the content as it is and `<|eot_id|>`, with no `<|begin_of_text|>`, then the open user header without a newline.
 * The completion is the newline, the target and `<|eot_id|>`; the model generates all three. Tokenised piece by piece,
 * a newline at the start of a turn does not merge with that of the header.
 */
export function render(sample: Pick<Sample, "intent" | "context" | "target" | "kind">): {
  prompt: Segment[];
  completion: Segment[];
} {
  const messages = messagesOf(sample).flatMap(({ role, content }) => [
    ...header(role),
    plain("\n"),
    plain(content),
    control("<|eot_id|>"),
  ]);
  const target = sample.kind === "end" ? control(sample.target) : plain(sample.target);
  return { prompt: [...messages, ...header("user")], completion: [plain("\n"), target, control("<|eot_id|>")] };
}

/** The text of rendered pieces. */
export function joined(segments: readonly Segment[]): string {
  return segments.map((segment) => segment.text).join("");
}

function promptCompletion(sample: Sample): { prompt: string; completion: string } {
  const { prompt, completion } = render(sample);
  return { prompt: joined(prompt), completion: joined(completion) };
}

/** The forms by their name on the command line. `isText`: a tokenizer will read control tokens that users typed as such. */
export const FORMS = {
  samples: { schema: Sample, isText: false, row: (sample) => sample },
  messages: {
    schema: MessagesRow,
    isText: true,
    row: (sample) => ({
      ...originOf(sample),
      messages: [...messagesOf(sample), { role: "user", content: sample.target }],
    }),
  },
  "prompt-completion": {
    schema: PromptCompletionRow,
    isText: true,
    row: (sample) => ({ ...originOf(sample), ...promptCompletion(sample) }),
  },
} satisfies Record<string, Form>;

/** Control tokens spelled out by people in a sample: in its intent, its context and its target (an end target is ours). */
export function typedControlTokens({ intent, context, target, kind }: Sample): number {
  const texts = [intent ?? "", ...context.map((turn) => turn.content), kind === "end" ? "" : target];
  return texts.reduce((sum, text) => sum + countControlTokens(text), 0);
}

/** The sample with those control tokens broken by a zero-width space. */
export function escapeSample(sample: Sample): Sample {
  return {
    ...sample,
    intent: sample.intent === null ? null : escapeControlTokens(sample.intent),
    context: sample.context.map(({ role, content }) => ({ role, content: escapeControlTokens(content) })),
    target: sample.kind === "end" ? sample.target : escapeControlTokens(sample.target),
  };
}
