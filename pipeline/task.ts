import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { join, relative } from "node:path";
import { isMainThread } from "node:worker_threads";
import type { Done, FileRecord, Manifest, Marker, OutputRecord, Tally } from "../schemas/manifest.ts";
import { Manifest as ManifestSchema } from "../schemas/manifest.ts";
import type { Plan } from "../schemas/plan.ts";
import type { Rejection } from "../schemas/rejection.ts";
import {
  type Artefact,
  type Bytes,
  type ColumnOf,
  type Files,
  type Inputs,
  type RowOf,
  type Table,
  withColumns,
} from "./artefact.ts";
import { stageNamed } from "./chain.ts";
import type { Environment } from "./environment.ts";
import { NotReadyError, UsageError } from "./errors.ts";
import { AtomicFile, readJson, readRecord, sizeOf } from "./files/atomic-file.ts";
import { parquet } from "./files/duckdb.ts";
import { copyParquet, readParquet, writeParquet } from "./files/parquet.ts";
import { doneOf, fingerprint } from "./fingerprint.ts";
import { FINISH, finish, sweepDone } from "./manifest.ts";
import {
  doneMarker,
  forgetFailure,
  type PlannedPhase,
  peakMegabytes,
  phaseSummary,
  plannedPhase,
  writeFailure,
  writeMarker,
} from "./markers.ts";
import {
  filePath,
  filesFolder,
  manifestPath,
  nameInPlan,
  plannedStage,
  type Run,
  resolveGiven,
  stageFolder,
} from "./run-folder.ts";
import { stageIn, variantIn } from "./stage.ts";
import { addTallies, noTally } from "./tally.ts";

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

/** A task by its place: the stage's name in the plan, the phase, and the number within the phase. */
export type Place = { stage: string; phase: string; index: number };

/** What a phase is given to do one of its tasks. */
export class Task<Options> {
  readonly run: Run;
  readonly plan: Plan;
  readonly environment: Environment;
  readonly options: Options;
  /** Name of the stage in the plan. */
  readonly stage: string;
  readonly phase: string;
  /** Number of the task within its phase, from 0; in a map phase the shard. */
  readonly index: number;
  readonly signal: AbortSignal;
  /** Files from outside the run that the task has read. */
  readonly inputs: FileRecord[] = [];
  readonly outputs: OutputRecord[] = [];
  readonly #fingerprint: string;
  readonly #report: (progress: Progress) => void;
  readonly #done = new Map<string, Promise<Done>>();

  constructor(
    run: Run,
    place: Place,
    how: { fingerprint: string; signal: AbortSignal; report?: (progress: Progress) => void },
  ) {
    this.run = run;
    this.plan = run.plan;
    this.environment = run.environment;
    this.options = plannedStage(run.plan, place.stage).options as Options;
    this.stage = place.stage;
    this.phase = place.phase;
    this.index = place.index;
    this.signal = how.signal;
    this.#fingerprint = how.fingerprint;
    this.#report = how.report ?? (() => {});
  }

  /** The numbers of the shards, which are also those of hash ranges. */
  get shards(): number[] {
    return Array.from({ length: this.plan.shards }, (_, shard) => shard);
  }

  /** The options that another stage has in this plan. */
  optionsOf(stage: string): Record<string, unknown> {
    return plannedStage(this.plan, this.#planned(stage)).options;
  }

  /** Settings of a language model that the stage speaks with. */
  modelOf(role: string): Record<string, unknown> {
    const found = plannedStage(this.plan, this.stage).models[role];
    if (!found) throw new Error(`stage ${this.stage} declares no model \`${role}\``);
    return found;
  }

  /** A path that the options name, as it is found from here. */
  resolve(path: string): string {
    return resolveGiven(this.run, path);
  }

  /** Tells how far a long task is. */
  report(done: number, total: number, unit: string, note?: string): void {
    this.#report({ stage: this.stage, phase: this.phase, index: this.index, done, total, unit, ...(note && { note }) });
  }

  /** Path of something in the stage's folder that is no artefact: a folder that it keeps, or a file for as long as a task runs. */
  ownPath(name: string): string {
    return join(stageFolder(this.run, this.stage), name);
  }

  /** Rows of one shard of a table, or of its one file, with all columns or those that are asked for. */
  async *read<T extends Table, Column extends ColumnOf<T> = ColumnOf<T>>(
    artefact: T,
    columns?: readonly Column[],
    shard = this.index,
  ): AsyncGenerator<Pick<RowOf<T>, Column>> {
    const path = await this.file(artefact, shard);
    yield* readParquet([path], withColumns(artefact, columns), { signal: this.signal });
  }

  /** Rows of all shards of a table, in their order. */
  async *readAll<T extends Table, Column extends ColumnOf<T> = ColumnOf<T>>(
    artefact: T,
    columns?: readonly Column[],
  ): AsyncGenerator<Pick<RowOf<T>, Column>> {
    yield* readParquet(await this.files(artefact), withColumns(artefact, columns), { signal: this.signal });
  }

  /** One shard of a table as SQL, or its one file. */
  async table(artefact: Table, shard = this.index): Promise<string> {
    return parquet(await this.file(artefact, shard));
  }

  /** All of a table as SQL, shards in their order. */
  async tables(artefact: Table): Promise<string> {
    return parquet(await this.files(artefact));
  }

  /** Path of one file of an artefact, to be read. Throws NotReadyError if it is not there as it was written. */
  async file(artefact: Table | Bytes, index = this.index): Promise<string> {
    const planned = this.#planned(artefact.stage);
    const part = artefact.per === "run" ? 0 : index;
    const path = filePath(this.run, planned, artefact, part);
    this.#requireDeclared(artefact);
    const expected =
      planned === this.stage ? undefined : (await this.#doneOf(artefact)).artefacts[artefact.name]?.bytes[part];
    const found = await sizeOf(path);
    if (found === null) throw new NotReadyError(`${path}: is not there; run stage ${stageIn(planned)} again`);
    if (expected !== undefined && found !== expected)
      throw new NotReadyError(
        `${path}: has ${found} bytes, not the ${expected} that were written; run stage ${stageIn(planned)} again`,
      );
    return path;
  }

  /** Paths of all files of a table, in their order. */
  async files(artefact: Table): Promise<string[]> {
    const parts = artefact.per === "run" ? [0] : this.shards;
    return Promise.all(parts.map((part) => this.file(artefact, part)));
  }

  /** Size and hash of each file from outside the run that the task of that number vouched for. */
  async vouched(artefact: Inputs, index: number): Promise<FileRecord[]> {
    this.#requireDeclared(artefact);
    const planned = this.#planned(artefact.stage);
    const { fingerprint } = await this.#doneOf(artefact);
    const found = (await doneMarker(this.run, planned, index, fingerprint))?.inputs;
    if (!found) throw new NotReadyError(`task ${index} of ${planned} is not done; run stage ${planned} again`);
    return found;
  }

  /** Writes one shard of a table, or its one file; returns the number of rows. */
  async write<T extends Table>(
    artefact: T,
    rows: Iterable<RowOf<T>> | AsyncIterable<RowOf<T>>,
    shard = this.index,
  ): Promise<number> {
    const { path, part } = this.#output(artefact, shard);
    const written = await writeParquet(path, artefact.schema, rows);
    this.#record(artefact, part, path, written);
    return written.rows;
  }

  /**
   * Writes one shard of a table, or its one file, as the rows of a query, in the order of the query: the engine moves
   * them, none enters JavaScript. Returns the number of rows.
   */
  async copy(artefact: Table, sql: string, shard = this.index): Promise<number> {
    const { path, part } = this.#output(artefact, shard);
    const written = await copyParquet(path, artefact.schema, sql, this.signal);
    this.#record(artefact, part, path, written);
    return written.rows;
  }

  /** Writes one shard of what the stage dropped; returns how many there are by reason. */
  async reject(rejections: readonly Rejection[], shard = this.index): Promise<Record<string, number>> {
    const { rejections: artefact } = stageNamed(this.run.chain, this.stage).writes;
    if (!artefact) throw new Error(`stage ${this.stage} declares no rejections`);
    await this.write(artefact, rejections, shard);
    const reasons: Record<string, number> = {};
    for (const { reason } of rejections) reasons[reason] = (reasons[reason] ?? 0) + 1;
    return reasons;
  }

  /** Writes one file of bytes as they come; `rows` says how many rows they were. */
  async writeBytes(
    artefact: Bytes,
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    { index = this.index, rows = () => null }: { index?: number; rows?: () => number | null } = {},
  ): Promise<void> {
    const { path, part } = this.#output(artefact, index);
    const written = await writeChunks(path, chunks);
    this.#record(artefact, part, path, { ...written, rows: rows() });
  }

  /** Path of a file for others; `name` is relative to the artefact's folder. Whoever writes it records it. */
  outside(artefact: Files, name: string): string {
    return join(filesFolder(this.run, this.#planned(artefact.stage), artefact), name);
  }

  /** Writes a text for others. */
  async writeOutside(artefact: Files, name: string, text: string): Promise<void> {
    const path = this.outside(artefact, name);
    this.record(artefact, path, { ...(await writeChunks(path, [Buffer.from(text)])), rows: null });
  }

  /** Notes a file for others, or one from outside the run that the stage keeps, as an output of the task. */
  record(artefact: Artefact, path: string, written: { bytes: number; sha256: string; rows: number | null }): void {
    const number = this.outputs.filter((output) => output.artefact === artefact.name).length;
    this.#record(artefact, artefact.kind === "inputs" ? this.index : number, path, written);
  }

  /** What the tasks of an earlier phase of this stage counted together. */
  summaryOf(phase: string): Promise<Tally> {
    return phaseSummary(this.run, this.stage, plannedPhase(this.run, this.stage, phase), this.#fingerprint);
  }

  /** The manifest of a stage before this one, which the stage must tell of. */
  async manifestOf(stage: string): Promise<Manifest> {
    const { tellsOf } = stageNamed(this.run.chain, this.stage);
    if (!tellsOf?.includes(stage)) throw new Error(`stage ${this.stage} does not tell of ${stage}`);
    const manifest = await readJson(manifestPath(this.run, this.#planned(stage)), ManifestSchema);
    if (!manifest) throw new NotReadyError(`stage ${stage} is not done`);
    return manifest;
  }

  /** Rows that the stage whose rows this one takes has kept. */
  async takes(): Promise<number> {
    const { takes } = stageNamed(this.run.chain, this.stage);
    if (takes === undefined) throw new Error(`stage ${this.stage} takes the rows of no stage`);
    return (await this.#doneOf({ stage: takes })).kept;
  }

  /** Number of rows in each shard of a table of a stage before this one. */
  async rowsByShard(artefact: Table): Promise<number[]> {
    this.#requireDeclared(artefact);
    const { artefacts } = await this.#doneOf(artefact);
    return artefacts[artefact.name]?.rows.map((rows) => rows ?? 0) ?? [];
  }

  /** Ids of the conversations of one shard that stages have dropped. */
  async dropped(artefacts: readonly Table<typeof Rejection>[], shard = this.index): Promise<Set<string>> {
    const dropped = new Set<string>();
    for (const artefact of artefacts)
      for await (const { conversation_id } of this.read(artefact, ["conversation_id"], shard))
        if (conversation_id !== null) dropped.add(conversation_id);
    return dropped;
  }

  /** The name in the plan of a stage that this one reads, or its own. */
  #planned(stage: string): string {
    return stage === stageIn(this.stage) ? this.stage : nameInPlan(this.plan, stage, variantIn(this.stage));
  }

  /** A finished stage in brief, read once a task. */
  #doneOf({ stage }: { stage: string }): Promise<Done> {
    const planned = this.#planned(stage);
    const found = this.#done.get(planned) ?? requireDoneOf(this.run, planned);
    this.#done.set(planned, found);
    return found;
  }

  /** Throws Error for an artefact that the stage does not declare to read: its fingerprint would not cover it. */
  #requireDeclared(artefact: Artefact): void {
    const { reads, writes } = stageNamed(this.run.chain, this.stage);
    if (writes[artefact.name] === artefact || reads.includes(artefact)) return;
    throw new Error(`stage ${this.stage} does not declare that it reads ${artefact.name} of ${artefact.stage}`);
  }

  #output(artefact: Table | Bytes, index: number): { path: string; part: number } {
    if (stageNamed(this.run.chain, this.stage).writes[artefact.name] !== artefact)
      throw new Error(`stage ${this.stage} does not declare that it writes ${artefact.name}`);
    const part = artefact.per === "run" ? 0 : index;
    return { path: filePath(this.run, this.stage, artefact, part), part };
  }

  #record(
    artefact: Artefact,
    index: number,
    path: string,
    { rows, bytes, sha256 }: { bytes: number; sha256: string; rows: number | null },
  ): void {
    this.outputs.push({ path: relative(this.run.folder, path), rows, bytes, sha256, artefact: artefact.name, index });
  }
}

async function writeChunks(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<{ bytes: number; sha256: string }> {
  const file = new AtomicFile(path);
  try {
    for await (const chunk of chunks) file.write(chunk);
    return file.commit();
  } catch (error) {
    file.discard();
    throw error;
  }
}

async function requireDoneOf(run: Run, planned: string): Promise<Done> {
  const done = await doneOf(run, planned);
  if (!done) throw new NotReadyError(`stage ${planned} is not done`);
  return done;
}

/** What a task runs under. */
export interface TaskOptions {
  readonly signal: AbortSignal;
  readonly report?: (progress: Progress) => void;
  /** Fingerprint of the stage, from a runner that has checked all that the task needs; else it is checked here. */
  readonly fingerprint?: string;
  /** True: whoever places tasks keeps their order, so that the phases before this one are not looked at. */
  readonly afterBarrier?: boolean;
}

/**
 * Does one task of a plan: skips it if it is done, refuses if what it needs is not, else runs it and writes its marker last.
 * `index` counts through all phases of the stage. Safe to run twice, and on several machines at a time.
 * Throws NotReadyError if a stage or phase before it is not done; what else goes wrong is left beside the markers too.
 */
export async function runTask(
  run: Run,
  planned: string,
  index: number,
  options: TaskOptions,
): Promise<{ skipped: boolean }> {
  const { phases } = plannedStage(run.plan, planned);
  const at = phases.findIndex((phase) => index >= phase.first && index < phase.first + phase.tasks);
  const phase = phases[at];
  if (!phase) throw new UsageError(`stage ${planned} has the tasks 0 to ${phases.at(-1)?.first}, not ${index}`);
  const place = { stage: planned, phase: phase.name, index };
  try {
    const own = options.fingerprint ?? (await fingerprint(run, planned));
    if (options.fingerprint === undefined) {
      if (await isDone(run, place, own)) return { skipped: true };
      const before = options.afterBarrier ? [] : phases.filter(({ step }) => step === phase.step - 1);
      for (const each of before) await requirePhase(run, planned, each, own, index);
    }
    await work(run, place, at, own, options);
    return { skipped: false };
  } catch (error) {
    if (!options.signal.aborted) writeFailure(run, place, error);
    throw error;
  }
}

/** True if a task need not be done; what a kill, or a copy of it that failed, has left is swept. */
async function isDone(run: Run, { stage, phase, index }: Place, own: string): Promise<boolean> {
  const isWhole = (await doneOf(run, stage)) !== null;
  if (!isWhole && (phase === FINISH || !(await doneMarker(run, stage, index, own)))) return false;
  forgetFailure(run, stage, index);
  const manifest = phase === FINISH ? await readRecord(manifestPath(run, stage), ManifestSchema) : null;
  if (manifest) sweepDone(run, manifest);
  return true;
}

async function work(run: Run, place: Place, at: number, own: string, options: TaskOptions): Promise<void> {
  const { stage, phase, index } = place;
  const [started, cpu] = [performance.now(), process.cpuUsage()];
  mkdirSync(join(stageFolder(run, stage), "tasks"), { recursive: true });
  let done: Pick<Marker, "tally" | "inputs" | "outputs"> = { tally: noTally(), inputs: [], outputs: [] };
  if (phase === FINISH) await finish(run, stage, own);
  else {
    const code = stageNamed(run.chain, stage).phases[at];
    if (!code) throw new Error(`stage ${stage} has no phase ${phase}`);
    const { first } = plannedPhase(run, stage, phase);
    const task = new Task<Record<string, unknown>>(
      run,
      { stage, phase, index: index - first },
      { ...options, fingerprint: own },
    );
    const tally = addTallies([await code.run(task)]);
    done = { tally, inputs: task.inputs, outputs: task.outputs };
  }
  const { user, system } = process.cpuUsage(cpu);
  writeMarker(run, {
    ...place,
    fingerprint: own,
    ...done,
    seconds: Math.round(performance.now() - started) / 1000,
    core_seconds: isMainThread ? Math.round((user + system) / 1000) / 1000 : null,
    peak_mb: peakMegabytes(),
    host: hostname(),
  });
}

/** Throws NotReadyError unless all tasks of a phase of the step before are done; that one began only when those before it were. */
async function requirePhase(run: Run, planned: string, phase: PlannedPhase, own: string, index: number): Promise<void> {
  await phaseSummary(run, planned, phase, own).catch((error) => {
    if (!(error instanceof NotReadyError)) throw error;
    const last = phase.first + phase.tasks - 1;
    const range = phase.tasks === 1 ? `task ${phase.first}` : `tasks ${phase.first} to ${last}`;
    throw new NotReadyError(`task ${index} of ${planned} needs ${range} (${phase.name}) first; ${error.message}`);
  });
}
