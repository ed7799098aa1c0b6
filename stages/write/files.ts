import type { z } from "zod";
import { ArrowFile } from "../../pipeline/arrow.ts";
import { AtomicFile } from "../../pipeline/files.ts";
import { ParquetFile, type Written } from "../../pipeline/parquet.ts";

/** Kinds of files that a dataset can have, with where HF `datasets` looks for the files of a split. */
export const FILE_FORMATS = {
  parquet: {
    folder: () => "data",
    name: (split: string) => split,
    open: (path, schema) => new ParquetFile(path, schema),
  },
  jsonl: { folder: () => "data", name: (split: string) => split, open: (path, schema) => new JsonlFile(path, schema) },
  arrow: { folder: (split: string) => split, name: () => "data", open: (path, schema) => new ArrowFile(path, schema) },
} satisfies Record<string, FileFormat>;

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
