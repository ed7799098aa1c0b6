import { existsSync, readdirSync, rmSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { Manifest, type Marker, type OutputRecord } from "../schemas/manifest.ts";
import type { Artefact, Files } from "./artefact.ts";
import { stageNamed } from "./chain.ts";
import { readRecord, writeJson } from "./files/atomic-file.ts";
import { doneIn, doneOf, upstreamNames } from "./fingerprint.ts";
import { phaseMarkers } from "./markers.ts";
import { decisiveModels } from "./models/server-options.ts";
import { compare } from "./order.ts";
import { donePath, filesFolder, manifestPath, nameInPlan, plannedStage, type Run, stageFolder } from "./run-folder.ts";
import { decisive } from "./setting-marks.ts";
import { type Stage, variantIn } from "./stage.ts";
import { addTallies, rejectedIn } from "./tally.ts";

/** Name of the phase, always the last, that checks the counts and writes the manifest. */
export const FINISH = "finish";

/**
 * Ends a stage: adds up its tasks, checks that nothing was lost, writes the manifest, then removes what does not belong.
 * A kill between the two leaves files that the next run removes, and a manifest that is right.
 * Throws an Error if *in = kept + rejected* does not hold or rows of the stage before are missing.
 */
export async function finish(run: Run, planned: string, fingerprint: string): Promise<Manifest> {
  const stage = stageNamed(run.chain, planned);
  const { plan } = run;
  const { phases, options, models, code } = plannedStage(plan, planned);
  const markers: Marker[] = [];
  for (const phase of phases)
    if (phase.name !== FINISH) markers.push(...(await phaseMarkers(run, planned, phase, fingerprint)));
  const tally = addTallies(markers.map((marker) => marker.tally));
  const rejected = rejectedIn(tally);
  if (tally.in !== tally.kept + rejected) {
    throw new Error(
      `${planned}: ${tally.in} ${stage.unit} in, but ${tally.kept} kept and ${rejected} rejected: a row was lost or doubled`,
    );
  }
  await requireAllTaken(run, planned, tally.taken);
  const kept = keptOutputs(stage, markers);
  const manifest: Manifest = {
    stage: planned,
    unit: stage.unit,
    code,
    source: plan.source,
    seed: plan.seed,
    options: decisive(stage.options, options),
    models: decisiveModels(models),
    fingerprint,
    ...tally,
    inputs: [...markers.flatMap((marker) => marker.inputs), ...(await upstreamOutputs(run, planned))],
    outputs: kept.map(({ path, rows, bytes, sha256 }) => ({ path, rows, bytes, sha256 })),
  };
  writeJson(manifestPath(run, planned), manifest);
  writeJson(donePath(run, planned), doneIn(manifest, kept, stage));
  writeJson(join(stageFolder(run, planned), "timings.json"), timings(markers));
  sweep(run, planned, new Set(kept.map((file) => file.path)));
  return manifest;
}

/** Throws an Error unless the stage looked at every row that the stage before kept. */
async function requireAllTaken(run: Run, planned: string, taken: number): Promise<void> {
  const { takes } = stageNamed(run.chain, planned);
  if (takes === undefined) return;
  const before = await doneOf(run, nameInPlan(run.plan, takes, variantIn(planned)));
  if (before && taken !== before.kept)
    throw new Error(
      `${planned}: took ${taken} ${before.unit}, but ${takes} kept ${before.kept}: a row was lost or doubled`,
    );
}

function keptOutputs(stage: Stage, markers: readonly Marker[]): OutputRecord[] {
  const all = markers.flatMap((marker) => marker.outputs);
  return all.filter(({ artefact }) => stage.writes[artefact]?.isKept).sort((a, b) => compare(a.path, b.path));
}

/** The files that a stage read from stages before it. */
async function upstreamOutputs(run: Run, planned: string): Promise<Manifest["inputs"]> {
  const found: Manifest["inputs"] = [];
  for (const name of upstreamNames(run, planned)) {
    const manifest = await readRecord(manifestPath(run, name), Manifest);
    found.push(...(manifest?.outputs ?? []));
  }
  return found;
}

/** The artefacts of a stage that lie outside its folder. */
function filesOf(stage: Stage): Files[] {
  return Object.values(stage.writes).filter((artefact: Artefact): artefact is Files => artefact.kind === "files");
}

/** The folders outside a stage's own in which it writes. */
export function outsideFolders(run: Run, planned: string): string[] {
  return filesOf(stageNamed(run.chain, planned)).map((artefact) => filesFolder(run, planned, artefact));
}

/** Paths of the files outside its folder that may be the stage's; others beside them are left alone. */
function outsideFiles(run: Run, planned: string): string[] {
  return filesOf(stageNamed(run.chain, planned)).flatMap((artefact) => {
    const folder = filesFolder(run, planned, artefact);
    return filesUnder(folder).filter((path) => artefact.owns(relative(folder, path).split(sep).join("/")));
  });
}

/** Removes files of the stage that are not its outputs: those that only it read, and what another plan or a kill left. */
function sweep(run: Run, planned: string, keep: ReadonlySet<string>): void {
  const own = stageFolder(run, planned);
  const kept = ["tasks", ...(stageNamed(run.chain, planned).keeps ?? [])].map((name) => join(own, name) + sep);
  const records = new Set([manifestPath(run, planned), donePath(run, planned), join(own, "timings.json")]);
  const mine = filesUnder(own).filter((path) => !records.has(path) && !kept.some((each) => path.startsWith(each)));
  for (const path of [...mine, ...outsideFiles(run, planned)])
    if (!keep.has(relative(run.folder, path))) rmSync(path, { force: true });
}

/** Removes what a kill left of a stage that is done. */
export function sweepDone(run: Run, { stage, outputs }: Manifest): void {
  sweep(run, stage, new Set(outputs.map((file) => file.path)));
}

/** Removes everything of a stage but what it keeps whatever its options. */
export function clearStage(run: Run, planned: string): void {
  const { keeps = [] } = stageNamed(run.chain, planned);
  for (const path of outsideFiles(run, planned)) rmSync(path, { force: true });
  const folder = stageFolder(run, planned);
  for (const name of existsSync(folder) ? readdirSync(folder) : [])
    if (!keeps.includes(name)) rmSync(join(folder, name), { recursive: true, force: true });
}

/** Says that a stage is not done any more, before a task of it is done again. */
export function reopenStage(run: Run, planned: string): void {
  rmSync(donePath(run, planned), { force: true });
  rmSync(manifestPath(run, planned), { force: true });
}

function filesUnder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => !file.isDirectory());
  return files.map((file) => join(file.parentPath, file.name));
}

/** What the phases of a stage took. Apart from the manifest, so that the manifest has the same bytes every time. */
type Timings = Record<
  string,
  { tasks: number; seconds: number; longest: number; core_seconds: number | null; peak_mb: number; hosts: string[] }
>;

function timings(markers: readonly Marker[]): Timings {
  const phases: Timings = {};
  const add = (a: number, b: number) => Math.round((a + b) * 1000) / 1000;
  const addKnown = (a: number | null, b: number | null) => (a === null || b === null ? null : add(a, b));
  for (const { phase, seconds, core_seconds, peak_mb, host } of markers) {
    const none = { tasks: 0, seconds: 0, longest: 0, core_seconds: 0, peak_mb: 0, hosts: [] };
    const found: Timings[string] = phases[phase] ?? none;
    phases[phase] = {
      tasks: found.tasks + 1,
      seconds: add(found.seconds, seconds),
      longest: Math.max(found.longest, seconds),
      core_seconds: addKnown(found.core_seconds, core_seconds),
      peak_mb: Math.max(found.peak_mb, peak_mb),
      hosts: [...new Set([...found.hosts, host])].sort(),
    };
  }
  return phases;
}
