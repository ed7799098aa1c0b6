import { z } from "zod";
import { Split } from "../../schemas/user.ts";

/** Other names of ways to split, as they were first documented. */
const ALIASES: Readonly<Record<string, string>> = { paper: "user-in-country", "ip+country": "user-and-country" };

/** Shares that were rounded, such as 33.3,33.3,33.3, are off by a little; a share that was forgotten is off by more. */
const TOLERANCE = 0.005;

function isWhole(ratios: readonly number[]): boolean {
  return [1, 100].some((whole) => Math.abs(sumOf(ratios) - whole) <= TOLERANCE * whole);
}

function sumOf(ratios: unknown): number {
  const sum = (ratios as readonly number[]).reduce((total, ratio) => total + ratio, 0);
  return Math.round(1e6 * sum) / 1e6;
}

/** The options of `split`: who is drawn, in which shares, and what of several texts of one user counts as a leak. */
export const SplitOptions = z.strictObject({
  ratios: z
    .array(z.number().min(0))
    .length(3)
    .refine(isWhole, { error: ({ input }) => `add up to ${sumOf(input)}; expected 100, or 1` })
    .default([90, 5, 5])
    .describe("shares of users for train, validation and test, such as 90,5,5; they add up to 100, or to 1"),
  by: z
    .preprocess(
      (by) => ALIASES[String(by)] ?? by,
      z.enum(["user-in-country", "user-and-country", "user", "groups", "hash"]),
    )
    .default("user-in-country")
    .describe(
      "who is drawn: users inside their country (the paper's split); user and country as one (the paper's letter); users wherever they are; groups of users whose conversations are alike; each user by a hash that never changes",
    ),
  leaks: z
    .enum(["count", "fail"])
    .default("count")
    .describe("what conversations of different splits have in common: count it, or stop the run if there is any"),
  fixedSplit: Split.nullable().default(null).describe("put every conversation into this split"),
});
export type SplitOptions = z.infer<typeof SplitOptions>;
