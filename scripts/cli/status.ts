import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../pipeline/errors.ts";
import { fingerprint, finishedManifest } from "../../pipeline/manifest.ts";
import { type Run, readPlan } from "../../pipeline/plan.ts";
import { doneMarker } from "../../pipeline/task.ts";
import type { PlannedStage } from "../../schemas/plan.ts";
import { realWorld, stages } from "../../stages/index.ts";
import { count, table } from "./terminal.ts";

/** The run in a folder: as given, or the only one under `output/`. Throws UsageError if there is none or more than one. */
export async function findRun(folder: string | undefined): Promise<Run> {
  const found = folder === undefined ? runsUnder("output") : [folder];
  if (found.length > 1) throw new UsageError(`several runs: name one with --output: ${found.join(", ")}`);
  if (found[0] === undefined)
    throw new UsageError("no run under output/; name its folder with --output, or begin with `flipturn demo`");
  return { plan: await readPlan(join(found[0], "plan.json")), folder: found[0], stages, world: realWorld() };
}

function runsUnder(root: string): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .map((name) => join(root, name))
    .filter((folder) => existsSync(join(folder, "plan.json")));
}

/** `flipturn status`: where a run stands, stage by stage. */
export async function status(flags: { output?: string; json?: boolean }): Promise<void> {
  const run = await findRun(flags.output);
  const found = [];
  for (const stage of run.plan.stages) found.push(await stageState(run, stage));
  if (flags.json) return console.log(JSON.stringify(found, null, 2));
  const rows = found.map((each) => [
    each.stage,
    each.state,
    `${each.tasksDone}/${each.tasks}`,
    each.kept === null ? "" : `${count(each.kept)} ${each.unit}`,
  ]);
  console.log(`${run.folder}: ${run.plan.source}, seed ${run.plan.seed}, ${count(run.plan.shards)} shards\n`);
  console.log(table([["stage", "state", "tasks", "kept"], ...rows], [2]));
}

async function stageState(run: Run, stage: PlannedStage) {
  const tasks = stage.phases.reduce((sum, phase) => sum + phase.tasks, 0);
  const manifest = await finishedManifest(run, stage.name);
  if (manifest) {
    const { unit, kept, rejected } = manifest;
    return { stage: stage.name, state: "done", tasks, tasksDone: tasks, unit, in: manifest.in, kept, rejected };
  }
  const print = await fingerprint(run, stage.name).catch((error) => {
    if (error instanceof UsageError) return null;
    throw error;
  });
  let tasksDone = 0;
  for (let index = 0; print !== null && index < tasks; index++)
    if (await doneMarker(run, stage.name, index, print)) tasksDone++;
  const state = tasksDone > 0 ? "begun" : print === null ? "waiting" : "to do";
  return { stage: stage.name, state, tasks, tasksDone, unit: null, in: null, kept: null, rejected: null };
}
