import { z } from "zod";

/** What can be seen at the end of a conversation by itself. */
export const Sign = z.enum(["unanswered", "empty_answer", "thanks", "refusal"]);
export type Sign = z.infer<typeof Sign>;

/** How a conversation closes, and what is needed to see whether its user went on: one row a conversation, without its text. */
export const Closing = z.strictObject({
  conversation_id: z.string(),
  /** The user; null = the source names none. */
  user_id: z.string().nullable(),
  /** When it began and when its last turn came, ISO 8601 in UTC; null = not known. */
  started_at: z.string().nullable(),
  ended_at: z.string().nullable(),
  /** Keys of the first and the last user turn, see `openingKey`; null = nothing was typed. */
  opening_key: z.string().nullable(),
  last_key: z.string().nullable(),
  signs: z.array(Sign),
});
export type Closing = z.infer<typeof Closing>;
