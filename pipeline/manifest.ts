import { existsSync, readdirSync, rmSync } from "node:fs";
import { basename, join, relative, sep } from "node:path";
import { type FileRecord, Manifest, type Marker, type Tally } from "../schemas/manifest.ts";
import { UsageError } from "./errors.ts";
import { readJson, sizeOf, writeJson } from "./files/atomic-file.ts";
import { digest } from "./hash.ts";
import { compare } from "./order.ts";
import { plannedStage, type Run, stageFolder } from "./plan.ts";
import type { Stage } from "./stage.ts";

/** The stage of a run by name, with its code. */
export function stageNamed(run: Run, name: string): Stage {
  const stage = run.stages.find((each) => each.name === name);
  if (!stage) throw new UsageError(`no stage ${name}; stages are ${run.stages.map((each) => each.name).join(", ")}`);
  return stage;
}

/**
 * Hash of all that decides what a stage writes: code, options, seed, shape of the run, and the contents of what it reads.
 * Throws UsageError if a stage that it reads from is not done.
 */
export async function fingerprint(run: Run, name: string): Promise<string> {
  const { plan } = run;
  const stage = stageNamed(run, name);
  const upstream: unknown[] = [];
  for (const each of stage.reads) {
    const manifest = await finishedManifest(run, each);
    if (!manifest)
      throw new UsageError(`stage ${name} reads what ${each} writes, and ${each} is not done; run \`--from ${each}\``);
    // Of files from outside only name and content count: they may be moved.
    const outside = manifest.inputs.map((file) => ({ ...file, path: basename(file.path) }));
    const files = stageNamed(run, each).reads.length === 0 ? outside : manifest.outputs;
    upstream.push(files.map(({ path, sha256 }) => [path, sha256]));
    if (stage.readsManifests) upstream.push([manifest.options, manifest.in, manifest.kept, manifest.rejected]);
  }
  const inputs = stage.reads.length === 0 ? [plan.hub, plan.inputs] : [];
  const { options, phases, files } = plannedStage(plan, name);
  const decisive = Object.entries(options).filter(([option]) => !stage.unhashed?.includes(option));
  return digest({
    name,
    options: Object.fromEntries(decisive),
    phases,
    files,
    inputs,
    upstream,
    code: plan.code,
    source: plan.source,
    seed: plan.seed,
    key: plan.user_key,
    shards: plan.shards,
  });
}

/** The manifest of a stage if it is done and nothing that it depends on has changed since; else null. */
export async function finishedManifest(run: Run, name: string): Promise<Manifest | null> {
  const manifest = await readJson(join(stageFolder(run, name), "manifest.json"), Manifest);
  if (!manifest) return null;
  const expected = await fingerprint(run, name).catch((error) => {
    if (error instanceof UsageError) return null;
    throw error;
  });
  return manifest.fingerprint === expected && (await allThere(run, manifest.outputs)) ? manifest : null;
}

/** True if every file is there with the size it was written with. */
export async function allThere(run: Run, files: readonly FileRecord[]): Promise<boolean> {
  for (const file of files) if ((await sizeOf(join(run.folder, file.path))) !== file.bytes) return false;
  return true;
}

/** An empty tally. */
export function noTally(): Tally {
  return { taken: 0, in: 0, kept: 0, rejected: {}, counts: {} };
}

/** The sum of tallies; what is left out counts as zero. Keys come out sorted. */
export function addTallies(tallies: readonly Partial<Tally>[]): Tally {
  const sum = noTally();
  for (const tally of tallies) {
    sum.taken += tally.taken ?? 0;
    sum.in += tally.in ?? 0;
    sum.kept += tally.kept ?? 0;
    addCounts(sum.rejected, tally.rejected);
    addCounts(sum.counts, tally.counts);
  }
  return { ...sum, rejected: sorted(sum.rejected), counts: sorted(sum.counts) };
}

function addCounts(sum: Record<string, number>, more: Record<string, number> = {}): void {
  for (const [name, count] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + count;
}

function sorted(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Ends a stage: adds up its tasks, checks that nothing was lost, removes what does not belong, writes the manifest.
 * Throws an Error if *in = kept + rejected* does not hold or rows of the stage before are missing.
 */
export async function finish(run: Run, name: string, markers: readonly Marker[], print: string): Promise<Manifest> {
  const stage = stageNamed(run, name);
  const { plan } = run;
  const tally = addTallies(markers.map((marker) => marker.tally));
  const rejected = Object.values(tally.rejected).reduce((sum, count) => sum + count, 0);
  if (tally.in !== tally.kept + rejected) {
    throw new Error(
      `${name}: ${tally.in} ${stage.unit} in, but ${tally.kept} kept and ${rejected} rejected: a row was lost or doubled`,
    );
  }
  const upstream = await Promise.all(stage.reads.map((each) => finishedManifest(run, each)));
  const before = upstream.at(-1);
  if (before && tally.taken !== before.kept) {
    throw new Error(
      `${name}: took ${tally.taken} ${before.unit}, but ${before.stage} kept ${before.kept}: a row was lost or doubled`,
    );
  }
  const outputs = markers
    .flatMap((marker) => marker.outputs)
    .filter((file) => !stage.isIntermediate?.(fileName(file.path)));
  outputs.sort((a, b) => compare(a.path, b.path));
  const manifest: Manifest = {
    stage: name,
    unit: stage.unit,
    code: plan.code,
    source: plan.source,
    seed: plan.seed,
    options: plannedStage(plan, name).options,
    fingerprint: print,
    ...tally,
    inputs: [...markers.flatMap((marker) => marker.inputs), ...upstream.flatMap((each) => each?.outputs ?? [])],
    outputs,
  };
  sweep(run, stage, new Set(outputs.map((file) => file.path)));
  writeJson(join(stageFolder(run, name), "timings.json"), timings(markers));
  writeJson(join(stageFolder(run, name), "manifest.json"), manifest);
  return manifest;
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Paths of the files that a stage owns in the folder that it publishes; other files there are left alone. */
export function publishedFiles(run: Run, name: string): string[] {
  const { publishes } = stageNamed(run, name);
  const folder = publishes && join(run.folder, publishes.folder);
  if (!folder || !existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const paths = files.map((file) => join(file.parentPath, file.name));
  return paths.filter((path) => publishes.owns.test(relative(folder, path).replaceAll("\\", "/")));
}

/** Removes files of the stage that are not its outputs: intermediate ones, and what another plan left. */
function sweep(run: Run, stage: Stage, keep: ReadonlySet<string>): void {
  const own = stageFolder(run, stage.name);
  const lasting = ["tasks", ...(stage.lasting ?? [])].map((name) => join(own, name) + sep);
  const files = readdirSync(own, { recursive: true, withFileTypes: true }).filter((file) => !file.isDirectory());
  const mine = files
    .map((file) => join(file.parentPath, file.name))
    .filter((path) => !lasting.some((each) => path.startsWith(each)));
  for (const path of [...mine, ...publishedFiles(run, stage.name)]) {
    if (!keep.has(relative(run.folder, path))) rmSync(path, { force: true });
  }
}

/** Seconds of work by phase. Apart from the manifest, so that the manifest has the same bytes every time. */
function timings(markers: readonly Marker[]): Record<string, { tasks: number; seconds: number; longest: number }> {
  const phases: Record<string, { tasks: number; seconds: number; longest: number }> = {};
  for (const { phase, seconds } of markers) {
    const found = phases[phase] ?? { tasks: 0, seconds: 0, longest: 0 };
    const total = Math.round((found.seconds + seconds) * 1000) / 1000;
    phases[phase] = { tasks: found.tasks + 1, seconds: total, longest: Math.max(found.longest, seconds) };
  }
  return phases;
}
