import { z } from "zod";

/** The three parts of a dataset. */
export const Split = z.enum(["train", "validation", "test"]);
export type Split = z.infer<typeof Split>;

/** One person, as far as the source tells, and the split that all of their conversations are in. */
export const User = z.strictObject({
  /** Keyed hash of the source's user id; the conversation's own id where the source names no user. */
  user_id: z.string(),
  /** Country of most of the user's conversations; null = not known. */
  country: z.string().nullable(),
  /** Conversations of this user that take part in the split. */
  conversations: z.int(),
  split: Split,
  /** Id of the group of linked users that was drawn as one (`split.by` is `groups`); null = the user was drawn alone. */
  group: z.string().nullable(),
});
export type User = z.infer<typeof User>;
