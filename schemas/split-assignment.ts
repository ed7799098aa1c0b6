import { z } from "zod";
import { Split } from "./user.ts";

/** The split of one conversation. */
export const SplitAssignment = z.strictObject({ conversation_id: z.string(), split: Split });
export type SplitAssignment = z.infer<typeof SplitAssignment>;
