import { basename, dirname, join } from "node:path";
import type { z } from "zod";
import { isShardOf, shardName } from "../artefact.ts";
import { AtomicFile } from "./atomic-file.ts";
import { jsonLines, parquet, query, quote } from "./duckdb.ts";
import { parseLine, readLines } from "./jsonl.ts";
import { ParquetFile, type Written } from "./parquet.ts";

/** Kinds of files that a dataset can have, with where HF `datasets` looks for the files of a split. */
export const FILE_FORMATS = {
  parquet: {
    folder: () => "data",
    name: (split: string) => split,
    open: (path, schema) => new ParquetFile(path, schema),
    read: (path, most) => query(`SELECT * FROM ${parquet(path)} ${most === null ? "" : `LIMIT ${most}`}`, path),
    sql: parquet,
  },
  jsonl: {
    folder: () => "data",
    name: (split: string) => split,
    open: (path, schema) => new JsonlFile(path, schema),
    read: readJsonl,
    sql: (path) => jsonLines(path, { conversation_id: "VARCHAR" }),
  },
  arrow: {
    folder: (split: string) => split,
    name: () => "data",
    open: (path, schema) => new LaterArrowFile(path, schema),
    read: readArrow,
    sql: null,
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
  /** The rows in order; `most`: no more than so many need be read. */
  readonly read: (path: string, most: number | null) => AsyncIterable<unknown>;
  /** A file as a table of the engine, with at least the column `conversation_id`; null = the engine does not read such files. */
  readonly sql: ((path: string) => string) | null;
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
  for await (const row of formatOf(path).read(path, most)) {
    if (left-- <= 0) return;
    yield row as AnyRow;
  }
}

/** How many rows of a file of a dataset are made of a conversation. */
export async function countRowsOf(path: string, conversation: string): Promise<number> {
  const { sql } = formatOf(path);
  for await (const first of readRows(path, 1)) {
    if (sql === null || !("conversation_id" in first)) break;
    const is = `conversation_id = ${quote(conversation)}`;
    for await (const row of query(`SELECT count(*)::INT AS rows FROM ${sql(path)} WHERE ${is}`, path))
      return (row as { rows: number }).rows;
  }
  let rows = 0;
  for await (const row of readRows(path)) if (conversationsIn(row).includes(conversation)) rows++;
  return rows;
}

/** The conversations that a row is made of: one, or in a row of packed samples several, by the ids of these. */
function conversationsIn({ conversation_id, ids }: AnyRow): unknown[] {
  if (!Array.isArray(ids)) return [conversation_id];
  return ids.map((id) => String(id).replace(/:\d+$/, ""));
}

function formatOf(path: string): FileFormat {
  const format = FILE_FORMAT_NAMES.find((name) => path.endsWith(`.${name}`));
  if (format === undefined) throw new Error(`${path}: no file of a dataset`);
  return FILE_FORMATS[format];
}

async function* readJsonl(path: string): AsyncGenerator<unknown> {
  for await (const line of readLines(path)) yield parseLine(line);
}

async function* readArrow(path: string): AsyncGenerator<unknown> {
  yield* (await import("./arrow.ts")).readArrow(path);
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
