import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import type { Manifest } from "../schemas/manifest.ts";
import type { Plan } from "../schemas/plan.ts";
import { stageNamed } from "./chain.ts";
import { UsageError } from "./errors.ts";
import type { RunEvent } from "./events.ts";
import type { Executor, TaskRef } from "./executors/executor.ts";
import { isAbandoned, isTemporary, writeJson } from "./files/atomic-file.ts";
import { fingerprint, finishedManifest } from "./fingerprint.ts";
import { canonical } from "./hash.ts";
import { type Lock, lock, type OnLost } from "./lock.ts";
import { clearStage, FINISH, outsideFolders, reopenStage, sweepDone } from "./manifest.ts";
import { doneMarker, forgetPhase, forgetSummary, type PlannedPhase } from "./markers.ts";
import { plannedStage, planPath, type Run, resolveGiven, stageFolder } from "./run-folder.ts";
import { stageIn } from "./stage.ts";
import { damageOf, forgetDamaged, requireUndamaged } from "./verify.ts";

/** How to run. */
export interface RunOptions {
  /** Where tasks run, and where those run that wait for the world. */
  readonly executor: Executor;
  readonly driver: Executor;
  /** First and last stage to run; all by default. */
  readonly from?: string;
  readonly to?: string;
  /** Run the stages again even if they are up to date. */
  readonly force?: boolean;
  /** Look at every file that is there by its sha256, and do the tasks of damaged ones again. */
  readonly verify?: boolean;
  readonly signal?: AbortSignal;
  /** Called when another process has taken the run over: nothing more may be written. */
  readonly onLost?: OnLost;
  readonly onEvent?: (event: RunEvent) => void;
}

/**
 * Runs the stages of a plan in order. What is done and unchanged is skipped, to the single task.
 * Throws UsageError if another process works on the same run. Returns the manifests of the stages in the range.
 */
export async function runStages(run: Run, options: RunOptions): Promise<Manifest[]> {
  const range = stagesInRange(run, options);
  const isNew = !existsSync(run.folder);
  if (isNew) await requireAll(run, range); // leaves nothing behind if something is wrong
  const held = await lock(run.folder, run.environment, options.signal, options.onLost);
  try {
    renumberFolders(run);
    if (!isNew) await requireAll(run, range);
    await options.executor.takeOver?.();
    sweepTemporary(run.folder);
    savePlan(run.folder, run.plan);
    if (options.verify) await requireUndamaged(run, stagesBefore(run, range), options.signal);
    const manifests: Manifest[] = [];
    for (const name of range) manifests.push(await runStage(run, name, options, held));
    return manifests;
  } finally {
    // Whoever has taken over meanwhile writes files of its own.
    if (held.isOurs()) sweepTemporary(run.folder);
    held.release();
  }
}

/** The stages of the plan from one to another, by their names there. Throws UsageError for a range that is none. */
function stagesInRange({ plan, chain }: Run, { from, to }: RunOptions): string[] {
  const names = plan.stages.map((stage) => stage.name);
  const is = (asked: string) => (name: string) => name === asked || stageIn(name) === asked;
  const place = (asked: string, found: number) => {
    if (found >= 0) return found;
    stageNamed(chain, asked);
    throw new UsageError(`no stage ${asked} in this plan; it has: ${names.join(", ")}`);
  };
  const first = from === undefined ? 0 : place(from, names.findIndex(is(from)));
  const last = to === undefined ? names.length - 1 : place(to, names.findLastIndex(is(to)));
  if (first > last) throw new UsageError(`--from ${from} comes after --to ${to}`);
  return names.slice(first, last + 1);
}

/** The stages of the plan that stand before a range. */
function stagesBefore({ plan }: Run, [first]: readonly string[]): string[] {
  const names = plan.stages.map(({ name }) => name);
  return names.slice(0, first === undefined ? 0 : names.indexOf(first));
}

/** Throws UsageError if a stage that is not done lacks something, or would write where somebody else has written, and NotReadyError if what the first one reads is not done. */
async function requireAll(run: Run, names: readonly string[]): Promise<void> {
  const [first] = names;
  if (first !== undefined && first !== run.plan.stages[0]?.name) await fingerprint(run, first);
  for (const name of names) {
    if (await finishedManifest(run, name)) continue;
    await validateStage(run, name);
    if (existsSync(stageFolder(run, name))) continue;
    const foreign = outsideFolders(run, name).find((folder) => existsSync(folder) && isOfNobody(run, folder));
    if (foreign)
      throw new UsageError(`${foreign}: is there and not from this run; choose another --output or move it away`);
  }
}

/** True if no other stage of the plan, one that has begun, writes into the folder too. */
function isOfNobody(run: Run, folder: string): boolean {
  const begun = run.plan.stages.filter(({ name }) => existsSync(stageFolder(run, name)));
  return !begun.some(({ name }) => outsideFolders(run, name).includes(folder));
}

/** Throws UsageError if what the options of a stage ask for cannot be had. */
export async function validateStage(run: Run, planned: string): Promise<void> {
  const { options, models } = plannedStage(run.plan, planned);
  const resolve = (path: string) => resolveGiven(run, path);
  await stageNamed(run.chain, planned).validate?.(options, {
    plan: run.plan,
    environment: run.environment,
    models,
    resolve,
  });
}

async function runStage(run: Run, stage: string, options: RunOptions, held: Lock): Promise<Manifest> {
  const emit = options.onEvent ?? (() => {});
  if (options.verify) {
    const damage = await damageOf(run, stage, options.signal);
    for (const { path, found, expected } of damage) emit({ type: "damaged", stage, path, found, expected });
    held.check();
    forgetDamaged(run, damage);
  }
  const done = options.force ? null : await finishedManifest(run, stage);
  if (done) {
    sweepDone(run, done);
    emit({ type: "stage", stage, state: "up-to-date", manifest: done });
    return done;
  }
  const started = performance.now();
  emit({ type: "stage", stage, state: "running" });
  const own = await fingerprint(run, stage);
  held.check();
  reopenStage(run, stage);
  await clearStale(run, stage, options.force ? null : own);
  for (const step of stepsOf(run, stage)) {
    held.check();
    await runStep(run, stage, step, own, options);
  }
  const manifest = await finishedManifest(run, stage);
  if (!manifest) throw new Error(`${stage}: finished, but its files are not what its manifest says`);
  emit({ type: "stage", stage, state: "done", manifest, seconds: (performance.now() - started) / 1000 });
  return manifest;
}

/** The phases of a planned stage, those together that do not need one another. */
function stepsOf(run: Run, stage: string): PlannedPhase[][] {
  const steps: PlannedPhase[][] = [];
  for (const phase of plannedStage(run.plan, stage).phases) steps[phase.step] = [...(steps[phase.step] ?? []), phase];
  return steps;
}

/** Does what is left to do of some phases: the tasks that wait for the world here, the others where the executor places them. */
async function runStep(
  run: Run,
  stage: string,
  step: readonly PlannedPhase[],
  own: string,
  { executor, driver, onEvent: emit = () => {} }: RunOptions,
): Promise<void> {
  const placed: TaskRef[] = [];
  const here: { tasks: TaskRef[]; width: number }[] = [];
  const counts = new Map<PlannedPhase, number>();
  const tell = (phase: PlannedPhase) =>
    emit({ type: "phase", stage, phase: phase.name, done: counts.get(phase) ?? 0, total: phase.tasks });
  for (const phase of step) {
    const pending = await pendingTasks(run, stage, phase, own);
    if (pending.length > 0) forgetDone(run, stage, phase);
    counts.set(phase, phase.tasks - pending.length);
    tell(phase);
    const code = stageNamed(run.chain, stage).phases.find(({ name }) => name === phase.name);
    const width = code?.onDriver?.(run.plan, plannedStage(run.plan, stage).options);
    if (width === undefined) placed.push(...pending);
    else here.push({ tasks: pending, width });
  }
  const onDone = ({ index }: TaskRef) => {
    const phase = step.find(({ first, tasks }) => index >= first && index < first + tasks) as PlannedPhase;
    counts.set(phase, (counts.get(phase) ?? 0) + 1);
    tell(phase);
  };
  await Promise.all([
    ...(placed.length > 0 ? [executor.run(placed, onDone)] : []),
    ...here.map(({ tasks, width }) => driver.run(tasks, onDone, width)),
  ]);
}

/** Forgets that a phase is done as a whole, and what the phases after it have seen of that. */
function forgetDone(run: Run, stage: string, { name, step }: PlannedPhase): void {
  forgetSummary(run, stage, name);
  const { phases } = stageNamed(run.chain, stage);
  for (const after of plannedStage(run.plan, stage).phases)
    if (after.step === step + 1 && phases.find((phase) => phase.name === after.name)?.repeats)
      forgetPhase(run, stage, after);
}

/** The tasks of a phase that are not done under a fingerprint. */
async function pendingTasks(run: Run, stage: string, phase: PlannedPhase, own: string): Promise<TaskRef[]> {
  const pending: TaskRef[] = [];
  for (let index = phase.first; index < phase.first + phase.tasks; index++) {
    const isDone = phase.name !== FINISH && (await doneMarker(run, stage, index, own));
    if (!isDone) pending.push({ stage, index, fingerprint: own });
  }
  return pending;
}

/**
 * Removes what an earlier plan left of a stage, so that old and new files are never mixed; keeps all if a task is done
 * under this fingerprint (null: none is).
 */
async function clearStale(run: Run, stage: string, own: string | null): Promise<void> {
  const tasks = plannedStage(run.plan, stage).phases.at(-1)?.first ?? 0;
  for (let index = 0; own !== null && index < tasks; index++) if (await doneMarker(run, stage, index, own)) return;
  clearStage(run, stage);
}

/** Writes `plan.json` if it is not there with this content. */
export function savePlan(folder: string, plan: Plan): void {
  const path = planPath(folder);
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

/** Gives the folders of stages their numbers of now: a chain that has got one more stage leaves what was paid for where it is found. */
function renumberFolders(run: Run): void {
  const folders = readdirSync(run.folder);
  for (const { name } of run.plan.stages) {
    const now = stageFolder(run, name);
    const unnumbered = basename(now).slice(2);
    const before = folders.find((folder) => /^\d\d-/.test(folder) && folder.slice(2) === unnumbered);
    if (before !== undefined && !existsSync(now)) renameSync(join(run.folder, before), now);
  }
}

/** Removes the temporary files that killed processes have left; one that may still be written, by a task elsewhere, stays. */
function sweepTemporary(folder: string): void {
  for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(file.parentPath, file.name);
    if (isTemporary(file.name) && isAbandoned(path)) rmSync(path, { force: true });
  }
}
