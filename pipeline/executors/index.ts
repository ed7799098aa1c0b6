import type { ExecutorKind } from "./executor.ts";
import { inProcess } from "./in-process.ts";
import { threads } from "./threads.ts";

/** Every executor that `--executor` knows. To add one: write its file beside these and name it here. */
export const executors: readonly ExecutorKind[] = [threads, inProcess];
