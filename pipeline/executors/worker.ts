import { parentPort, workerData } from "node:worker_threads";
import type { Plan } from "../../schemas/plan.ts";
import type { Chain } from "../chain.ts";
import { realEnvironment } from "../environment.ts";
import { systemCode } from "../errors.ts";
import type { Run } from "../run-folder.ts";
import { type Progress, runTask } from "../task.ts";
import type { TaskRef } from "./executor.ts";

/** What a worker thread is started with; `chains` is the module that has the chain of the plan. */
export type WorkerStart = { plan: Plan; folder: string; chains: string; env: NodeJS.ProcessEnv };
/** What it is told: a task to do, to leave the one that it does, or to end. */
export type ToWorker = { type: "task"; task: TaskRef } | { type: "abort" } | { type: "close" };
/** What it answers. */
export type FromWorker =
  | { type: "done" }
  | { type: "progress"; progress: Progress }
  | { type: "failed"; name: string; message: string; stack: string; code?: string };

/** Makes this worker thread do tasks of a run as they are asked for. */
async function serve({ plan, folder, chains: module, env }: WorkerStart): Promise<void> {
  const port = parentPort;
  if (!port) throw new Error("not in a worker thread");
  const { chains } = (await import(module)) as { chains: Readonly<Record<string, Chain>> };
  const chain = chains[plan.chain];
  if (!chain) throw new Error(`${module} has no chain ${plan.chain}`);
  const run: Run = { plan, folder, chain, environment: realEnvironment({ env }) };
  const answer = (message: FromWorker) => port.postMessage(message);
  const stop = new AbortController();
  const work = async ({ stage, index, fingerprint }: TaskRef) => {
    try {
      const report = (progress: Progress) => answer({ type: "progress", progress });
      await runTask(run, stage, index, { signal: stop.signal, report, fingerprint });
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

await serve(workerData as WorkerStart);
