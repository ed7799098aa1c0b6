import { z } from "zod";

/** A published count beside ours. It explains; it is no mark that a run passes or fails. */
export const PublishedCount = z.strictObject({
  /** What is counted, in words. */
  count: z.string(),
  published: z.int(),
  /** Where it was published. */
  reference: z.string(),
  ours: z.int(),
  /** `ours` - `published`, and the same in percent of `published`. */
  gap: z.int(),
  gap_percent: z.number(),
  /** Settings of this run that could explain a gap here; those of the rows before it count too. */
  switches: z.array(z.strictObject({ name: z.string(), value: z.string() })),
});
export type PublishedCount = z.infer<typeof PublishedCount>;
