import { z } from "zod";

/** What templates of one threshold would remove, whatever a review or `keep` says. */
export const ThresholdPoint = z.strictObject({
  /** A 7-gram in more conversations than this is heavy. */
  min_count: z.int(),
  /** Share of the first turn's words that heavy 7-grams must cover; 0 = any heavy 7-gram is enough. */
  coverage: z.number(),
  /** Conversations removed. */
  conversations: z.int(),
  /** Users who lose all their conversations; a conversation without a user counts as one. */
  users: z.int(),
});
export type ThresholdPoint = z.infer<typeof ThresholdPoint>;
