import { Worker } from "node:worker_threads";
import { InputError, LimitError, RemoteError, UsageError } from "../errors.ts";
import type { Run } from "../plan.ts";
import type { Executor, TaskRef } from "../run.ts";
import type { Progress } from "../task.ts";
import type { FromWorker, ToWorker, WorkerStart } from "./worker.ts";

const KINDS = [UsageError, LimitError, RemoteError, InputError, Error];

/**
 * Runs tasks on `count` worker threads, each with its own engine. `entry` is the module that a thread starts with:
 * it knows the stages and calls `serve`. Threads start with the first task and end with `close`.
 */
export function threads(
  run: Run,
  count: number,
  entry: URL,
  signal: AbortSignal,
  report: (progress: Progress) => void = () => {},
): Executor {
  const start: WorkerStart = { plan: run.plan, folder: run.folder };
  let workers: Worker[] = [];
  const close = async () => {
    await Promise.all(workers.map((worker) => worker.terminate()));
    workers = [];
  };
  return {
    close,
    async run(tasks, onDone) {
      const queue = [...tasks];
      while (workers.length < Math.min(count, queue.length)) workers.push(new Worker(entry, { workerData: start }));
      try {
        await Promise.all(workers.map((worker) => work(worker, queue, signal, onDone, report)));
      } catch (error) {
        queue.length = 0;
        await close();
        throw error;
      }
    },
  };
}

/** Feeds one worker from the queue until it is empty. */
function work(
  worker: Worker,
  queue: TaskRef[],
  signal: AbortSignal,
  onDone: (task: TaskRef) => void,
  report: (progress: Progress) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let task: TaskRef | undefined;
    const stop = () => settle(signal.reason);
    const died = (code: number) => settle(new Error(`a worker thread ended with code ${code}`));
    const hear = (message: FromWorker) => {
      if (message.type === "progress") return report(message.progress);
      if (message.type === "failed") return settle(revive(message));
      if (task) onDone(task);
      next();
    };
    const settle = (error?: unknown) => {
      signal.removeEventListener("abort", stop);
      worker.off("message", hear).off("error", settle).off("exit", died);
      if (error === undefined) resolve();
      else reject(error);
    };
    const next = () => {
      task = queue.shift();
      if (task) worker.postMessage(task satisfies ToWorker);
      else settle();
    };
    worker.on("message", hear).on("error", settle).on("exit", died);
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    else next();
  });
}

function revive(message: { name: string; message: string; stack: string; code?: string }): Error {
  const Kind = KINDS.find((kind) => kind.name === message.name) ?? Error;
  const error = new Kind(message.message);
  error.stack = message.stack;
  return message.code ? Object.assign(error, { code: message.code }) : error;
}
