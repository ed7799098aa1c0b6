import { z } from "zod";
import type { ChatFormat } from "../../pipeline/text/chat-template/chat-format.ts";
import { joined, type Segment } from "../../pipeline/text/segment.ts";
import type { Rendered } from "./form.ts";
import { textSegments } from "./text-segments.ts";

/** The columns of a row with one target, as text. */
export const PROMPT = z.strictObject({
  /** Everything up to and with the open user header. */
  prompt: z.string(),
  /** The target: newline, utterance or end token, `<|eot_id|>`. */
  completion: z.string(),
});

/** What they mean, for the card. */
export const PROMPT_MEANINGS = {
  prompt: "what is given, as text",
  completion: "what must be said, as text; only it is in the loss",
} as const;

/**
 * A row with one target as the text before it and the target itself. What follows the target changes no loss, so it is
 * left out. Throws for a row whose targets do not stand together: no trainer of pairs could be told.
 */
export function promptAndCompletion({ segments }: Pick<Rendered, "segments">): z.infer<typeof PROMPT> {
  const first = segments.findIndex(({ loss }) => loss);
  const end = segments.findLastIndex(({ loss }) => loss) + 1;
  if (first < 0) throw new Error("a row without a target has no completion");
  const target = segments.slice(first, end);
  if (!target.every(({ loss }) => loss))
    throw new Error("a row with several targets cannot be one prompt and one completion");
  return { prompt: joined(segments.slice(0, first)), completion: joined(target) };
}

/** Such a row back as segments. */
export function readPrompt({ prompt, completion }: z.infer<typeof PROMPT>, chat: ChatFormat): Segment[] {
  return [...textSegments(prompt, false, chat), ...textSegments(completion, true, chat)];
}
