import { z } from "zod";
import { Split } from "./user.ts";

/** One number that the data itself gives for what user models are measured by: what people reach, or a rule without a model. */
export const Baseline = z.strictObject({
  split: Split,
  /** Name of a metric: `first_turn_diversity`, `intent_overlap` or `termination`. */
  measure: z.string(),
  /** How exactly it was computed, such as `words` or `per_user_word/1-gram/no_prefix`. */
  variant: z.string(),
  /** Name of the number: `diversity`, `overlap`, `base_rate`, `precision`, `recall`, `f1`, `macro_f1`. */
  metric: z.string(),
  /** The turn that it is about, from 1; null = all of them. */
  turn: z.int().nullable(),
  /** In percent; null = there was nothing to compute it from. */
  value: z.number().nullable(),
  /** How many first turns, user turns or decisions it was computed from. */
  count: z.int(),
});
export type Baseline = z.infer<typeof Baseline>;
