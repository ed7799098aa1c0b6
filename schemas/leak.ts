import { z } from "zod";
import { Split } from "./user.ts";

/** What two conversations in different splits can have in common. */
export const LINKS = ["user", "country", "opening", "template", "near_duplicate"] as const;

/** Conversations that share something and yet are in more than one split, for one kind of what they share. */
export const Leak = z.strictObject({
  /**
   * `user`: the same user id; `country`: such a user id that was seen under more than one country; `opening`: the same
   * first user turn but for case, punctuation and signs; `template`: a template of 7-grams; `near_duplicate`: a cluster of near-duplicates.
   */
  link: z.enum(LINKS),
  /** How many different users, openings, … there are at all; 0 = none is known, so that nothing can be said of them. */
  known: z.int(),
  /** How many such users, openings, … are in more than one split. */
  values: z.int(),
  /** Conversations that have one of them, by split. */
  train: z.int(),
  validation: z.int(),
  test: z.int(),
  /** Up to five of them, each by its smallest conversation id in every split where it is. */
  examples: z.array(z.array(z.strictObject({ split: Split, conversation_id: z.string() }))),
});
export type Leak = z.infer<typeof Leak>;
