import { createHash } from "node:crypto";
import { constants, readdirSync, readFileSync } from "node:fs";
import { access, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { FileRecord } from "../schemas/manifest.ts";
import { Plan, type PlannedStage } from "../schemas/plan.ts";
import { UsageError } from "./errors.ts";
import { hashFile, packageFolder, readJson } from "./files/atomic-file.ts";
import type { Stage } from "./stage.ts";

/** Everything that one machine needs to do tasks of a run. */
export interface Run {
  readonly plan: Plan;
  /** Folder of the run, such as `output/demo`. */
  readonly folder: string;
  readonly stages: readonly Stage[];
  readonly world: World;
}

/** What a run takes from the world; tests put plain objects here. */
export interface World {
  readonly env: NodeJS.ProcessEnv;
  readonly fetch: typeof fetch;
}

/** Name of the phase, always the last, that checks the counts and writes the manifest. */
export const FINISH = "finish";

/**
 * A stage as it stands in a plan: options, the files they name, hashed, and how its tasks are numbered.
 * `plan` holds the stages before it.
 */
export async function planStage(stage: Stage, options: Record<string, unknown>, plan: Plan): Promise<PlannedStage> {
  let first = 0;
  const counts = [
    ...stage.phases.map((phase) => ({ name: phase.name, tasks: phase.tasks(plan) })),
    { name: FINISH, tasks: 1 },
  ];
  const phases = counts.map(({ name, tasks }) => {
    const phase = { name, first, tasks };
    first += tasks;
    return phase;
  });
  const files: FileRecord[] = [];
  for (const path of stage.files?.(options) ?? []) {
    await requireReadable(path);
    files.push({ path, rows: null, ...(await hashFile(path)) });
  }
  return { name: stage.name, options, files, phases };
}

/** Size and time of a file that is going to be read. Throws UsageError if it is missing, a folder, empty, or not ours to read. */
export async function requireReadable(path: string): Promise<{ bytes: number; modified_ms: number }> {
  try {
    const found = await stat(path);
    if (found.isDirectory())
      throw new UsageError(`${path}: is a folder; expected a file, such as '${join(path, "*.parquet")}' in quotes`);
    await access(path, constants.R_OK);
    if (found.size === 0) throw new UsageError(`${path}: is empty (0 bytes); expected rows`);
    return { bytes: found.size, modified_ms: Math.round(found.mtimeMs) };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") throw new UsageError(`${path}: no such file`);
    if (code === "EACCES" || code === "EPERM") throw new UsageError(`${path}: no permission to read it`);
    throw error;
  }
}

/** The stage of a plan by name. */
export function plannedStage(plan: Plan, name: string): PlannedStage {
  const found = plan.stages.find((stage) => stage.name === name);
  if (!found)
    throw new UsageError(`no stage ${name} in this plan; it has: ${plan.stages.map((stage) => stage.name).join(", ")}`);
  return found;
}

/** Folder of a stage in a run: `02-prepare`, numbered so that a listing reads in order. */
export function stageFolder(run: Run, name: string): string {
  const number = run.plan.stages.indexOf(plannedStage(run.plan, name)) + 1;
  return join(run.folder, `${String(number).padStart(2, "0")}-${name}`);
}

/** Where input `index` of the plan lies: as given, or where `download` puts it. */
export function inputPath(run: Run, index: number): string {
  const input = run.plan.inputs[index];
  if (!input) throw new RangeError(`no input ${index}`);
  return run.plan.hub ? join(stageFolder(run, "download"), "raw", run.plan.hub.revision, input.path) : input.path;
}

/** What messages and rejections call an input: its file name, or its whole path where several share the name. */
export function inputName(plan: Plan, index: number): string {
  const path = plan.inputs[index]?.path ?? "";
  const alike = plan.inputs.filter((input) => basename(input.path) === basename(path));
  return alike.length > 1 ? path : basename(path);
}

/** Reads `plan.json`. Throws UsageError if there is none, or if it was made by another version of the code. */
export async function readPlan(path: string): Promise<Plan> {
  const plan = await readJson(path, Plan);
  if (!plan)
    throw new UsageError(`${path}: not found; a plan is written by \`flipturn run\` or \`flipturn plan --write\``);
  return plan;
}

/** How a plan names the key that user ids are hashed with, without telling it. `secret`: FLIPTURN_USER_KEY, if it is set. */
export function userKeyName(secret: string | undefined): string {
  return secret ? `sha256:${createHash("sha256").update(secret).digest("hex").slice(0, 16)}` : "seed";
}

let code: string | undefined;

/** Version of flipturn and 12 hex digits over its code: outputs of other code are never taken for up to date. */
export function codeVersion(): string {
  code ??= readCodeVersion();
  return code;
}

function readCodeVersion(): string {
  const root = packageFolder();
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  const here = join(import.meta.dirname, "..");
  const hash = createHash("sha256");
  for (const folder of ["pipeline", "schemas", "stages"]) {
    const files = readdirSync(join(here, folder), { recursive: true, withFileTypes: true });
    const paths = files
      .filter((file) => /(?<!\.d)\.[jt]s$/.test(file.name))
      .map((file) => join(file.parentPath, file.name));
    for (const path of paths.sort()) hash.update(readFileSync(path));
  }
  return `${version}+${hash.digest("hex").slice(0, 12)}`;
}
