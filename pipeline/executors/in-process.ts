import { z } from "zod";
import { runTask } from "../task.ts";
import { defineExecutor } from "./executor.ts";

/** Runs tasks in this process, one after the other unless told that they wait for the world. */
export const inProcess = defineExecutor({
  name: "in-process",
  summary: "one task after the other, in this process",
  options: z.strictObject({}),
  start: (run, _options, { signal, report }) => ({
    async run(tasks, onDone, width = 1) {
      const queue = [...tasks];
      const failure = new AbortController();
      const either = AbortSignal.any([signal, failure.signal]);
      const work = async () => {
        for (let task = queue.shift(); task; task = queue.shift()) {
          either.throwIfAborted();
          const { stage, index, fingerprint } = task;
          await runTask(run, stage, index, { signal: either, report, fingerprint });
          onDone(task);
        }
      };
      const workers = Array.from({ length: width }, () => work().catch((error) => failure.abort(error)));
      await Promise.all(workers);
      either.throwIfAborted();
    },
    async close() {},
  }),
});
