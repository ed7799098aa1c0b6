import { resolve } from "node:path";
import { type Chain, defineChain } from "../pipeline/chain.ts";
import type { Given } from "../pipeline/config.ts";
import { type Environment, realEnvironment } from "../pipeline/environment.ts";
import type { RunEvent } from "../pipeline/events.ts";
import { inProcess } from "../pipeline/executors/in-process.ts";
import { executors } from "../pipeline/executors/index.ts";
import { runStages } from "../pipeline/run.ts";
import type { Run } from "../pipeline/run-folder.ts";
import type { Manifest } from "../schemas/manifest.ts";
import type { Plan } from "../schemas/plan.ts";
import { dedup } from "./dedup/stage.ts";
import { describeStage } from "./describe/stage.ts";
import { download } from "./download/stage.ts";
import { flipStage } from "./flip/stage.ts";
import { intents } from "./intents/stage.ts";
import { makePlan, requireOwnFolder } from "./plan.ts";
import { prepare } from "./prepare/stage.ts";
import { render } from "./render/stage.ts";
import { split } from "./split/stage.ts";

/** From raw logs to a dataset that a trainer reads. */
export const dataset = defineChain({
  name: "dataset",
  summary: "from logs of conversations to a dataset that a trainer reads",
  module: import.meta.url,
  stages: [download, prepare, dedup, split, intents, flipStage, render, describeStage],
});

/** Every chain by its name. */
export const chains: Readonly<Record<string, Chain>> = { dataset };

/** How to run a plan; none of it changes what is written. */
export interface RunPlanOptions {
  readonly from?: string;
  readonly to?: string;
  readonly force?: boolean;
  readonly verify?: boolean;
  /** Let the run take the place of another log's in the default folder. */
  readonly replace?: boolean;
  /** Where tasks run, and how; default: worker threads, as many as there are processors. */
  readonly executor?: { readonly name: string; readonly options?: Record<string, unknown> };
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
  readonly environment?: Partial<Environment>;
}

/** Runs a plan in a folder, or goes on with it. Returns the manifests of the stages in the range. */
export async function runPlan(plan: Plan, folder: string, options: RunPlanOptions = {}): Promise<Manifest[]> {
  const run = openRun(plan, folder, options.environment);
  const { executor: wanted = { name: "threads" }, from, to, force, verify, onEvent } = options;
  const kind = executors.find(({ name }) => name === wanted.name);
  if (!kind) throw new Error(`no executor ${wanted.name}; known: ${executors.map(({ name }) => name).join(", ")}`);
  const lost = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, lost.signal]) : lost.signal;
  const parts = {
    signal,
    report: (progress: object) => onEvent?.({ type: "progress", ...progress } as RunEvent),
  };
  const executor = kind.start(run, kind.options.parse(wanted.options ?? {}), parts);
  try {
    return await runStages(run, {
      executor,
      driver: inProcess.start(run, {}, parts),
      signal,
      onLost: (error) => lost.abort(error),
      ...(from && { from }),
      ...(to && { to }),
      ...(force && { force }),
      ...(verify && { verify }),
      ...(onEvent && { onEvent }),
    });
  } finally {
    await executor.close();
  }
}

/** A plan in its folder, with the code of its stages. Throws Error for a chain that this version does not have. */
export function openRun(plan: Plan, folder: string, environment: Partial<Environment> = {}): Run {
  const chain = chains[plan.chain];
  if (!chain) throw new Error(`no chain ${plan.chain}; known: ${Object.keys(chains).join(", ")}`);
  return { plan, folder, chain, environment: realEnvironment(environment) };
}

/**
 * Makes a plan from settings (as in a configuration file) and runs it; what is done and unchanged is skipped.
 * `await run({ source: "wildchat-1m", input: ["data/*.parquet"], intents: { provider: "none" } })`
 */
export async function run(given: Given, options: RunPlanOptions = {}): Promise<Manifest[]> {
  const planned = await makePlan(given, dataset, realEnvironment(options.environment));
  requireOwnFolder(planned, options.replace ?? false);
  const { plan, folder, settings } = planned;
  const { executor: name } = settings.run;
  const own = { name, options: settings.executors.get(name) ?? {} };
  return runPlan(plan, resolve(folder), { executor: own, ...options });
}
