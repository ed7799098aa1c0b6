import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { FileRecord } from "../schemas/manifest.ts";
import { Manifest } from "../schemas/manifest.ts";
import type { PlannedStage } from "../schemas/plan.ts";
import { hashFile, readRecord } from "./files/atomic-file.ts";
import { MANIFEST, type Run, resolveGiven } from "./run-folder.ts";
import { type Stage, stageIn, variantIn } from "./stage.ts";

/**
 * The run with a plan that also has the variants of stages which earlier plans have left in its folder, such as the
 * dataset in another form. Whether they are still up to date is told like that of any other stage.
 */
export async function withVariantsOnDisk(run: Run): Promise<Run> {
  const stages: PlannedStage[] = [];
  for (const stage of run.chain.stages) {
    const planned = run.plan.stages.filter(({ name }) => stageIn(name) === stage.name);
    stages.push(...planned, ...(await othersOnDisk(run, stage, planned)));
  }
  return { ...run, plan: { ...run.plan, stages } };
}

/** What earlier plans had of a stage, planned as they had it. */
async function othersOnDisk(run: Run, stage: Stage, planned: readonly PlannedStage[]): Promise<PlannedStage[]> {
  const [like] = planned;
  if (!like || variantIn(like.name) === null) return [];
  const found: PlannedStage[] = [];
  for (const { stage: name, options } of await manifestsIn(run)) {
    if (stageIn(name) !== stage.name || planned.some((each) => each.name === name)) continue;
    const files = await filesNamed(run, stage, options);
    if (files !== null) found.push({ ...like, name, options, files });
  }
  return found;
}

/** The files that the options name, as they are now; null = one of them is gone. */
async function filesNamed(run: Run, stage: Stage, options: Record<string, unknown>): Promise<FileRecord[] | null> {
  const files: FileRecord[] = [];
  for (const path of stage.files?.(options) ?? []) {
    const found = await hashFile(resolveGiven(run, path)).catch(() => null);
    if (found === null) return null;
    files.push({ path, rows: null, ...found });
  }
  return files;
}

/** The manifests of all stages that have one, in the order of their folders. */
async function manifestsIn({ folder }: Run): Promise<Manifest[]> {
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  const found = await Promise.all(names.map((name) => readRecord(join(folder, name, MANIFEST), Manifest)));
  return found.filter((manifest) => manifest !== null);
}
