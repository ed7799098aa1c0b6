import { z } from "zod";
import { Split } from "./user.ts";

/**
 * One training row: what the user model is given and what it must produce. Its text is that of the conversation with
 * its id, in the same shard: the first `context_turns` turns are the context, the turn after them is the target.
 */
export const Sample = z.strictObject({
  /** `<conversation_id>:<turn>`. */
  id: z.string(),
  conversation_id: z.string(),
  split: Split,
  /** Which user turn is the target, from 1; `turns` + 1 is the end of the conversation. */
  turn: z.int().min(1),
  /** User turns in the whole conversation (K). */
  turns: z.int().min(1),
  /** `first` and `next` user turns, or the `end`, whose target is `<|endconversation|>`. */
  kind: z.enum(["first", "next", "end"]),
  /** Turns of the conversation before the target; 0 for the first. */
  context_turns: z.int().min(0),
  /** What the loss of the target is multiplied by: 1, or for an end how sure it is (`end_confidence`) where that was asked for. */
  weight: z.number().min(0).max(1),
});
export type Sample = z.infer<typeof Sample>;
