import { z } from "zod";

/** The person's high-level goal in one conversation, without the details revealed turn by turn. */
export const Intent = z.strictObject({
  conversation_id: z.string(),
  /** One or two sentences; null = there is none (`status` says why, or the provider is `none`). */
  intent: z.string().nullable(),
  /** `ok`, or the reason under which the conversation is rejected. */
  status: z.string(),
  /** Where the text comes from; `none` = the ablation without intents. */
  origin: z.enum(["generated", "recorded", "imported", "none"]),
  /** Model that wrote it; null = not known. */
  model: z.string().nullable(),
  /** First 12 hex digits of the sha256 of the prompt template; null = no prompt was used. */
  prompt_version: z.string().nullable(),
  /** True if the model did not see the whole conversation. */
  truncated: z.boolean(),
  /** Tokens as counted by the provider, of all requests that this conversation took; null = not known. */
  input_tokens: z.int().nullable(),
  output_tokens: z.int().nullable(),
  /** Words of the intent. This and the next three are null where there is no intent. */
  words: z.int().nullable(),
  /** Share (0–1) of its content words, beyond the fixed beginning, that the user said; null = it has none. */
  from_user: z.number().nullable(),
  /** Words of its longest run that a user turn has too. */
  copied: z.int().nullable(),
  /** `specified` = it gives away details that the user reveals turn by turn. */
  specificity: z.enum(["generic", "specified"]).nullable(),
});
export type Intent = z.infer<typeof Intent>;
