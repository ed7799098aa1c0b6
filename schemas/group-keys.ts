import { createHash } from "node:crypto";
import { z } from "zod";

/** What one conversation that `dedup` kept has in common with others; two with an equal trait are alike. */
export const Trait = z.strictObject({
  conversation_id: z.string(),
  /** Key of the exact opening, see `openingKey`; null = nothing but white space was typed. */
  opening_key: z.string().nullable(),
  /** Id of the template that the opening matches, although it was kept; null = none. */
  template: z.string().nullable(),
  /** Id of the cluster of near-duplicates that the conversation is in; null = it is in none, or none were sought. */
  cluster: z.string().nullable(),
  /** Item of an evaluation set that a user turn holds text of, although the conversation was kept; null = none known. */
  evaluation_item: z.string().nullable(),
});
export type Trait = z.infer<typeof Trait>;

/** First 16 hex digits of the sha256 of an opening; null if nothing was typed, since strangers share that. */
export function openingKey(opening: string): string | null {
  return opening.trim() === "" ? null : createHash("sha256").update(opening).digest("hex").slice(0, 16);
}
