import type { Run } from "../plan.ts";
import type { Executor } from "../run.ts";
import { type Progress, runTask } from "../task.ts";

/** Runs tasks in this process, one after the other unless told that they wait for the world. */
export function inProcess(run: Run, signal: AbortSignal, report: (progress: Progress) => void = () => {}): Executor {
  return {
    async run(tasks, onDone, width = 1) {
      const queue = [...tasks];
      const failure = new AbortController();
      const either = AbortSignal.any([signal, failure.signal]);
      const work = async () => {
        for (let task = queue.shift(); task; task = queue.shift()) {
          either.throwIfAborted();
          await runTask(run, task.stage, task.index, { signal: either, report, print: task.print });
          onDone(task);
        }
      };
      const workers = Array.from({ length: width }, () => work().catch((error) => failure.abort(error)));
      await Promise.all(workers);
      either.throwIfAborted();
    },
    async close() {},
  };
}
