/** A finished run -> the folder that goes to the Hub, with its card. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { UsageError } from "../../pipeline/errors.ts";
import { readRecord, writeText } from "../../pipeline/files/atomic-file.ts";
import { FILE_FORMATS, firstRow, readRows, splitOfFile } from "../../pipeline/files/row-files.ts";
import { requireDone } from "../../pipeline/fingerprint.ts";
import { allRows, tableFiles } from "../../pipeline/finished-run.ts";
import { chainCode } from "../../pipeline/plan.ts";
import { filesFolder, manifestPath, nameInPlan, type Run, resolveGiven } from "../../pipeline/run-folder.ts";
import { variantIn } from "../../pipeline/stage.ts";
import { loadText } from "../../pipeline/text/load-text.ts";
import { requireUndamaged } from "../../pipeline/verify.ts";
import { type FileRecord, Manifest } from "../../schemas/manifest.ts";
import { Split } from "../../schemas/user.ts";
import { described } from "../describe/artefacts.ts";
import { columnsOfCard, datasetCard } from "../describe/card.ts";
import { downloaded } from "../download/artefacts.ts";
import { flipped } from "../flip/artefacts.ts";
import { conditioned } from "../intents/artefacts.ts";
import { prepared } from "../prepare/artefacts.ts";
import { rendered } from "../render/artefacts.ts";
import { formOf, RenderOptions, textOptions } from "../render/options.ts";
import { sourceNamed } from "../sources/index.ts";
import {
  type PublishOptions,
  prepareFiles,
  privacyInWords,
  requireUntouched,
  type Staged,
  stagedFolder,
} from "./prepare-files.ts";

/** The files that go to the Hub, and what was done for privacy. */
export type Folder = { readonly path: string; readonly files: readonly FileRecord[]; readonly staged: Staged };

/** The dataset of a finished run in one form. */
export interface Publishable {
  readonly run: Run;
  /** Of the stages before `render`, in order; then that of `render`. */
  readonly manifests: readonly Manifest[];
  readonly written: Manifest;
  readonly options: RenderOptions;
  /** Folder of the dataset, and its files by their paths in it. */
  readonly folder: string;
  readonly files: readonly FileRecord[];
}

/** True for the paths of a dataset that flipturn writes. */
export function isOurs(path: string): boolean {
  return rendered.dataset.owns(path) || described.card.owns(path);
}

/**
 * The dataset of a run in one form; null = the only one that the run has.
 * Throws UsageError if another version made it, or if it was changed by hand, and NotReadyError if it is not finished.
 */
export async function requirePublishable(run: Run, form: string | null): Promise<Publishable> {
  const code = chainCode(run.chain);
  if (run.plan.code !== code)
    throw new UsageError(
      `${run.folder}: made by flipturn ${run.plan.code}, this is ${code}; publish with that version, or run again with this one`,
    );
  const [rows, about] = [rendered.dataset.stage, described.card.stage].map((stage) =>
    nameInPlan(run.plan, stage, form),
  );
  const folder = filesFolder(run, rows as string, rendered.dataset);
  const manifests: Manifest[] = [];
  for (const { name } of run.plan.stages) {
    const isOther = ![null, variantIn(rows as string)].includes(variantIn(name));
    if (isOther) continue;
    manifests.push(await requireDone(run, name).catch((error) => unlessEdited(run, folder, name, error)));
  }
  const ofStage = (name: string | undefined) => manifests.find(({ stage }) => stage === name) as Manifest;
  const written = ofStage(rows);
  const files = [written, ofStage(about)].flatMap(({ outputs }) => datasetFiles(run, folder, outputs));
  if (files.every(({ rows: number }) => !number))
    throw new UsageError(`${run.folder}: the dataset has no rows; there is nothing to publish`);
  await requireUntouched({ folder, files });
  await requireUndamaged(run, othersThan(manifests, downloaded.raw.stage));
  const before = manifests.filter(({ stage }) => variantIn(stage) === null);
  return { run, manifests: before, written, options: RenderOptions.parse(written.options), folder, files };
}

/** The stages whose files go into what is published; raw files have been read long ago. */
function othersThan(manifests: readonly Manifest[], stage: string): string[] {
  return manifests.map((manifest) => manifest.stage).filter((name) => name !== stage);
}

/** A file of another size makes its stage undone; who changed it is better told so. */
async function unlessEdited(run: Run, folder: string, stage: string, error: unknown): Promise<never> {
  const manifest = await readRecord(manifestPath(run, stage), Manifest);
  if (manifest) await requireUntouched({ folder, files: datasetFiles(run, folder, manifest.outputs) });
  throw error;
}

/** The outputs that lie in the folder of a dataset, by their paths in it. */
function datasetFiles(run: Run, folder: string, outputs: readonly FileRecord[]): FileRecord[] {
  const inside = outputs.map((file) => {
    return { ...file, path: relative(folder, join(run.folder, file.path)).split(sep).join("/") };
  });
  return inside.filter(({ path }) => isOurs(path));
}

/** Makes the folder, or finds it made for the same data and options. `ids` null: as the source is public or not. */
export async function publishFolder(
  publishable: Publishable,
  given: Omit<PublishOptions, "key" | "ids"> & { readonly ids: PublishOptions["ids"] | null },
  signal: AbortSignal,
): Promise<Folder> {
  const { run, manifests, options, folder, files } = publishable;
  const form = formOf(options);
  // What the Hub has as well can be checked by its ids; ids of one's own logs are nobody's business.
  const isPublic = sourceNamed(run.plan.source).hub !== null;
  const privacy = { ...given, ids: given.ids ?? (isPublic ? "keep" : "key"), key: secretOf(run) } as const;
  const staging = join(run.folder, "publish", form);
  const staged = await prepareFiles(
    {
      folder,
      staging,
      files,
      conversations: await tableFiles(run, prepared.conversations),
      intents: await tableFiles(run, conditioned.intents),
      samples: await tableFiles(run, flipped.samples),
      rejections: await tableFiles(run, rendered.rejections, { variant: form }),
      columns: columnsOfCard({ manifests, options }),
      read: readRows,
      open: FILE_FORMATS[options.fileFormat].open,
      code: run.plan.code,
    },
    privacy,
    signal,
  );
  const path = stagedFolder(staging);
  const card = writeText(join(path, "README.md"), await cardOf(publishable, staged, path, privacy));
  return { path, files: [{ path: "README.md", rows: null, ...card }, ...staged.files], staged };
}

/** Fewer characters of a secret can be tried out. */
const SECRET_LENGTH = 16;

/** FLIPTURN_PUBLISH_KEY, or a secret of the run's own that is made once and kept beside it, so that ids stay the same. */
function secretOf(run: Run): string {
  const given = run.environment.env["FLIPTURN_PUBLISH_KEY"];
  const path = join(run.folder, "publish.key");
  if (!given && !existsSync(path)) {
    writeFileSync(`${path}.partial`, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600 });
    renameSync(`${path}.partial`, path);
  }
  const secret = given || readFileSync(path, "utf8").trim();
  const different = new Set(secret).size;
  if (secret.length >= SECRET_LENGTH && different >= SECRET_LENGTH / 2) return secret;
  const where = given ? "FLIPTURN_PUBLISH_KEY" : path;
  throw new UsageError(
    `${where}: found a secret of ${secret.length} characters, ${different} of them different, which can be guessed; expected at least ${SECRET_LENGTH} and ${SECRET_LENGTH / 2}, such as \`openssl rand -hex 32\` gives`,
  );
}

/** The card of what is published, whose rows are counted anew. */
async function cardOf(
  { run, manifests, written, options }: Publishable,
  staged: Staged,
  folder: string,
  privacy: PublishOptions,
): Promise<string> {
  const variant = formOf(options);
  const files = staged.files.filter(({ rows }) => rows !== null);
  const perSplit = Split.options.map((split) => [`rows_${split}`, rowsIn(files, split)]);
  const kept = files.reduce((sum, { rows }) => sum + (rows ?? 0), 0);
  return datasetCard({
    plan: run.plan,
    chain: run.chain,
    manifests,
    rows: { ...written, counts: { ...written.counts, ...staged.counts, ...Object.fromEntries(perSplit) }, files },
    options,
    added: (await loadText(textOptions(options), (path) => resolveGiven(run, path))).added,
    baselines: await allRows(run, described.baselines, { variant }),
    published: await allRows(run, described.published_counts, { variant }),
    languages: staged.languages,
    row: await firstRow(folder, files),
    privacy: {
      words: privacyInWords(staged, privacy),
      rows: kept + staged.blocked_rows,
      leftOut: staged.blocked_rows,
    },
  });
}

function rowsIn(files: readonly FileRecord[], split: Split): number {
  const own = files.filter(({ path }) => splitOfFile(path, [split]) === split);
  return own.reduce((sum, { rows }) => sum + (rows ?? 0), 0);
}
