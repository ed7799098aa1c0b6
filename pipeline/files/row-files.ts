import { basename, dirname, join } from "node:path";
import type { z } from "zod";
import { isShardOf, shardName } from "../artefact.ts";
import { AtomicFile } from "./atomic-file.ts";
import { parquet, query } from "./duckdb.ts";
import { parseLine, readLines } from "./jsonl.ts";
import { ParquetFile, type Written } from "./parquet.ts";

/** Kinds of files that a dataset can have, with where HF `datasets` looks for the files of a split. */
export const FILE_FORMATS = {
  parquet: {
    folder: () => "data",
    name: (split: string) => split,
    open: (path, schema) => new ParquetFile(path, schema),
  },
  jsonl: { folder: () => "data", name: (split: string) => split, open: (path, schema) => new JsonlFile(path, schema) },
  arrow: {
    folder: (split: string) => split,
    name: () => "data",
    open: (path, schema) => new LaterArrowFile(path, schema),
  },
} satisfies Record<string, FileFormat>;

/** Name of a kind of files, which is also their extension. */
export type FileFormatName = keyof typeof FILE_FORMATS;

/** Names of the kinds of files. */
export const FILE_FORMAT_NAMES = Object.keys(FILE_FORMATS) as [FileFormatName, ...FileFormatName[]];

/** Path of one file of a split, relative to the folder of the dataset. */
export function datasetFile(format: FileFormatName, split: string, index: number, of: number): string {
  const { folder, name } = FILE_FORMATS[format];
  return `${folder(split)}/${shardName(name(split), index, of, format)}`;
}

/** Where the files of a split lie, as a glob relative to the folder of the dataset. */
export function datasetGlob(format: FileFormatName, split: string): string {
  const { folder, name } = FILE_FORMATS[format];
  return `${folder(split)}/${name(split)}-*.${format}`;
}

/** The split that a path in the folder of a dataset is a file of, among those that there are; undefined = none. */
export function splitOfFile<Split extends string>(path: string, splits: readonly Split[]): Split | undefined {
  return splits.find((split) =>
    FILE_FORMAT_NAMES.some((format) => {
      const { folder, name } = FILE_FORMATS[format];
      return dirname(path) === folder(split) && isShardOf(name(split), format, basename(path));
    }),
  );
}

interface FileFormat {
  readonly folder: (split: string) => string;
  readonly name: (split: string) => string;
  readonly open: (path: string, schema: z.ZodObject) => RowFile;
}

/** A file that rows are added to; it appears under its name only when whole. */
export interface RowFile {
  write(row: Record<string, unknown>): Promise<void>;
  commit(): Promise<Written>;
  discard(): void;
}

/** An Arrow file whose code is loaded when there is one to write: it is large, and few runs need it. */
class LaterArrowFile implements RowFile {
  readonly #file: Promise<RowFile>;

  constructor(path: string, schema: z.ZodObject) {
    this.#file = import("./arrow.ts").then(({ ArrowFile }) => new ArrowFile(path, schema));
  }

  async write(row: Record<string, unknown>): Promise<void> {
    await (await this.#file).write(row);
  }

  async commit(): Promise<Written> {
    return (await this.#file).commit();
  }

  discard(): void {
    void this.#file.then((file) => file.discard());
  }
}

/** JSON objects, one a line, with the columns in the order of the schema. */
class JsonlFile implements RowFile {
  readonly #file: AtomicFile;
  readonly #names: readonly string[];
  #rows = 0;

  constructor(path: string, schema: z.ZodObject) {
    this.#file = new AtomicFile(path);
    this.#names = Object.keys(schema.shape);
  }

  async write(row: Record<string, unknown>): Promise<void> {
    const inOrder = Object.fromEntries(this.#names.map((name) => [name, row[name]]));
    const asLists = (_: string, value: unknown) =>
      ArrayBuffer.isView(value) ? Array.from(value as Int32Array) : value;
    this.#file.write(Buffer.from(`${JSON.stringify(inOrder, asLists)}\n`));
    this.#rows++;
  }

  async commit(): Promise<Written> {
    return { rows: this.#rows, ...this.#file.commit() };
  }

  discard(): void {
    this.#file.discard();
  }
}

type AnyRow = Record<string, unknown>;

/** The rows of a file of a dataset, whatever its kind, in order. `most`: so many at most. */
export async function* readRows(path: string, most: number | null = null): AsyncGenerator<AnyRow> {
  let left = most ?? Number.POSITIVE_INFINITY;
  for await (const row of openRows(path, most)) {
    if (left-- <= 0) return;
    yield row;
  }
}

async function* openRows(path: string, most: number | null): AsyncGenerator<AnyRow> {
  if (path.endsWith(".arrow")) yield* (await import("./arrow.ts")).readArrow(path);
  else if (path.endsWith(".jsonl")) for await (const line of readLines(path)) yield parseLine(line) as AnyRow;
  else
    yield* query(
      `SELECT * FROM ${parquet(path)} ${most === null ? "" : `LIMIT ${most}`}`,
      path,
    ) as AsyncGenerator<AnyRow>;
}

/** The first row of a dataset; null = it has none. */
export async function firstRow(
  folder: string,
  files: readonly { path: string; rows: number | null }[],
): Promise<AnyRow | null> {
  const file = files.find(({ rows }) => rows !== null && rows > 0);
  if (!file) return null;
  for await (const row of readRows(join(folder, file.path), 1)) return row;
  return null;
}
