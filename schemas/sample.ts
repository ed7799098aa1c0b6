import { z } from "zod";
import { Turn } from "./conversation.ts";
import { Split } from "./user.ts";

/** The target of an end sample: the user leaves. One added token (id 128256) in microsoft/UserLM-8b. */
export const END = "<|endconversation|>";

/** One training row: what the user model is given and what it must produce. */
export const Sample = z.strictObject({
  /** `<conversation_id>:<turn>`. */
  id: z.string(),
  conversation_id: z.string(),
  source: z.string(),
  split: Split,
  /** Which user turn is the target, from 1; `turns` + 1 is the end of the conversation. */
  turn: z.int().min(1),
  /** User turns in the whole conversation (K). */
  turns: z.int().min(1),
  /** `first` and `next` user turns, or the `end`. */
  kind: z.enum(["first", "next", "end"]),
  /** The goal the model is conditioned on; null = none (ablation). */
  intent: z.string().nullable(),
  /** The turns before the target, in order; empty for the first. */
  context: z.array(Turn),
  /** The user turn to predict, exactly as typed, or `<|endconversation|>` when `kind` is `end`. */
  target: z.string().min(1),
  language: z.string().nullable(),
  country: z.string().nullable(),
  /** The assistant's model in the conversation; null = not known. */
  model: z.string().nullable(),
  /** Keyed hash; null = the source names no user. */
  user_id: z.string().nullable(),
});
export type Sample = z.infer<typeof Sample>;
