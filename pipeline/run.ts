import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Manifest } from "../schemas/manifest.ts";
import type { Plan } from "../schemas/plan.ts";
import { systemCode, UsageError } from "./errors.ts";
import { writeJson } from "./files/atomic-file.ts";
import { canonical } from "./hash.ts";
import { fingerprint, finishedManifest, publishedFiles, stageNamed } from "./manifest.ts";
import { FINISH, plannedStage, type Run, stageFolder } from "./plan.ts";
import { doneMarker, type Progress } from "./task.ts";

/** A task by its place in the plan. */
export type TaskRef = { stage: string; index: number; print: string };

/** Decides where tasks run. Which one it is never changes what is written. */
export interface Executor {
  /**
   * Runs tasks that do not need one another, `width` at a time where the executor has no width of its own.
   * Resolves when all are done, rejects with the first error after the rest stopped.
   */
  run(tasks: readonly TaskRef[], onDone: (task: TaskRef) => void, width?: number): Promise<void>;
  close(): Promise<void>;
}

/** What happens during a run, for whoever draws it. */
export type RunEvent =
  | { type: "stage"; stage: string; state: "up-to-date" | "running" | "done"; manifest?: Manifest; seconds?: number }
  | { type: "phase"; stage: string; phase: string; done: number; total: number }
  | ({ type: "progress" } & Progress);

/** How to run. */
export interface RunOptions {
  /** Where tasks run, and where those run that a stage keeps in the main process. */
  readonly executor: Executor;
  readonly main: Executor;
  /** First and last stage to run; all by default. */
  readonly from?: string;
  readonly to?: string;
  /** Run the stages again even if they are up to date. */
  readonly force?: boolean;
  readonly onEvent?: (event: RunEvent) => void;
}

/**
 * Runs the stages of a plan in order. What is done and unchanged is skipped, to the single task.
 * Throws UsageError if another process works on the same run. Returns the manifests of the stages in the range.
 */
export async function runStages(run: Run, options: RunOptions): Promise<Manifest[]> {
  const names = run.plan.stages.map((stage) => stage.name);
  const first = options.from === undefined ? 0 : names.indexOf(stageNamed(run, options.from).name);
  const last = options.to === undefined ? names.length - 1 : names.indexOf(stageNamed(run, options.to).name);
  if (first > last) throw new UsageError(`--from ${options.from} comes after --to ${options.to}`);
  const range = names.slice(first, last + 1);
  if (first > 0) await fingerprint(run, names[first] as string); // throws if what it reads is not done
  await requireAll(run, range);
  const unlock = await lock(run.folder);
  try {
    sweepPartial(run.folder);
    savePlan(run.folder, run.plan);
    const manifests: Manifest[] = [];
    for (const name of range) manifests.push(await runStage(run, name, options));
    return manifests;
  } finally {
    sweepPartial(run.folder);
    unlock();
  }
}

/** Throws UsageError if a stage that is not done lacks something, or would write where somebody else has written. */
async function requireAll(run: Run, names: readonly string[]): Promise<void> {
  for (const name of names) {
    if (await finishedManifest(run, name)) continue;
    const { require, publishes } = stageNamed(run, name);
    await require?.(plannedStage(run.plan, name).options, run.world, run.plan);
    const foreign = publishes && !existsSync(stageFolder(run, name)) && join(run.folder, publishes.folder);
    if (foreign && existsSync(foreign))
      throw new UsageError(`${foreign}: is there and not from this run; choose another --output or move it away`);
  }
}

async function runStage(run: Run, stage: string, options: RunOptions): Promise<Manifest> {
  const emit = options.onEvent ?? (() => {});
  const done = options.force ? null : await finishedManifest(run, stage);
  if (done) {
    emit({ type: "stage", stage, state: "up-to-date", manifest: done });
    return done;
  }
  const started = performance.now();
  emit({ type: "stage", stage, state: "running" });
  const print = await fingerprint(run, stage);
  await clearStale(run, stage, options.force ? null : print);
  for (const [place, phase] of plannedStage(run.plan, stage).phases.entries()) {
    const width = stageNamed(run, stage).phases[place]?.inMain?.(run.plan);
    const executor = width === undefined ? options.executor : options.main;
    const pending: TaskRef[] = [];
    for (let index = phase.first; index < phase.first + phase.tasks; index++) {
      if (phase.name === FINISH || !(await doneMarker(run, stage, index, print))) pending.push({ stage, index, print });
    }
    let count = phase.tasks - pending.length;
    const tell = () => emit({ type: "phase", stage, phase: phase.name, done: count, total: phase.tasks });
    tell();
    const onDone = () => {
      count++;
      tell();
    };
    await executor.run(pending, onDone, width);
  }
  const manifest = await finishedManifest(run, stage);
  if (!manifest) throw new Error(`${stage}: finished, but its files are not what its manifest says`);
  emit({ type: "stage", stage, state: "done", manifest, seconds: (performance.now() - started) / 1000 });
  return manifest;
}

/**
 * Removes what an earlier plan left of a stage, so that old and new files are never mixed; keeps all if a task is done
 * under this fingerprint (null: none is).
 */
async function clearStale(run: Run, stage: string, print: string | null): Promise<void> {
  const tasks = plannedStage(run.plan, stage).phases.at(-1)?.first ?? 0;
  for (let index = 0; print !== null && index < tasks; index++) if (await doneMarker(run, stage, index, print)) return;
  const { lasting = [] } = stageNamed(run, stage);
  for (const path of publishedFiles(run, stage)) rmSync(path, { force: true });
  const folder = stageFolder(run, stage);
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    if (!lasting.includes(name)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/** Writes `plan.json` if it is not there with this content. */
export function savePlan(folder: string, plan: Plan): void {
  const path = join(folder, "plan.json");
  const now = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (canonicalText(now) !== canonical(plan)) writeJson(path, plan);
}

function canonicalText(text: string): string {
  try {
    return canonical(JSON.parse(text));
  } catch {
    return "";
  }
}

/** Removes the temporary files of a killed run. Only under the lock: another process may be writing some. */
function sweepPartial(folder: string): void {
  for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    // Half-fetched downloads keep their name and are resumed; ours carry a process id before the ending.
    if (/\.\d+-[0-9a-f]{6}\.partial$/.test(file.name)) rmSync(join(file.parentPath, file.name), { force: true });
  }
}

/** The locks that this process holds. */
const locks = new Set<string>();

/**
 * Takes a folder for this process, until the function that it returns is called. A lock left by a dead process of this
 * machine is taken over. Throws UsageError if another process has it.
 */
export async function lock(folder: string): Promise<() => void> {
  makeFolder(folder);
  const path = join(folder, "lock");
  for (let tries = 0; tries < 2; tries++) {
    try {
      takeLock(path);
      locks.add(path);
      return () => {
        locks.delete(path);
        rmSync(path, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw cannotWrite(folder, error);
      const [pid, host] = readFileSync(path, "utf8").trim().split(" ");
      if (host === hostname() && isAlive(Number(pid), path))
        throw new UsageError(`${folder}: process ${pid} is working on this run; wait for it or use another --output`);
      if (host !== hostname() && host !== undefined)
        throw new UsageError(`${folder}: a process on ${host} took this run; if it is dead, remove ${path}`);
      rmSync(path, { force: true });
    }
  }
  throw new UsageError(`${folder}: another process has just taken this run`);
}

/** Makes the lock with its content at once, so that nobody ever sees an empty one. */
function takeLock(path: string): void {
  const own = `${path}.${process.pid}`;
  try {
    writeFileSync(own, `${process.pid} ${hostname()}\n`);
    linkSync(own, path);
  } finally {
    rmSync(own, { force: true });
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw cannotWrite(folder, error);
  }
}

/** Says that the folder of the run cannot be used, if that is why it failed. */
function cannotWrite(folder: string, cause: unknown): unknown {
  const code = systemCode(cause) ?? "";
  if (!["EACCES", "EPERM", "EROFS", "EEXIST", "ENOTDIR"].includes(code)) return cause;
  return new UsageError(
    `${folder}: cannot be written to (${code}); choose another --output or change its permissions`,
    { cause },
  );
}

/** True if the process that took a lock is there; one with our own number, as in a container, only if we hold the lock. */
function isAlive(pid: number, path: string): boolean {
  if (pid === process.pid) return locks.has(path);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
