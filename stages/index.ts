import { availableParallelism } from "node:os";
import type { Given } from "../pipeline/config.ts";
import { inProcess } from "../pipeline/executors/in-process.ts";
import { threads } from "../pipeline/executors/threads.ts";
import type { Run, World } from "../pipeline/plan.ts";
import { type RunEvent, runStages } from "../pipeline/run.ts";
import type { Stage } from "../pipeline/stage.ts";
import type { Manifest } from "../schemas/manifest.ts";
import type { Plan } from "../schemas/plan.ts";
import { dedup } from "./dedup/stage.ts";
import { download } from "./download/stage.ts";
import { flipStage } from "./flip/stage.ts";
import { intents } from "./intents/stage.ts";
import { makePlan } from "./plan.ts";
import { prepare } from "./prepare/stage.ts";
import { write } from "./render/stage.ts";
import { split } from "./split/stage.ts";

/** The whole pipeline, in order. */
export const stages: readonly Stage[] = [download, prepare, dedup, split, intents, flipStage, write];

/** How to run a plan; none of it changes what is written. */
export interface RunPlanOptions {
  readonly from?: string;
  readonly to?: string;
  readonly force?: boolean;
  /** Worker threads; 1 = in this process. Default: the number of processors. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
  readonly world?: Partial<World>;
}

/** Runs a plan in a folder, or goes on with it. Returns the manifests of the stages in the range. */
export async function runPlan(plan: Plan, folder: string, options: RunPlanOptions = {}): Promise<Manifest[]> {
  const run: Run = { plan, folder, stages, world: realWorld(options.world) };
  const signal = options.signal ?? new AbortController().signal;
  const report = (progress: object) => options.onEvent?.({ type: "progress", ...progress } as RunEvent);
  const main = inProcess(run, signal, report);
  const count = options.threads ?? availableParallelism();
  const executor = count > 1 ? threads(run, count, new URL("./worker.js", import.meta.url), signal, report) : main;
  const { from, to, force, onEvent } = options;
  try {
    return await runStages(run, {
      executor,
      main,
      ...(from && { from }),
      ...(to && { to }),
      ...(force && { force }),
      ...(onEvent && { onEvent }),
    });
  } finally {
    await executor.close();
  }
}

/**
 * Makes a plan from settings (as in a configuration file) and runs it; what is done and unchanged is skipped.
 * `await run({ source: "wildchat-1m", input: ["data/*.parquet"], intents: { provider: "none" } })`
 */
export async function run(given: Given, options: RunPlanOptions = {}): Promise<Manifest[]> {
  const { plan, settings } = await makePlan(given, stages, realWorld(options.world));
  return runPlan(plan, settings.output ?? `output/${plan.source}`, options);
}

/** The real world, but for what is given. */
export function realWorld(given: Partial<World> = {}): World {
  return { env: process.env, fetch: globalThis.fetch, ...given };
}
