import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Plan, PlannedStage } from "../schemas/plan.ts";
import { type Bytes, type Files, fileName, fiveDigits, type Table } from "./artefact.ts";
import type { Chain } from "./chain.ts";
import type { Environment } from "./environment.ts";
import { UsageError } from "./errors.ts";
import { stageIn, variantIn } from "./stage.ts";

/** Everything that one machine needs to do tasks of a run. */
export interface Run {
  readonly plan: Plan;
  /** Folder of the run, such as `output/demo`. */
  readonly folder: string;
  readonly chain: Chain;
  readonly environment: Environment;
}

/** The stage of a plan by its name there. */
export function plannedStage(plan: Plan, name: string): PlannedStage {
  const found = plan.stages.find((stage) => stage.name === name);
  if (!found)
    throw new UsageError(`no stage ${name} in this plan; it has: ${plan.stages.map((stage) => stage.name).join(", ")}`);
  return found;
}

/**
 * The name that a stage has in a plan for who asks: `render:trl` for `render`, asked by `describe:trl` or with variant
 * `trl`. Throws UsageError if the plan has it for several others, or not at all.
 */
export function nameInPlan(plan: Plan, stage: string, variant: string | null = null): string {
  const found = plan.stages.map(({ name }) => name).filter((name) => stageIn(name) === stage);
  const own =
    found.find((name) => variant !== null && variantIn(name) === variant) ??
    (found.length === 1 ? found[0] : undefined);
  if (own !== undefined) return own;
  if (found.length === 0) plannedStage(plan, stage);
  const variants = found.map((name) => variantIn(name) ?? name);
  throw new UsageError(
    `the run has ${stage} for ${variants.join(", ")}; say which with --form, such as --form ${variants[0]}`,
  );
}

/** Folder of a stage in a run: `02-prepare`, numbered by its place in the chain so that a listing reads in order. */
export function stageFolder(run: Run, planned: string): string {
  const number = run.chain.stages.findIndex(({ name }) => name === stageIn(planned)) + 1;
  if (number === 0) throw new UsageError(`no stage ${planned} in chain ${run.chain.name}`);
  return join(run.folder, `${String(number).padStart(2, "0")}-${planned.replace(":", "-")}`);
}

/** Path of one file of an artefact; `planned` is the name of its stage in the plan. */
export function filePath(run: Run, planned: string, artefact: Table | Bytes, index: number): string {
  const of = artefact.per === "run" ? 1 : run.plan.shards;
  return join(stageFolder(run, planned), fileName(artefact, index, of));
}

/** Folder of files for others: `dataset`, or `dataset/trl` where their stage is planned for `trl`. */
export function filesFolder(run: Run, planned: string, artefact: Files): string {
  return join(run.folder, artefact.folder, variantIn(planned) ?? "");
}

/** A path that was given when the run was planned, as it is found from here. */
export function resolveGiven(run: Pick<Run, "folder" | "plan">, path: string): string {
  const base = resolve(realFolder(run.folder), run.plan.base);
  // As it was given where that is right, so that messages say it as people wrote it.
  return base === realFolder(".") ? path : resolve(base, path);
}

/** A folder by its own name, links on the way to it followed; what is not there yet keeps the name that it was given. */
export function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    const parent = dirname(resolve(folder));
    return parent === resolve(folder) ? parent : join(realFolder(parent), basename(resolve(folder)));
  }
}

/** What messages and rejections call an input: its file name, or its whole path where several share the name. */
export function inputName(plan: Plan, index: number): string {
  const path = plan.inputs[index]?.path ?? "";
  return sharedNames(plan).has(basename(path)) ? path : basename(path);
}

/** Names that several inputs of a plan have; looked for once, since every task asks. */
const shared = new WeakMap<Plan, ReadonlySet<string>>();

function sharedNames(plan: Plan): ReadonlySet<string> {
  const known = shared.get(plan);
  if (known) return known;
  const seen = new Set<string>();
  const names = plan.inputs.map(({ path }) => basename(path));
  const found = new Set(names.filter((name) => seen.size === seen.add(name).size));
  shared.set(plan, found);
  return found;
}

/** Path of the plan in the folder of a run. */
export function planPath(folder: string): string {
  return join(folder, "plan.json");
}

/** Path of the marker of a task; `index` counts through all phases of the stage. */
export function markerPath(run: Run, planned: string, index: number): string {
  return join(stageFolder(run, planned), "tasks", `${fiveDigits(index)}.json`);
}

/** Path of what a failed task leaves. */
export function failurePath(run: Run, planned: string, index: number): string {
  return join(stageFolder(run, planned), "tasks", `${fiveDigits(index)}.failed.json`);
}

/** Path of the summary of a phase all of whose tasks are done. */
export function summaryPath(run: Run, planned: string, phase: string): string {
  return join(stageFolder(run, planned), "tasks", `${phase}.json`);
}

/** Name of the record of a finished stage in its folder. */
export const MANIFEST = "manifest.json";

/** Path of the record of a finished stage. */
export function manifestPath(run: Run, planned: string): string {
  return join(stageFolder(run, planned), MANIFEST);
}

/** Path of the same in brief. */
export function donePath(run: Run, planned: string): string {
  return join(stageFolder(run, planned), "done.json");
}
