import { createReadStream } from "node:fs";
import {
  type Data,
  type DataType,
  Field,
  Float64,
  Int8,
  Int32,
  List,
  makeData,
  RecordBatch,
  RecordBatchReader,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import type { z } from "zod";
import { InputError } from "../errors.ts";
import { AtomicFile } from "./atomic-file.ts";
import { bitsOf, type Written } from "./parquet.ts";

/** A batch is closed at this many rows … */
const BATCH_ROWS = 1000;
/** … or this many items in its lists. */
const BATCH_ITEMS = 4 << 20;

type Column = { name: string; type: DataType; nullable: boolean };

/**
 * An Arrow IPC stream that rows are added to one by one, as HF `datasets` maps it into memory; it appears under its name
 * only when whole. Columns are text, numbers and lists of these. Same rows, same bytes. Memory: one batch of 1,000
 * rows or about 4 million items of lists.
 */
export class ArrowFile {
  readonly #file: AtomicFile;
  readonly #columns: readonly Column[];
  readonly #schema: Schema;
  readonly #writer = new RecordBatchStreamWriter();
  readonly #drained: Promise<void>;
  #batch: Record<string, unknown>[] = [];
  #items = 0;
  #rows = 0;

  constructor(path: string, schema: z.ZodObject) {
    this.#columns = Object.entries(schema.shape).map(([name, type]) => columnOf(name, type as z.ZodType));
    this.#schema = new Schema(this.#columns.map(({ name, type, nullable }) => new Field(name, type, nullable)));
    this.#file = new AtomicFile(path);
    this.#drained = this.#drain();
    this.#drained.catch(() => {});
    this.#writer.write(this.#record([]));
  }

  async write(row: Record<string, unknown>): Promise<void> {
    this.#batch.push(row);
    this.#rows++;
    for (const value of Object.values(row)) if (isList(value)) this.#items += value.length;
    if (this.#batch.length >= BATCH_ROWS || this.#items >= BATCH_ITEMS) await this.#close();
  }

  /** Gives the file its name. */
  async commit(): Promise<Written> {
    await this.#close();
    this.#writer.finish();
    await this.#drained;
    return { rows: this.#rows, ...this.#file.commit() };
  }

  /** Leaves nothing behind. */
  discard(): void {
    this.#writer.abort();
    this.#file.discard();
  }

  async #drain(): Promise<void> {
    for await (const bytes of this.#writer) this.#file.write(bytes);
  }

  async #close(): Promise<void> {
    if (this.#batch.length === 0) return;
    this.#writer.write(this.#record(this.#batch));
    this.#batch = [];
    this.#items = 0;
    // Lets the bytes go to the file before there are more.
    await new Promise(setImmediate);
  }

  #record(rows: readonly Record<string, unknown>[]): RecordBatch {
    const children = this.#columns.map((column) =>
      columnData(
        column,
        rows.map((row) => row[column.name]),
      ),
    );
    const type = new Struct(this.#schema.fields);
    return new RecordBatch(this.#schema, makeData({ type, length: rows.length, nullCount: 0, children }));
  }
}

function columnOf(name: string, type: z.ZodType, nullable = false): Column {
  const def = type.def as z.core.$ZodTypes["_zod"]["def"];
  switch (def.type) {
    case "nullable":
      return columnOf(name, def.innerType as z.ZodType, true);
    case "string":
    case "enum":
      return { name, type: new Utf8(), nullable };
    case "number":
      if (!(type as z.ZodNumber).isInt) return { name, type: new Float64(), nullable };
      return { name, type: bitsOf(type) === 8 ? new Int8() : new Int32(), nullable };
    case "array": {
      const item = columnOf("item", def.element as z.ZodType).type;
      return { name, type: new List(new Field("item", item, true)), nullable };
    }
    default:
      throw new TypeError(`column ${name}: a ${def.type} has no Arrow type here`);
  }
}

function columnData({ name, type }: Column, values: readonly unknown[]): Data {
  if (!(type instanceof List)) return flat(values, type);
  const lists = values.map((value) => {
    if (!isList(value)) throw new TypeError(`column ${name}: expected a list`);
    return value;
  });
  const valueOffsets = new Int32Array(lists.length + 1);
  for (const [at, list] of lists.entries()) valueOffsets[at + 1] = (valueOffsets[at] ?? 0) + list.length;
  const child = items(lists, type.children[0]?.type, valueOffsets[lists.length] ?? 0);
  return makeData({ type, length: lists.length, nullCount: 0, valueOffsets, child });
}

/** The items of lists one after the other; numbers are copied as they are, without a look at each. */
function items(lists: readonly ArrayLike<unknown>[], type: DataType, length: number): Data {
  if (type instanceof Utf8)
    return flat(
      lists.flatMap((list) => Array.from(list)),
      type,
    );
  const data = numbers(type, length);
  let place = 0;
  for (const list of lists) {
    data.set(list as ArrayLike<number>, place);
    place += list.length;
  }
  return makeData({ type: type as Int32, length, nullCount: 0, data: data as Int32Array });
}

function numbers(type: DataType, length: number): Float64Array | Int8Array | Int32Array {
  if (type instanceof Float64) return new Float64Array(length);
  return type instanceof Int8 ? new Int8Array(length) : new Int32Array(length);
}

function flat(values: readonly unknown[], type: DataType): Data {
  return vectorFromArray(values, type as Utf8).data[0] as Data;
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}

/** The rows of an Arrow IPC stream as plain values. Memory: one batch. Throws InputError if it is none. */
export async function* readArrow(path: string): AsyncGenerator<Record<string, unknown>> {
  try {
    const reader = await RecordBatchReader.from(createReadStream(path));
    for await (const batch of reader) {
      for (const row of batch) yield JSON.parse(JSON.stringify(row)) as Record<string, unknown>;
    }
  } catch (cause) {
    throw new InputError(`${path}: cannot be read as an Arrow stream: ${(cause as Error).message}`, { cause });
  }
}
