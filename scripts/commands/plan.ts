import { join } from "node:path";
import { finishedManifest } from "../../pipeline/manifest.ts";
import type { Run } from "../../pipeline/plan.ts";
import { savePlan } from "../../pipeline/run.ts";
import type { Plan } from "../../schemas/plan.ts";
import { realWorld, stages } from "../../stages/index.ts";
import { makePlan } from "../../stages/plan.ts";
import { count, table } from "../draw.ts";
import { givenBy, type RunFlags } from "./run.ts";

/** `flipturn plan`, and `run --dry-run`: what a run would do. Touches nothing, unless told to write `plan.json`. */
export async function plan(flags: RunFlags & { write?: boolean }): Promise<void> {
  const { plan: made, settings } = await makePlan(givenBy(flags), stages, realWorld());
  await showPlan(made, settings.output ?? join("output", made.source), flags);
}

/** Prints a plan: where from, how many tasks, what is done already, with which options. */
export async function showPlan(made: Plan, folder: string, flags: RunFlags & { write?: boolean }): Promise<void> {
  if (flags.write) savePlan(folder, made);
  if (flags.json) return console.log(JSON.stringify(made, null, 2));
  const run: Run = { plan: made, folder, stages, world: realWorld() };
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
  const path = join(folder, "plan.json");
  if (flags.write)
    console.log(`\nWritten: ${path}. One task of it: flipturn task --plan ${path} --stage download --index 0`);
}

function optionsText(options: Record<string, unknown>): string {
  return Object.entries(options)
    .filter(([, value]) => value !== null && value !== "" && (typeof value !== "object" || Array.isArray(value)))
    .map(
      ([name, value]) => `${name}=${typeof value === "string" && value.includes(" ") ? JSON.stringify(value) : value}`,
    )
    .join(" ");
}
