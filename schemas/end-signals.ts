import { z } from "zod";

/** What can be seen at the end of a conversation by itself. */
export const EndSign = z.enum(["unanswered", "empty_answer", "thanks", "refusal"]);
export type EndSign = z.infer<typeof EndSign>;

/** How a conversation ends, and what is needed to see whether its user went on: one row a conversation, without its text. */
export const EndSignals = z.strictObject({
  conversation_id: z.string(),
  /** The user; null = the source names none. */
  user_id: z.string().nullable(),
  /** When it began and when its last turn came, ISO 8601 in UTC; null = not known. */
  started_at: z.string().nullable(),
  ended_at: z.string().nullable(),
  /** Keys of the first and the last user turn, 16 hex digits: equal but for case, punctuation and signs; null = nothing was typed. */
  opening_key: z.string().nullable(),
  last_key: z.string().nullable(),
  signs: z.array(EndSign),
});
export type EndSignals = z.infer<typeof EndSignals>;
