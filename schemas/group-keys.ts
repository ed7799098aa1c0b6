import { z } from "zod";

/** What one conversation that `dedup` kept has in common with others: a group split draws those with an equal key together. */
export const GroupKeys = z.strictObject({
  conversation_id: z.string(),
  /** Key of the opening, 16 hex digits: equal but for case, punctuation and signs; null = nothing was typed. */
  opening_key: z.string().nullable(),
  /** Id of the template that the opening matches, although it was kept; null = none. */
  template: z.string().nullable(),
  /** Id of the cluster of near-duplicates that the conversation is in; null = it is in none, or none were sought. */
  cluster: z.string().nullable(),
  /** Item of an evaluation set that a user turn holds text of, although the conversation was kept; null = none known. */
  evaluation_item: z.string().nullable(),
});
export type GroupKeys = z.infer<typeof GroupKeys>;
