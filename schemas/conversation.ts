import { z } from "zod";

/** One message of a dialogue. `content` is the text exactly as the source has it; "" where nothing was typed. */
export const Turn = z.strictObject({
  role: z.enum(["user", "assistant"]),
  content: z.string(),
});
export type Turn = z.infer<typeof Turn>;

/** One dialogue between a person and an assistant, in the shape that all sources are brought to by `prepare`. */
export const Conversation = z.strictObject({
  /** `<source>:<source_id>`; stable through every stage. */
  id: z.string().min(1),
  /** Name of the source, such as `wildchat-1m`. */
  source: z.string().min(1),
  /** The source's own id (WildChat: `conversation_hash`, a hash of the content). */
  source_id: z.string().min(1),
  /** Keyed hash (HMAC-SHA-256, 32 hex digits) of the source's user id; null = the source names no user. */
  user_id: z.string().nullable(),
  /** Country name as in the source; null = not known. */
  country: z.string().nullable(),
  /** Language as in the source (WildChat: full English name, a vote over all messages); null = not known. */
  language: z.string().nullable(),
  /** The assistant's model name; null = not known. */
  model: z.string().nullable(),
  /** Earliest time the source knows for the conversation, ISO 8601 in UTC; null = not known. */
  started_at: z.string().nullable(),
  /** The content of the first user turn again, so that readers who need only that need not read `turns`. */
  opening: z.string(),
  /** All turns in order, a user turn first, roles alternating. */
  turns: z.array(Turn).min(1),
  /** The source removed personal data from the text; null = not known. */
  redacted: z.boolean().nullable(),
  /** The source flags a message as toxic; null = not known. */
  toxic: z.boolean().nullable(),
});
export type Conversation = z.infer<typeof Conversation>;
