import { rmSync } from "node:fs";
import { hostname } from "node:os";
import { Failure, Marker, PhaseSummary, type Tally } from "../schemas/manifest.ts";
import type { PlannedStage } from "../schemas/plan.ts";
import { exitCode, NotReadyError } from "./errors.ts";
import { readRecord, writeJson } from "./files/atomic-file.ts";
import { allThere } from "./fingerprint.ts";
import { failurePath, markerPath, plannedStage, type Run, summaryPath } from "./run-folder.ts";
import { addTallies } from "./tally.ts";

/** A phase as it stands in a plan. */
export type PlannedPhase = PlannedStage["phases"][number];

/** The marker of a task if it is done under this fingerprint and its files are there, else null. */
export async function doneMarker(
  run: Run,
  planned: string,
  index: number,
  fingerprint: string,
): Promise<Marker | null> {
  const marker = await readRecord(markerPath(run, planned, index), Marker);
  return marker?.fingerprint === fingerprint && (await allThere(run, marker.outputs)) ? marker : null;
}

/** Writes down that a task is done, and takes away what a failed try left. */
export function writeMarker(run: Run, marker: Marker): void {
  writeJson(markerPath(run, marker.stage, marker.index), marker);
  forgetFailure(run, marker.stage, marker.index);
}

/** Takes away what a failed try of a task left. */
export function forgetFailure(run: Run, planned: string, index: number): void {
  rmSync(failurePath(run, planned, index), { force: true });
}

/** Writes down why a task failed, for whoever decides whether to try again. Where that fails too, the first failure is what counts. */
export function writeFailure(run: Run, place: { stage: string; phase: string; index: number }, error: unknown): void {
  const { env } = run.environment;
  const failure: Failure = {
    ...place,
    code: exitCode(error),
    message: error instanceof Error ? error.message : String(error),
    host: hostname(),
    job: jobOf(env),
    peak_mb: peakMegabytes(),
  };
  try {
    writeJson(failurePath(run, place.stage, place.index), failure);
  } catch {
    // A disk that is full, a folder that is locked: whoever started the task hears why by its error.
  }
}

/** What a task left that failed; null = it did not, or has been done since. */
export function readFailure(run: Run, planned: string, index: number): Promise<Failure | null> {
  return readRecord(failurePath(run, planned, index), Failure);
}

/** The job of a scheduler that this process runs in, with the number of its array's element; null = none. */
function jobOf(env: NodeJS.ProcessEnv): string | null {
  const {
    SLURM_ARRAY_JOB_ID: array,
    SLURM_ARRAY_TASK_ID: element,
    SLURM_JOB_ID: job,
  } = env as Record<string, string | undefined>;
  if (array !== undefined && element !== undefined) return `${array}_${element}`;
  return job ?? env["AWS_BATCH_JOB_ID"] ?? null;
}

/** Most memory that this process has held, in megabytes. */
export function peakMegabytes(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}

/** The markers of all tasks of a phase. Throws NotReadyError that names the first one that is not done under this fingerprint. */
export async function phaseMarkers(
  run: Run,
  planned: string,
  phase: PlannedPhase,
  fingerprint: string,
): Promise<Marker[]> {
  const markers: Marker[] = [];
  for (let index = phase.first; index < phase.first + phase.tasks; index++) {
    const marker = await doneMarker(run, planned, index, fingerprint);
    if (!marker) throw new NotReadyError(`task ${index} of ${planned} (${phase.name}) is not done`);
    markers.push(marker);
  }
  return markers;
}

/**
 * What the tasks of a phase counted together, which also says that all of them are done. Whoever asks first looks at the
 * marker of every task and writes the sum down, so that the others read one file each.
 */
export async function phaseSummary(
  run: Run,
  planned: string,
  phase: PlannedPhase,
  fingerprint: string,
): Promise<Tally> {
  const path = summaryPath(run, planned, phase.name);
  const known = await readRecord(path, PhaseSummary);
  if (known?.fingerprint === fingerprint) return known.tally;
  const markers = await phaseMarkers(run, planned, phase, fingerprint);
  const tally = addTallies(markers.map((marker) => marker.tally));
  writeJson(path, { fingerprint, tally } satisfies PhaseSummary);
  return tally;
}

/** Forgets that all tasks of a phase were done, because one must be done again. */
export function forgetSummary(run: Run, planned: string, phase: string): void {
  rmSync(summaryPath(run, planned, phase), { force: true });
}

/** Forgets that the tasks of a phase are done. */
export function forgetPhase(run: Run, planned: string, { name, first, tasks }: PlannedPhase): void {
  forgetSummary(run, planned, name);
  for (let index = first; index < first + tasks; index++) rmSync(markerPath(run, planned, index), { force: true });
}

/** A phase of a planned stage by its name. */
export function plannedPhase(run: Run, planned: string, name: string): PlannedPhase {
  const { phases } = plannedStage(run.plan, planned);
  const found = phases.find((phase) => phase.name === name);
  if (!found)
    throw new Error(`stage ${planned} has no phase ${name}; it has ${phases.map((phase) => phase.name).join(", ")}`);
  return found;
}
