/** A finished run -> the folder that goes to the Hub, with its card. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import { UsageError } from "../../pipeline/errors.ts";
import { readJson, writeText } from "../../pipeline/files/atomic-file.ts";
import { readParquet } from "../../pipeline/files/parquet.ts";
import { addTallies } from "../../pipeline/manifest.ts";
import { codeVersion, type Run, stageFolder } from "../../pipeline/plan.ts";
import { Baseline } from "../../schemas/baseline.ts";
import { type FileRecord, Manifest } from "../../schemas/manifest.ts";
import { Reconciled } from "../../schemas/published-count.ts";
import { Split } from "../../schemas/user.ts";
import { artefactFiles, requireDone } from "../../scripts/cli/artefacts.ts";
import { columnsOfCard, datasetCard } from "../describe/card.ts";
import { languagesOf } from "../describe/languages.ts";
import { FILE_FORMATS, firstRow, readRows } from "../render/row-files.ts";
import { loadSettings } from "../render/settings.ts";
import { WriteOptions } from "../render/stage.ts";
import {
  type PublishOptions,
  privacyInWords,
  requireUntouched,
  type Staged,
  stagedFolder,
  stageFiles,
} from "./prepare-files.ts";

/** The files that go to the Hub, and what was done for privacy. */
export type Folder = { readonly path: string; readonly files: readonly FileRecord[]; readonly staged: Staged };

/** Throws UsageError for a run that is not finished, that another version made, or whose dataset was changed by hand. */
export async function requirePublishable(run: Run): Promise<Manifest> {
  if (run.plan.code !== codeVersion())
    throw new UsageError(
      `${run.folder}: made by flipturn ${run.plan.code}, this is ${codeVersion()}; publish with that version, or run again with this one`,
    );
  let last: Manifest | undefined;
  for (const { name } of run.plan.stages)
    last = await requireDone(run, name).catch((error) => unlessEdited(run, name, error));
  const files = datasetFiles(last as Manifest);
  if (files.length === 0 || files.every(({ rows }) => !rows))
    throw new UsageError(`${run.folder}: the dataset has no rows; there is nothing to publish`);
  await requireUntouched({ folder: run.folder, files });
  return last as Manifest;
}

/** A file of another size makes its stage undone; who changed it is better told so. */
async function unlessEdited(run: Run, stage: string, error: unknown): Promise<never> {
  const manifest = await readJson(join(stageFolder(run, stage), "manifest.json"), Manifest);
  if (manifest) await requireUntouched({ folder: run.folder, files: datasetFiles(manifest) });
  throw error;
}

const datasetFiles = ({ outputs }: Manifest) => outputs.filter(({ path }) => path.startsWith("dataset/"));

/** Makes the folder, or finds it made for the same data and options. */
export async function publishFolder(
  run: Run,
  manifest: Manifest,
  given: Omit<PublishOptions, "key">,
  signal: AbortSignal,
): Promise<Folder> {
  const options = { ...given, key: secretOf(run) };
  const writing = WriteOptions.parse(manifest.options);
  const parts = { ...(await artefacts(run)), rejections: artefactFiles(run, manifest, "rejections") };
  const columns = columnsOfCard({ manifests: await manifestsOf(run), options: writing });
  const { open } = FILE_FORMATS[writing.format];
  const files = datasetFiles(manifest);
  const staged = await stageFiles(
    { folder: run.folder, files, ...parts, columns, read: readRows, open, code: run.plan.code },
    options,
    signal,
  );
  const path = stagedFolder(run.folder);
  const text = await card(run, manifest, staged, options);
  const written = writeText(join(path, "README.md"), text);
  return { path, files: [{ path: "README.md", rows: null, ...written }, ...staged.files], staged };
}

/** The manifests of the stages before `write`. */
async function manifestsOf(run: Run): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  for (const { name } of run.plan.stages) if (name !== "write") manifests.push(await requireDone(run, name));
  return manifests;
}

async function artefacts(run: Run) {
  const of = async (stage: string, artefact: string) => artefactFiles(run, await requireDone(run, stage), artefact);
  const [conversations, intents] = [await of("prepare", "conversations"), await of("intents", "intents")];
  return { conversations, intents, samples: await of("flip", "samples") };
}

/** Fewer characters of a secret can be tried out. */
const SECRET_LENGTH = 16;

/** FLIPTURN_PUBLISH_KEY, or a secret of the run's own that is made once and kept beside it, so that ids stay the same. */
function secretOf(run: Run): string {
  const given = run.world.env["FLIPTURN_PUBLISH_KEY"];
  const path = join(run.folder, "publish.key");
  if (!given && !existsSync(path)) {
    writeFileSync(`${path}.partial`, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600 });
    renameSync(`${path}.partial`, path);
  }
  const secret = given || readFileSync(path, "utf8").trim();
  if (secret.length >= SECRET_LENGTH) return secret;
  const where = given ? "FLIPTURN_PUBLISH_KEY" : path;
  throw new UsageError(
    `${where}: found a secret of ${secret.length} characters, which can be guessed; expected at least ${SECRET_LENGTH}, such as \`openssl rand -hex 32\` gives`,
  );
}

async function card(run: Run, manifest: Manifest, staged: Staged, options: PublishOptions): Promise<string> {
  const writing = WriteOptions.parse(manifest.options);
  const { conversations, samples } = await artefacts(run);
  const manifests = await manifestsOf(run);
  const data = staged.files.filter(({ rows }) => rows !== null);
  const rows = Object.fromEntries(Split.options.map((split) => [`rows_${split}`, rowsIn(data, split)]));
  const tally = { ...addTallies([manifest]), counts: { ...manifest.counts, ...staged.counts, ...rows } };
  const kept = data.reduce((sum, file) => sum + (file.rows ?? 0), 0);
  const outputs = data.map((file) => ({ ...file, path: `dataset/${file.path}` }));
  return datasetCard({
    ...{ plan: run.plan, manifests, options: writing, shards: [{ tally, outputs }] },
    added: (await loadSettings(writing)).added,
    baselines: await rowsOf(run, manifest, "baselines", Baseline),
    reconciled: await rowsOf(run, manifest, "reconciled", Reconciled),
    languages: await languagesOf(conversations, samples),
    row: await firstRow(stagedFolder(run.folder), data),
    privacy: {
      words: privacyInWords(staged, options),
      rows: kept + staged.blocked_rows,
      leftOut: staged.blocked_rows,
    },
  });
}

function rowsIn(files: readonly FileRecord[], split: Split): number {
  const own = files.filter(({ path }) => path.startsWith(`data/${split}-`) || path.startsWith(`${split}/`));
  return own.reduce((sum, { rows }) => sum + (rows ?? 0), 0);
}

async function rowsOf<T extends typeof Baseline | typeof Reconciled>(
  run: Run,
  manifest: Manifest,
  artefact: string,
  schema: T,
) {
  const rows: z.infer<T>[] = [];
  for await (const row of readParquet(artefactFiles(run, manifest, artefact), schema)) rows.push(row as z.infer<T>);
  return rows;
}
