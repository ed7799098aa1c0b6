import { mkdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import type { z } from "zod";
import { type FileRecord, Manifest, Marker } from "../schemas/manifest.ts";
import type { Plan } from "../schemas/plan.ts";
import { Rejection } from "../schemas/rejection.ts";
import { UsageError } from "./errors.ts";
import { AtomicFile, readJson, shardName, writeJson } from "./files/atomic-file.ts";
import { readParquet, writeParquet } from "./files/parquet.ts";
import { addTallies, allThere, fingerprint, finish, finishedManifest, noTally, stageNamed } from "./manifest.ts";
import { FINISH, plannedStage, type Run, stageFolder, type World } from "./plan.ts";

/** How far a task is, for whoever draws it. */
export type Progress = {
  stage: string;
  phase: string;
  index: number;
  done: number;
  total: number;
  unit: string;
  note?: string;
};

/** What a phase is given to do one of its tasks. */
export class Task<Options> {
  readonly run: Run;
  readonly plan: Plan;
  readonly world: World;
  readonly options: Options;
  readonly stage: string;
  readonly phase: string;
  /** Number of the task within its phase, from 0; in a map phase the shard. */
  readonly index: number;
  readonly signal: AbortSignal;
  /** Files from outside the run that the task has read; a stage that reads no other stage notes them. */
  readonly inputs: FileRecord[] = [];
  readonly outputs: FileRecord[] = [];
  readonly #report: (progress: Progress) => void;

  constructor(
    run: Run,
    place: { stage: string; phase: string; index: number },
    signal: AbortSignal,
    report: (progress: Progress) => void,
  ) {
    this.run = run;
    this.plan = run.plan;
    this.world = run.world;
    this.options = plannedStage(run.plan, place.stage).options as Options;
    this.stage = place.stage;
    this.phase = place.phase;
    this.index = place.index;
    this.signal = signal;
    this.#report = report;
  }

  /** The options that another stage has in this plan. */
  optionsOf(stage: string): Record<string, unknown> {
    return plannedStage(this.plan, stage).options;
  }

  /** Tells how far a long task is. */
  report(done: number, total: number, unit: string, note?: string): void {
    this.#report({ stage: this.stage, phase: this.phase, index: this.index, done, total, unit, ...(note && { note }) });
  }

  /** Path of a file in this stage's folder. */
  path(name: string): string {
    return join(stageFolder(this.run, this.stage), name);
  }

  /** Path of a shard that another stage wrote. */
  shard(stage: string, artefact: string, index = this.index, of = this.plan.shards): string {
    return join(stageFolder(this.run, stage), shardName(artefact, index, of));
  }

  /** Paths of all shards of an artefact that another stage wrote. */
  shards(stage: string, artefact: string): string[] {
    return Array.from({ length: this.plan.shards }, (_, index) => this.shard(stage, artefact, index));
  }

  /** Writes one shard of an artefact; returns its number of rows. */
  async write<T extends object>(
    artefact: string,
    schema: z.ZodObject,
    rows: Iterable<T> | AsyncIterable<T>,
    place: { index: number; of: number } = { index: this.index, of: this.plan.shards },
  ): Promise<number> {
    return this.writeTo(this.path(shardName(artefact, place.index, place.of)), schema, rows);
  }

  /** Writes one shard of rejections; returns how many there are by reason. */
  async writeRejections(
    rejections: readonly Rejection[],
    place: { index: number; of: number } = { index: this.index, of: this.plan.shards },
  ): Promise<Record<string, number>> {
    await this.write("rejections", Rejection, rejections, place);
    const reasons: Record<string, number> = {};
    for (const { reason } of rejections) reasons[reason] = (reasons[reason] ?? 0) + 1;
    return reasons;
  }

  /** Writes rows as Parquet under a path of the run. */
  async writeTo<T extends object>(
    path: string,
    schema: z.ZodObject,
    rows: Iterable<T> | AsyncIterable<T>,
  ): Promise<number> {
    const written = await writeParquet(path, schema, rows);
    this.record(path, written);
    return written.rows;
  }

  /** Writes bytes as they come under a path of the run; `rows` says how many rows they were. */
  async writeBytes(
    path: string,
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    rows: () => number | null = () => null,
  ): Promise<void> {
    const file = new AtomicFile(path);
    try {
      for await (const chunk of chunks) file.write(chunk);
      const written = file.commit();
      this.record(path, { ...written, rows: rows() });
    } catch (error) {
      file.discard();
      throw error;
    }
  }

  /** Notes a file as an output of the task. */
  record(path: string, written: { bytes: number; sha256: string; rows: number | null }): void {
    const { rows, bytes, sha256 } = written;
    this.outputs.push({ path: relative(this.run.folder, path), rows, bytes, sha256 });
  }

  /** Rows of one shard that another stage wrote, with the columns of `schema`. */
  read<T extends z.ZodObject>(
    stage: string,
    artefact: string,
    schema: T,
    index = this.index,
  ): AsyncGenerator<z.infer<T>> {
    return readParquet(this.shard(stage, artefact, index), schema, { signal: this.signal });
  }

  /** What the tasks of an earlier phase of this stage counted and wrote. */
  results(phase: string): Promise<Marker[]> {
    return readMarkers(this.run, this.stage, [phase]);
  }

  /** The manifest of a stage before this one. */
  async manifest(stage: string): Promise<Manifest> {
    const manifest = await readJson(join(stageFolder(this.run, stage), "manifest.json"), Manifest);
    if (!manifest) throw new UsageError(`stage ${stage} is not done`);
    return manifest;
  }

  /** Number of rows in a shard that another stage wrote. */
  async rows(stage: string, artefact: string, index = this.index): Promise<number> {
    const path = relative(this.run.folder, this.shard(stage, artefact, index));
    return (await this.manifest(stage)).outputs.find((output) => output.path === path)?.rows ?? 0;
  }

  /** Ids of the conversations of one shard that stages have dropped. */
  async dropped(stages: readonly string[], index = this.index): Promise<Set<string>> {
    const dropped = new Set<string>();
    for (const stage of stages) {
      for await (const { conversation_id } of this.read(
        stage,
        "rejections",
        Rejection.pick({ conversation_id: true }),
        index,
      )) {
        if (conversation_id !== null) dropped.add(conversation_id);
      }
    }
    return dropped;
  }
}

function markerPath(run: Run, stage: string, index: number): string {
  return join(stageFolder(run, stage), "tasks", `${String(index).padStart(5, "0")}.json`);
}

/** The marker of a task if it is done and still right, else null. */
export async function doneMarker(run: Run, stage: string, index: number, print: string): Promise<Marker | null> {
  const marker = await readJson(markerPath(run, stage, index), Marker);
  return marker?.fingerprint === print && (await allThere(run, marker.outputs)) ? marker : null;
}

async function readMarkers(run: Run, stage: string, phases: readonly string[]): Promise<Marker[]> {
  const markers: Marker[] = [];
  for (const phase of plannedStage(run.plan, stage).phases.filter((each) => phases.includes(each.name))) {
    for (let index = phase.first; index < phase.first + phase.tasks; index++) {
      const marker = await readJson(markerPath(run, stage, index), Marker);
      if (!marker) throw new UsageError(`task ${index} of ${stage} (${phase.name}) is not done`);
      markers.push(marker);
    }
  }
  return markers;
}

/** What a task runs under. */
export interface TaskOptions {
  readonly signal: AbortSignal;
  readonly report?: (progress: Progress) => void;
  /** Fingerprint of the stage, from a runner that has checked all that the task needs; else it is checked here. */
  readonly print?: string;
}

/**
 * Does one task of a plan: skips it if it is done, refuses if what it needs is not, else runs it and writes its marker last.
 * `index` counts through all phases of the stage. Safe to run twice, and on several machines at a time.
 */
export async function runTask(
  run: Run,
  stage: string,
  index: number,
  options: TaskOptions,
): Promise<{ skipped: boolean }> {
  const planned = plannedStage(run.plan, stage);
  const place = planned.phases.findIndex((phase) => index >= phase.first && index < phase.first + phase.tasks);
  const phase = planned.phases[place];
  if (!phase) throw new UsageError(`stage ${stage} has the tasks 0 to ${planned.phases.at(-1)?.first}, not ${index}`);
  const print = options.print ?? (await fingerprint(run, stage));
  if (options.print === undefined) {
    const isDone = phase.name !== FINISH && (await doneMarker(run, stage, index, print));
    if (isDone || (await finishedManifest(run, stage))) return { skipped: true };
    for (const before of planned.phases.slice(0, place)) await requirePhase(run, stage, before, print, index);
  }
  const started = performance.now();
  mkdirSync(join(stageFolder(run, stage), "tasks"), { recursive: true });
  rmSync(markerPath(run, stage, index), { force: true });
  const marker: Marker = {
    stage,
    phase: phase.name,
    index,
    fingerprint: print,
    tally: noTally(),
    inputs: [],
    outputs: [],
    seconds: 0,
  };
  if (phase.name === FINISH) {
    const names = planned.phases.slice(0, -1).map((each) => each.name);
    await finish(run, stage, await readMarkers(run, stage, names), print);
  } else {
    Object.assign(marker, await work(run, { stage, phase: phase.name, index: index - phase.first }, place, options));
  }
  marker.seconds = Math.round(performance.now() - started) / 1000;
  writeJson(markerPath(run, stage, index), marker);
  return { skipped: false };
}

async function work(
  run: Run,
  place: { stage: string; phase: string; index: number },
  phase: number,
  options: TaskOptions,
): Promise<Pick<Marker, "tally" | "inputs" | "outputs">> {
  const code = stageNamed(run, place.stage).phases[phase];
  if (!code) throw new Error(`stage ${place.stage} has no phase ${place.phase}`);
  const task = new Task<Record<string, unknown>>(run, place, options.signal, options.report ?? (() => {}));
  const tally = addTallies([await code.run(task)]);
  return { tally, inputs: task.inputs, outputs: task.outputs };
}

async function requirePhase(
  run: Run,
  stage: string,
  phase: { name: string; first: number; tasks: number },
  print: string,
  index: number,
): Promise<void> {
  for (let each = phase.first; each < phase.first + phase.tasks; each++) {
    if (await doneMarker(run, stage, each, print)) continue;
    const range =
      phase.tasks === 1 ? `task ${phase.first}` : `tasks ${phase.first} to ${phase.first + phase.tasks - 1}`;
    throw new UsageError(`task ${index} of ${stage} needs ${range} (${phase.name}) first; task ${each} is not done`);
  }
}
