import { z } from "zod";
import { Split } from "./user.ts";

/** The split of one conversation. */
export const Placed = z.strictObject({ conversation_id: z.string(), split: Split });
export type Placed = z.infer<typeof Placed>;
