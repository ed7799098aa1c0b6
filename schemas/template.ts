import { z } from "zod";

/** A recurring prompt template: a chain of 7-grams that occur together in more than `minCount` first user turns. */
export const Template = z.strictObject({
  /** `t-` and 10 hex digits of the sha256 of `text`. */
  id: z.string(),
  /** The shared words in order, normalised; ` … ` marks a variable part. */
  text: z.string(),
  /** The 7-grams it is made of, in order. A short prompt that recurs as a whole counts as one. */
  ngrams: z.array(z.string()),
  /** Conversations that contain at least one of the 7-grams. */
  conversations: z.int(),
  /** Conversations that match: heavy 7-grams cover enough of their first turn, most of them from this template. */
  matched: z.int(),
  /** The matching conversation that stays when `keep` is `first`; null = none stays. */
  kept: z.string().nullable(),
  /** Ids of up to five matching conversations, smallest first. */
  examples: z.array(z.string()),
  /** What happens to the conversations that match. */
  verdict: z.enum(["drop", "keep"]),
  /** Who decided. */
  decided_by: z.enum(["threshold", "review"]),
});
export type Template = z.infer<typeof Template>;
