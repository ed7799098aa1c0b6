import type { Run } from "../plan.ts";
import type { Executor } from "../run.ts";
import { type Progress, runTask } from "../task.ts";

/** Runs tasks one after the other in this process. */
export function inProcess(run: Run, signal: AbortSignal, report: (progress: Progress) => void = () => {}): Executor {
  return {
    async run(tasks, onDone) {
      for (const task of tasks) {
        signal.throwIfAborted();
        await runTask(run, task.stage, task.index, { signal, report, print: task.print });
        onDone(task);
      }
    },
    async close() {},
  };
}
