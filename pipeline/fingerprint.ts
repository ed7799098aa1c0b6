import { basename, join } from "node:path";
import { Done, type FileRecord, Manifest, type OutputRecord } from "../schemas/manifest.ts";
import { stageNamed, upstreamOf } from "./chain.ts";
import { NotReadyError } from "./errors.ts";
import { readRecord, sizeOf } from "./files/atomic-file.ts";
import { digest } from "./hash.ts";
import { decisiveModels } from "./models/server-options.ts";
import { donePath, manifestPath, nameInPlan, plannedStage, type Run } from "./run-folder.ts";
import { decisive } from "./setting-marks.ts";
import { type Stage, stageIn, variantIn } from "./stage.ts";

/** What stages are known to have written, while fingerprints that depend on one another are taken. */
type Known = Map<string, Promise<Done | null>>;

/**
 * Hash of all that decides what a stage writes: code, options, seed, shape of the run, and the contents of what it reads.
 * Reads one small file for each stage before it. Throws NotReadyError if a stage that it reads from is not done.
 */
export async function fingerprint(run: Run, planned: string, known: Known = new Map()): Promise<string> {
  const { plan } = run;
  const stage = stageNamed(run.chain, planned);
  const { options, phases, files, code, models } = plannedStage(plan, planned);
  const upstream: unknown[] = [];
  for (const name of upstreamNames(run, planned)) {
    const done = await knownDone(run, name, known);
    if (!done)
      throw new NotReadyError(
        `stage ${planned} reads what ${name} writes, and ${name} is not done; \`flipturn run\` with \`--from ${stageIn(name)}\` does it`,
      );
    const read = stage.reads.filter((artefact) => artefact.stage === stageIn(name));
    for (const { name: artefact } of read) upstream.push([artefact, done.artefacts[artefact]?.digest ?? null]);
    if (stage.tellsOf?.includes(stageIn(name))) upstream.push(done.manifest);
  }
  const isFirst = stage.reads.length === 0;
  return digest({
    name: planned,
    options: decisive(stage.options, options),
    models: decisiveModels(models),
    phases,
    files: files.map(({ sha256 }) => sha256),
    inputs: isFirst ? [plan.hub, inputsDigest(plan)] : [],
    upstream,
    code: stage.namesCode ? [code, plan.code] : code,
    unicode: plan.node.unicode,
    source: plan.source,
    seed: plan.seed,
    key: plan.user_key,
    shards: plan.shards,
  });
}

/** Digests of the inputs of plans: a plan does not change, and every task of a stage that reads `download` asks. */
const digests = new WeakMap<object, string>();

function inputsDigest({ inputs }: Run["plan"]): string {
  const found = digests.get(inputs) ?? digest(inputs);
  digests.set(inputs, found);
  return found;
}

/** The stages that one depends on, by their names in the plan: of those planned several times the one with its own variant. */
export function upstreamNames(run: Run, planned: string): string[] {
  const upstream = upstreamOf(stageNamed(run.chain, planned));
  return upstream.map((name) => nameInPlan(run.plan, name, variantIn(planned)));
}

function knownDone(run: Run, planned: string, known: Known): Promise<Done | null> {
  const found = known.get(planned) ?? doneOf(run, planned, known);
  known.set(planned, found);
  return found;
}

/** What a stage wrote, in brief, if it is done and nothing that it depends on has changed since; else null. Files are not looked at. */
export async function doneOf(run: Run, planned: string, known: Known = new Map()): Promise<Done | null> {
  const done = await readRecord(donePath(run, planned), Done);
  if (!done) return null;
  const expected = await fingerprint(run, planned, known).catch((error) => {
    if (error instanceof NotReadyError) return null;
    throw error;
  });
  return done.fingerprint === expected ? done : null;
}

/** The manifest of a stage if it is done, nothing that it depends on has changed since, and all its files are there; else null. */
export async function finishedManifest(run: Run, planned: string): Promise<Manifest | null> {
  if (!(await doneOf(run, planned))) return null;
  const manifest = await readRecord(manifestPath(run, planned), Manifest);
  return manifest && (await allThere(run, manifest.outputs)) ? manifest : null;
}

/** True if every file is there with the size it was written with. */
export async function allThere(run: Run, files: readonly FileRecord[]): Promise<boolean> {
  for (const file of files) if ((await sizeOf(join(run.folder, file.path))) !== file.bytes) return false;
  return true;
}

/** The manifest of a stage. Throws NotReadyError if the stage is not done. */
export async function requireDone(run: Run, planned: string): Promise<Manifest> {
  const manifest = await finishedManifest(run, planned);
  if (manifest) return manifest;
  throw new NotReadyError(
    `${run.folder}: stage ${planned} is not done; \`flipturn run\` with the settings of this run does it`,
  );
}

/** A finished stage in brief, from its manifest and the files that its tasks noted. */
export function doneIn(manifest: Manifest, outputs: readonly OutputRecord[], stage: Stage): Done {
  const artefacts: Done["artefacts"] = {};
  for (const name of new Set(outputs.map(({ artefact }) => artefact))) {
    const own = outputs.filter(({ artefact }) => artefact === name).sort((a, b) => a.index - b.index);
    artefacts[name] = {
      digest: digest(own.map(({ path, sha256 }) => [basename(path), sha256])),
      bytes: own.map(({ bytes }) => bytes),
      rows: own.map(({ rows }) => rows),
    };
  }
  for (const { kind, name } of Object.values(stage.writes)) {
    // Files from outside count by name and content: they may be moved.
    const inputs = manifest.inputs.map(({ path, sha256 }) => [basename(path), sha256]);
    if (kind === "inputs") artefacts[name] = { digest: digest(inputs), bytes: [], rows: [] };
  }
  const { options, models, in: all, kept, rejected, counts, unit } = manifest;
  return {
    fingerprint: manifest.fingerprint,
    artefacts,
    manifest: digest([options, models, all, kept, rejected, counts]),
    unit,
    kept,
  };
}
