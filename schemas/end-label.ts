import { z } from "zod";

/** What speaks for or against that the user left where the conversation stops. */
export const EndReason = z.enum(["unanswered", "empty_answer", "thanks", "refusal", "goes_on", "last_day"]);
export type EndReason = z.infer<typeof EndReason>;

/** How sure it is that a conversation ended where its text stops: one row for each that `dedup` kept. */
export const EndLabel = z.strictObject({
  conversation_id: z.string(),
  /** From 0 (it surely did not end there) to 1 (it surely did). A judgement by rules, not a measured probability. */
  end_confidence: z.number(),
  /** Why it is not what it is without any sign, in a fixed order. */
  end_reasons: z.array(EndReason),
});
export type EndLabel = z.infer<typeof EndLabel>;

/** Which conversations get an end sample: all (as published), those that probably ended there, or all that may have, weighed. */
export const EndLabels = z.enum(["all", "confident", "weighted"]);
export type EndLabels = z.infer<typeof EndLabels>;
