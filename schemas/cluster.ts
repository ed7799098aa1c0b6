import { z } from "zod";

/** Conversations that are near-duplicates of one another, through any number of steps. */
export const Cluster = z.strictObject({
  /** `n-` and 10 hex digits of the sha256 of the smallest conversation id. */
  id: z.string(),
  conversations: z.int(),
  /** The one that stays where near-duplicates are dropped: the earliest; unknown times last, equal times by id. */
  survivor: z.string(),
  /** Ids of up to five of them, smallest first. */
  examples: z.array(z.string()),
});
export type Cluster = z.infer<typeof Cluster>;
