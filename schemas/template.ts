import { z } from "zod";

/** What happens to the conversations that match a template. */
export const Verdict = z.enum(["drop", "keep"]);
export type Verdict = z.infer<typeof Verdict>;

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
  /** Users of the conversations that match; a conversation without a user counts as one. */
  users: z.int(),
  /** Countries of the conversations that match, that of most conversations first. */
  countries: z.array(z.string()),
  /** When the first and the last of the conversations that match began; null = not known. */
  first_at: z.string().nullable(),
  last_at: z.string().nullable(),
  /** The matching conversation that stays when `keep` is `first`; null = none stays, or more than this one may. */
  kept: z.string().nullable(),
  /** Ids of up to five matching conversations, smallest first. */
  examples: z.array(z.string()),
  verdict: Verdict,
  /** Who decided: the threshold alone, or a person in a review file. */
  decided_by: z.enum(["threshold", "review"]),
  /** The person's name and note as the review file has them; null = there are none. */
  reviewer: z.string().nullable(),
  note: z.string().nullable(),
});
export type Template = z.infer<typeof Template>;
