import { z } from "zod";
import { joined, type Rendered } from "../../pipeline/text/segment.ts";

/** The columns of a row with one target, as text. */
export const PROMPT = z.strictObject({
  /** Everything up to and with the open user header. */
  prompt: z.string(),
  /** The target: newline, utterance or end token, `<|eot_id|>`. */
  completion: z.string(),
});

/**
 * A row with one target as the text before it and the target itself. What follows the target changes no loss, so it is
 * left out. Throws for a row whose targets do not stand together: no trainer of pairs could be told.
 */
export function promptAndCompletion({ segments }: Rendered): { prompt: string; completion: string } {
  const first = segments.findIndex(({ loss }) => loss);
  const end = segments.findLastIndex(({ loss }) => loss) + 1;
  if (first < 0) throw new Error("a row without a target has no completion");
  const target = segments.slice(first, end);
  if (!target.every(({ loss }) => loss))
    throw new Error("a row with several targets cannot be one prompt and one completion");
  return { prompt: joined(segments.slice(0, first)), completion: joined(target) };
}
