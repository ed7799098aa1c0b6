import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { z } from "zod";
import { ERROR_KINDS } from "../errors.ts";
import type { Run } from "../run-folder.ts";
import type { Progress } from "../task.ts";
import { defineExecutor, type Executor, type ExecutorParts, type TaskRef } from "./executor.ts";
import { inProcess } from "./in-process.ts";
import type { FromWorker, ToWorker, WorkerStart } from "./worker.ts";

/** How long a thread may take to end by itself, in ms. */
const PATIENCE_MS = 10_000;

/** Runs tasks on worker threads; one thread is this process itself. */
export const threads = defineExecutor({
  name: "threads",
  summary: "tasks side by side, on worker threads of this process",
  options: z.strictObject({
    count: z.int().min(1).nullable().default(null).describe("worker threads; default: the number of processors"),
  }),
  start: (run, { count }, parts) => {
    const width = count ?? availableParallelism();
    return width === 1 ? inProcess.start(run, {}, parts) : onWorkers(run, width, parts);
  },
});

/**
 * Runs tasks on `count` worker threads, each with its own engine. Threads start with the first task and end with `close`.
 * A thread is never cut off in the middle of a task: the engine's native code would bring the whole process down.
 */
function onWorkers(run: Run, count: number, { signal, report }: ExecutorParts): Executor {
  const { plan, folder, environment } = run;
  const start: WorkerStart = { plan, folder, chains: run.chain.module, env: { ...environment.env } };
  const entry = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);
  const workers: Worker[] = [];
  return {
    async run(tasks, onDone) {
      signal.throwIfAborted();
      const queue = [...tasks];
      while (workers.length < Math.min(count, queue.length)) workers.push(new Worker(entry, { workerData: start }));
      let failure: { error: unknown } | undefined;
      const stop = (error: unknown) => {
        failure ??= { error };
        queue.length = 0;
        for (const worker of workers) tell(worker, { type: "abort" });
      };
      const interrupt = () => stop(signal.reason);
      signal.addEventListener("abort", interrupt);
      await Promise.all(workers.map((worker) => work(worker, queue, onDone, report).catch(stop)));
      signal.removeEventListener("abort", interrupt);
      if (failure) throw failure.error;
    },
    async close() {
      await Promise.all(workers.map(end));
      workers.length = 0;
    },
  };
}

function tell(worker: Worker, message: ToWorker): void {
  worker.postMessage(message);
}

/** Lets a thread end by itself, and ends it if it does not. */
async function end(worker: Worker): Promise<void> {
  if (worker.threadId === -1) return;
  const timer = setTimeout(() => void worker.terminate(), PATIENCE_MS);
  tell(worker, { type: "close" });
  await once(worker, "exit");
  clearTimeout(timer);
}

/** Feeds one worker from the queue until it is empty; rejects with what its task failed with. */
function work(
  worker: Worker,
  queue: TaskRef[],
  onDone: (task: TaskRef) => void,
  report: (progress: Progress) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let task: TaskRef | undefined;
    const died = (code: number) => settle(new Error(`a worker thread ended with code ${code}`));
    const hear = (message: FromWorker) => {
      if (message.type === "progress") return report(message.progress);
      if (message.type === "failed") return settle(revive(message));
      if (task) onDone(task);
      next();
    };
    const settle = (error?: unknown) => {
      worker.off("message", hear).off("error", settle).off("exit", died);
      if (error === undefined) resolve();
      else reject(error);
    };
    const next = () => {
      task = queue.shift();
      if (task) tell(worker, { type: "task", task });
      else settle();
    };
    worker.on("message", hear).on("error", settle).on("exit", died);
    next();
  });
}

function revive(message: { name: string; message: string; stack: string; code?: string }): Error {
  const Kind = ERROR_KINDS.find((kind) => kind.name === message.name) ?? Error;
  const error = new Kind(message.message);
  error.stack = message.stack;
  return message.code ? Object.assign(error, { code: message.code }) : error;
}
