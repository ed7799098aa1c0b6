import { z } from "zod";
import { Split } from "./user.ts";

/** How much of one country went to one split. */
export const Stratum = z.strictObject({
  /** null = not known. */
  country: z.string().nullable(),
  split: Split,
  users: z.int(),
  conversations: z.int(),
  /** Users that the ratios ask for: the country's users times the split's share. */
  target: z.number(),
});
export type Stratum = z.infer<typeof Stratum>;
