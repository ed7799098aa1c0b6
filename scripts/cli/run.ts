import { join } from "node:path";
import { type Given, layer, readConfig } from "../../pipeline/config.ts";
import type { Manifest } from "../../schemas/manifest.ts";
import type { Plan } from "../../schemas/plan.ts";
import { realWorld, runPlan, stages } from "../../stages/index.ts";
import { makePlan } from "../../stages/plan.ts";
import { givenByFlags } from "./flags.ts";
import { plan } from "./plan.ts";
import { count, funnel, progressDrawer } from "./terminal.ts";

/** Flags of `run`, `demo` and `plan` that are no settings of the run. */
export interface RunFlags {
  readonly config?: string;
  readonly from?: string;
  readonly to?: string;
  readonly threads?: number;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** The settings that were given: those of the configuration file, then those of flags. */
export function givenBy(flags: RunFlags): Given {
  return layer(flags.config ? readConfig(flags.config) : {}, givenByFlags(flags as Record<string, unknown>));
}

/** `flipturn run`: everything, or a part of it. */
export async function run(flags: RunFlags, signal: AbortSignal): Promise<void> {
  if (flags.dryRun) return plan(flags);
  const { plan: made, settings } = await makePlan(givenBy(flags), stages, realWorld());
  await runAndShow(made, settings.output ?? join("output", made.source), flags, signal);
}

/** Runs a plan, draws its progress on stderr, and prints its funnel or, if asked for, its manifests as JSON. */
export async function runAndShow(
  plan: Plan,
  folder: string,
  flags: RunFlags,
  signal: AbortSignal,
): Promise<Manifest[]> {
  const { draw, clear } = progressDrawer();
  const { from, to, force, threads } = flags;
  const options = { ...(from && { from }), ...(to && { to }), ...(force && { force }), ...(threads && { threads }) };
  const manifests = await runPlan(plan, folder, { ...options, signal, onEvent: draw }).finally(clear);
  if (flags.json) console.log(JSON.stringify(manifests, null, 2));
  else console.log(`\n${funnel(manifests)}\n\n${closing(manifests, folder)}`);
  return manifests;
}

function closing(manifests: readonly Manifest[], folder: string): string {
  const last = manifests.at(-1);
  if (last?.stage !== "write") return `Stopped after ${last?.stage}, as asked. The same command without --to goes on.`;
  if (last.kept === 0)
    return "No sample was kept: the table says why; `flipturn run --help` lists the settings that decide.";
  const rows = ["train", "validation", "test"].map((split) => `${split} ${count(last.counts[`rows_${split}`] ?? 0)}`);
  return `Dataset: ${join(folder, "dataset")} (rows: ${rows.join(", ")})\nLook at it: flipturn report --output ${folder}`;
}
