import { z } from "zod";

/** A row that left the pipeline: which, where and exactly why. */
export const Rejection = z.strictObject({
  /** Unique in its stage: the conversation or sample id, or `<file>:<row>` for a row without a readable id. */
  id: z.string().min(1),
  /** The conversation concerned; null = the row was too broken to have an id. */
  conversation_id: z.string().nullable(),
  /** Name of the stage that dropped it. */
  stage: z.string(),
  /** One fixed word from the stage's list of reasons. */
  reason: z.string(),
  /** What was found, as a JSON object: file, row and field; template and 7-gram; … */
  detail: z.string(),
});
export type Rejection = z.infer<typeof Rejection>;
