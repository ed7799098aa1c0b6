import type { z } from "zod";
import type { Stage } from "./stage.ts";
import type { Task } from "./task.ts";

/** Checks a stage against its options' type and forgets that type, so that stages fit in one list. */
export function defineStage<Options extends z.ZodObject>(stage: Stage<Options, Task<z.infer<Options>>>): Stage {
  return stage as unknown as Stage;
}
