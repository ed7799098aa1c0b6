import { z } from "zod";
import { EndLabels } from "../../schemas/end-label.ts";

/** Least confidence of an end sample where it can only count in full or not at all. */
export const CONFIDENT = 0.5;

/** The options of `flip`: which turns become samples, and how ends are labelled. */
export const FlipOptions = z.strictObject({
  emptyTargets: z
    .enum(["drop", "keep"])
    .default("drop")
    .describe("user turns in which nothing was typed, as targets; they stay in the context of later ones"),
  endAfterUser: z
    .enum(["drop", "keep"])
    .default("drop")
    .describe("the end of a conversation that stops on a user turn: `keep` teaches leaving without an answer"),
  endLabels: EndLabels.default("all").describe(
    "the ends of conversations: all, as published; those with an end_confidence of at least 0.5; or all with it as their weight in the loss",
  ),
});
export type FlipOptions = z.infer<typeof FlipOptions>;
