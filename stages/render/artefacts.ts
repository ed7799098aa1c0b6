import { relative, sep } from "node:path";
import { artefactsOf, files, rejections } from "../../pipeline/artefact.ts";
import { splitOfFile } from "../../pipeline/files/row-files.ts";
import type { FileRecord, Manifest, Tally } from "../../schemas/manifest.ts";
import { Split } from "../../schemas/user.ts";

/** Folder of the run that a dataset lies in, in a folder for each form. */
export const DATASET = "dataset";

/** What `render` writes. */
export const rendered = artefactsOf("render", {
  dataset: files(
    DATASET,
    (path) => splitOfFile(path, Split.options) !== undefined,
    "what a trainer reads, in one form",
  ),
  rejections: rejections(),
});

/** The rows of a dataset: what was counted when they were written, and the files that hold them by their paths in its folder. */
export interface DatasetRows extends Pick<Tally, "in" | "kept" | "rejected" | "counts"> {
  readonly files: readonly FileRecord[];
}

/** The rows that `render` wrote, split by split; `folder` is that of the dataset, relative to the run's. */
export function rowsWritten({ outputs, ...tally }: Manifest, folder: string): DatasetRows {
  const inside = outputs.map((file) => ({ ...file, path: relative(folder, file.path).split(sep).join("/") }));
  const files = Split.options.flatMap((split) => inside.filter(({ path }) => splitOfFile(path, [split]) !== undefined));
  return { ...tally, files };
}
