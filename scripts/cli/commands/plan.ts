import { z } from "zod";
import { UsageError } from "../../../pipeline/errors.ts";
import { finishedManifest } from "../../../pipeline/fingerprint.ts";
import { lock } from "../../../pipeline/lock.ts";
import { duration } from "../../../pipeline/models/progress.ts";
import { savePlan, validateStage } from "../../../pipeline/run.ts";
import type { Run } from "../../../pipeline/run-folder.ts";
import { planPath } from "../../../pipeline/run-folder.ts";
import { dataset, openRun } from "../../../stages/index.ts";
import type { Estimate } from "../../../stages/intents/estimate.ts";
import { makePlan, type Planned, requireOwnFolder } from "../../../stages/plan.ts";
import { defineCommand } from "../command.ts";
import { type Io, print, printJson } from "../io.ts";
import { progressDrawer } from "../progress.ts";
import { count, table } from "../terminal.ts";

const PlanInput = z.strictObject({
  write: z.boolean().default(false).describe("write plan.json into the folder of the run, for `flipturn task`"),
  sample: z
    .int()
    .min(1)
    .optional()
    .describe("ask for the intents of so many conversations and estimate by what they used"),
  json: z.boolean().default(false).describe("print the plan as JSON"),
});

/** `flipturn plan`: what a run would do. Touches nothing, unless told to write `plan.json` or to send a pilot. */
export const plan = defineCommand({
  name: "plan",
  summary: "show what a run would do; touches nothing",
  input: PlanInput,
  settings: { chain: dataset },
  examples: [
    "flipturn plan --source prism --input conversations.jsonl --intents none",
    "flipturn plan --source wildchat-1m --budget 1 --sample 50      (sends 50 requests; the run does not pay for them again)",
  ],
  run: async (input, io, given) => showPlan(await makePlan(given, dataset, io.environment), input, io),
});

/** What is to be shown of a plan, and done with it. */
export interface ShowPlan {
  readonly write?: boolean;
  readonly sample?: number | undefined;
  readonly json: boolean;
}

/** Writes a plan into its folder, unless somebody works there by another. */
async function writePlan({ folder, plan: made }: Run, { environment, signal }: Io): Promise<void> {
  const held = await lock(folder, environment, signal);
  try {
    savePlan(folder, made);
  } finally {
    held.release();
  }
}

/** Prints a plan: where from, how many tasks, what is done already, with which options, and what the intents will cost. */
export async function showPlan(planned: Planned, { write, sample, json }: ShowPlan, io: Io): Promise<void> {
  const { plan: made, folder, notes } = planned;
  if (write) requireOwnFolder(planned, false);
  const run = openRun(made, folder, io.environment);
  if (write) await writePlan(run, io);
  const ahead = await intentsOf(run, sample ?? 0, io);
  const missing = await missingFor(run);
  if (planned.replaces !== null) missing.unshift(`${folder} holds a run of other files, ${planned.replaces}`);
  if (json) {
    const estimated = typeof ahead === "object" && ahead !== null ? { intents_estimate: ahead } : {};
    return printJson(io, { ...made, ...estimated, ...(missing.length > 0 && { missing }) });
  }
  const bytes = made.inputs.reduce((sum, input) => sum + input.bytes, 0);
  const from = made.hub ? `${made.hub.repo} at ${made.hub.revision}` : "local files";
  print(
    io,
    `${made.source} from ${from}: ${count(made.inputs.length)} files, ${count(bytes)} bytes, ${count(made.shards)} shards -> ${folder}\n`,
  );
  print(io, await stagesTable(run));
  if (ahead !== null) print(io, `\n${typeof ahead === "string" ? ahead : estimateText(ahead)}`);
  for (const note of notes) print(io, `\nNote: ${note}.`);
  for (const each of missing) print(io, `\nNot ready to run: ${each}`);
  const path = planPath(folder);
  const [first] = made.stages;
  if (write)
    print(
      io,
      `\nWritten: ${path}. One task of it: flipturn task --plan ${path} --phase ${first?.name}.${first?.phases[0]?.name} --element 0`,
    );
}

async function stagesTable(run: Run): Promise<string> {
  const rows = run.plan.stages.map(async ({ name, phases, options, models }) => {
    const manifest = await finishedManifest(run, name);
    const tasks = phases.reduce((sum, phase) => sum + phase.tasks, 0);
    const state = manifest ? `done: ${count(manifest.kept)} ${manifest.unit} kept` : "to do";
    const asked = Object.entries(models).map(([role, settings]) => optionsText(settings, `${role}.`));
    return [name, count(tasks), state, [optionsText(options), ...asked].filter(Boolean).join(" ")];
  });
  return table([["stage", "tasks", "state", "options"], ...(await Promise.all(rows))], [1]);
}

async function intentsOf(run: Run, sample: number, io: Io): Promise<Estimate | string | null> {
  const { draw, clear } = progressDrawer(io);
  // What asks language models is loaded when needed: its packages are large.
  const { intentsAhead } = await import("../../../stages/intents/ahead.ts");
  const report = (progress: object) => draw({ type: "progress", ...progress } as Parameters<typeof draw>[0]);
  return intentsAhead(run, { sample, signal: io.signal, report }).finally(clear);
}

/** Why a run would be refused before its first stage: what stages that are not done say of options, keys and files. */
async function missingFor(run: Run): Promise<string[]> {
  const missing: string[] = [];
  for (const { name } of run.plan.stages) {
    if (await finishedManifest(run, name)) continue;
    try {
      await validateStage(run, name);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      missing.push(error.message);
    }
  }
  return missing;
}

/** An estimate in words. */
function estimateText(ahead: Estimate): string {
  const { requests, usd, pilot, shutdown, overflow } = ahead;
  const lines = [
    `intents by ${ahead.model}: ${count(ahead.conversations)} conversations, ${count(ahead.answered)} answered${ahead.reused > 0 ? ` (${count(ahead.reused)} of them by other runs, at no cost)` : ""}, ${count(requests)} requests to send${ahead.shared > 0 ? ` (${count(ahead.shared)} more share one of them)` : ""}`,
    `  tokens   ${count(ahead.input_tokens)} in (${ahead.is_exact ? "exact" : "about: the model's own tokenizer is not known"}), ${rangeText(ahead.output_tokens, count)} out`,
    usd === null
      ? "  cost     no price is known for this model at this server; --set models.intents.price=input=…,output=… gives one"
      : `  cost     ${rangeText(usd.sync, dollars)} one by one, ${rangeText(usd.batch, dollars)} by --intents batch${ahead.spent_usd > 0 ? `; ${dollars(ahead.spent_usd)} spent so far` : ""}`,
    pilot &&
      `  usage    ${count(pilot.conversations)} conversations answered so far took ${pilot.requests.toFixed(2)} requests each, ${pilot.input_tokens.toFixed(1)} tokens in (${pilot.cached_tokens.toFixed(1)} of them cached) and ${pilot.output_tokens.toFixed(1)} out${pilot.thinking_tokens > 0 ? ` (${pilot.thinking_tokens.toFixed(1)} of them thoughts)` : ""}; tokens and cost above go by it`,
    ahead.minutes === null
      ? "  time     models.intents.requestsPerMinute and .tokensPerMinute say how long it takes"
      : `  time     ${duration(60 * ahead.minutes)} at the given limits`,
    overflow !== null &&
      overflow > 0 &&
      `  context  ${count(overflow)} conversations do not fit in ${count(ahead.context_tokens ?? 0)} tokens: turns in their middle will be left out`,
    overflow === null && "  context  not known for this model; models.intents.contextTokens says what does not fit",
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

function optionsText(options: Readonly<Record<string, unknown>>, prefix = ""): string {
  return Object.entries(options)
    .filter(([, value]) => value !== null && value !== "" && (typeof value !== "object" || Array.isArray(value)))
    .map(([name, value]) => {
      const text = typeof value === "string" && value.includes(" ") ? JSON.stringify(value) : String(value);
      return `${prefix}${name}=${text}`;
    })
    .join(" ");
}
