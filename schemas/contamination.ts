import { z } from "zod";

/** A user turn that holds text of an evaluation set: one row a conversation and item. */
export const Contamination = z.strictObject({
  conversation_id: z.string(),
  /** What a run that is given this row does with the conversation. */
  verdict: z.enum(["drop", "flag"]),
  /** The item, as `<file>:<row>`. */
  item: z.string(),
  /** `exact`: the turn is the item's text; `13-gram`: they share 13 words in a row. */
  match: z.enum(["exact", "13-gram"]),
  /** Number of the user turn, from 1. */
  turn: z.int().min(1),
  /** The words in common, normalised. */
  text: z.string(),
});
export type Contamination = z.infer<typeof Contamination>;
