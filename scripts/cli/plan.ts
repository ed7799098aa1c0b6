import { existsSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../pipeline/errors.ts";
import { finishedManifest } from "../../pipeline/manifest.ts";
import { duration } from "../../pipeline/models/progress.ts";
import { plannedStage, type Run } from "../../pipeline/plan.ts";
import { lock, savePlan } from "../../pipeline/run.ts";
import { Task } from "../../pipeline/task.ts";
import type { Plan } from "../../schemas/plan.ts";
import { realWorld, stages } from "../../stages/index.ts";
import type { Estimate } from "../../stages/intents/estimate.ts";
import type { IntentsOptions } from "../../stages/intents/options.ts";
import { makePlan } from "../../stages/plan.ts";
import { givenBy, type RunFlags } from "./run.ts";
import { count, progressDrawer, table } from "./terminal.ts";

/** Flags of `plan` beside those of `run`. */
export interface PlanFlags extends RunFlags {
  readonly write?: boolean;
  /** Conversations to ask about before estimating. */
  readonly sample?: number;
}

/** `flipturn plan`, and `run --dry-run`: what a run would do. Touches nothing, unless told to write `plan.json` or to send a pilot. */
export async function plan(flags: PlanFlags, signal: AbortSignal = new AbortController().signal): Promise<void> {
  const { plan: made, settings } = await makePlan(givenBy(flags), stages, realWorld());
  await showPlan(made, settings.output ?? join("output", made.source), flags, signal);
}

/** Prints a plan: where from, how many tasks, what is done already, with which options, and what the intents will cost. */
export async function showPlan(
  made: Plan,
  folder: string,
  flags: PlanFlags,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  if (flags.write) savePlan(folder, made);
  const run: Run = { plan: made, folder, stages, world: realWorld() };
  const ahead = await estimateIntents(run, flags, signal);
  const missing = await missingFor(run);
  if (flags.json) {
    const estimated = typeof ahead === "object" ? { intents_estimate: ahead } : {};
    return console.log(JSON.stringify({ ...made, ...estimated, ...(missing.length > 0 && { missing }) }, null, 2));
  }
  const bytes = made.inputs.reduce((sum, input) => sum + input.bytes, 0);
  const from = made.hub ? `${made.hub.repo} at ${made.hub.revision}` : "local files";
  console.log(
    `${made.source} from ${from}: ${count(made.inputs.length)} files, ${count(bytes)} bytes, ${count(made.shards)} shards -> ${folder}\n`,
  );
  const rows = await Promise.all(
    made.stages.map(async (stage) => {
      const manifest = await finishedManifest(run, stage.name);
      const tasks = stage.phases.reduce((sum, phase) => sum + phase.tasks, 0);
      const state = manifest ? `done: ${count(manifest.kept)} ${manifest.unit} kept` : "to do";
      return [stage.name, count(tasks), state, optionsText(stage.options)];
    }),
  );
  console.log(table([["stage", "tasks", "state", "options"], ...rows], [1]));
  if (ahead !== null) console.log(`\n${typeof ahead === "string" ? ahead : estimateText(ahead)}`);
  for (const each of missing) console.log(`\nNot ready to run: ${each}`);
  const path = join(folder, "plan.json");
  if (flags.write)
    console.log(`\nWritten: ${path}. One task of it: flipturn task --plan ${path} --stage download --index 0`);
}

/** Why a run would be refused before its first stage: what stages that are not done say of options, keys and files. */
async function missingFor(run: Run): Promise<string[]> {
  const missing: string[] = [];
  for (const { name, require } of stages) {
    if (await finishedManifest(run, name)) continue;
    try {
      await require?.(plannedStage(run.plan, name).options, run.world, run.plan);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      missing.push(error.message);
    }
  }
  return missing;
}

/** What is ahead of a language model, or in words why that is not known yet; null = none will be asked. */
async function estimateIntents(run: Run, flags: PlanFlags, signal: AbortSignal): Promise<Estimate | string | null> {
  const options = plannedStage(run.plan, "intents").options as IntentsOptions;
  const isAsked = ["openai", "batch"].includes(options.provider);
  if (flags.sample && !isAsked) throw new UsageError(`--sample: --intents ${options.provider} asks no language model`);
  if (!isAsked || (!flags.sample && (await finishedManifest(run, "intents")))) return null;
  if (!existsSync(run.folder) || !(await finishedManifest(run, "dedup"))) {
    const hint = "intents: `flipturn run` with the same flags and --to dedup costs nothing; after it, plan";
    if (flags.sample)
      throw new UsageError(`--sample: stage dedup is not done in ${run.folder}; ${hint} can send a pilot`);
    return `${hint} says how many tokens and dollars the intents will take`;
  }
  if (flags.sample) await stages.find(({ name }) => name === "intents")?.require?.(options, run.world, run.plan);
  const unlock = flags.sample ? await lock(run.folder) : () => {};
  const { draw, clear } = progressDrawer();
  try {
    if (flags.sample) savePlan(run.folder, run.plan);
    const place = { stage: "intents", phase: "ask", index: 0 };
    const task = new Task<IntentsOptions>(run, place, signal, (progress) => draw({ type: "progress", ...progress }));
    const report = (done: number, total: number, note?: string) => task.report(done, total, "conversations", note);
    const { estimate } = await import("../../stages/intents/estimate.ts"); // what asks language models: loaded when needed
    return await estimate(task, { sample: flags.sample ?? 0, report });
  } finally {
    clear();
    unlock();
  }
}

/** An estimate in words. */
function estimateText(ahead: Estimate): string {
  const { requests, usd, pilot, shutdown, overflow } = ahead;
  const lines = [
    `intents by ${ahead.model}: ${count(ahead.conversations)} conversations, ${count(ahead.answered)} answered, ${count(requests)} requests to send${ahead.shared > 0 ? ` (${count(ahead.shared)} more share one of them)` : ""}`,
    `  tokens   ${count(ahead.input_tokens)} in (${ahead.is_exact ? "exact" : "about: the model's own tokenizer is not known"}), ${rangeText(ahead.output_tokens, count)} out`,
    usd === null
      ? "  cost     no price is known for this model at this server; --price input=…,output=… gives one"
      : `  cost     ${rangeText(usd.sync, dollars)} one by one, ${rangeText(usd.batch, dollars)} by --intents batch${ahead.spent_usd > 0 ? `; ${dollars(ahead.spent_usd)} spent so far` : ""}`,
    pilot &&
      `  usage    ${count(pilot.conversations)} conversations answered so far took ${pilot.requests.toFixed(2)} requests each, ${pilot.input_tokens.toFixed(1)} tokens in (${pilot.cached_tokens.toFixed(1)} of them cached) and ${pilot.output_tokens.toFixed(1)} out; tokens and cost above go by it`,
    ahead.minutes === null
      ? "  time     --requests-per-minute and --tokens-per-minute say how long it takes"
      : `  time     ${duration(60 * ahead.minutes)} at the given limits`,
    overflow !== null &&
      overflow > 0 &&
      `  context  ${count(overflow)} conversations do not fit in ${count(ahead.context_tokens ?? 0)} tokens: turns in their middle will be left out`,
    overflow === null && "  context  not known for this model; --context-tokens says what does not fit",
    shutdown && `  model    announced to be shut down on ${shutdown.day} (as of ${shutdown.asOf})`,
  ];
  return lines.filter((line) => typeof line === "string").join("\n");
}

function rangeText({ least, most }: { least: number; most: number }, show: (value: number) => string): string {
  return show(least) === show(most) ? show(most) : `${show(least)} to ${show(most)}`;
}

function dollars(value: number): string {
  return `$${value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: value < 0.1 ? 4 : 2 })}`;
}

function optionsText(options: Record<string, unknown>): string {
  return Object.entries(options)
    .filter(([, value]) => value !== null && value !== "" && (typeof value !== "object" || Array.isArray(value)))
    .map(
      ([name, value]) => `${name}=${typeof value === "string" && value.includes(" ") ? JSON.stringify(value) : value}`,
    )
    .join(" ");
}
