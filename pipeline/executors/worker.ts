import { parentPort, workerData } from "node:worker_threads";
import type { Plan } from "../../schemas/plan.ts";
import { systemCode } from "../errors.ts";
import type { TaskRef } from "../run.ts";
import type { Stage } from "../stage.ts";
import { type Progress, runTask } from "../task.ts";

/** What a worker thread is started with. */
export type WorkerStart = { plan: Plan; folder: string };
/** What it is told: a task to do, to leave the one that it does, or to end. */
export type ToWorker = { type: "task"; task: TaskRef } | { type: "abort" } | { type: "close" };
/** What it answers. */
export type FromWorker =
  | { type: "done" }
  | { type: "progress"; progress: Progress }
  | { type: "failed"; name: string; message: string; stack: string; code?: string };

/** Makes this worker thread do tasks of these stages as they are asked for. */
export function serve(stages: readonly Stage[]): void {
  const port = parentPort;
  if (!port) throw new Error("not in a worker thread");
  const { plan, folder } = workerData as WorkerStart;
  const run = { plan, folder, stages, world: { env: process.env, fetch } };
  const answer = (message: FromWorker) => port.postMessage(message);
  const stop = new AbortController();
  const work = async (task: TaskRef) => {
    try {
      const report = (progress: Progress) => answer({ type: "progress", progress });
      await runTask(run, task.stage, task.index, { signal: stop.signal, report, print: task.print });
      answer({ type: "done" });
    } catch (error) {
      const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
      const code = systemCode(error);
      answer({ type: "failed", name, message, stack: stack ?? "", ...(code && { code }) });
    }
  };
  port.on("message", (message: ToWorker) => {
    if (message.type === "task") void work(message.task);
    else if (message.type === "abort") stop.abort();
    else port.close();
  });
}
