import { ByteWriter, type ColumnSource, ParquetWriter } from "hyparquet-writer";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { AtomicFile, writeThrough } from "./atomic-file.ts";
import { execute, identifier, newFile, parquet, query, quote } from "./duckdb.ts";
import { compress } from "./zstd.ts";

/** Row groups are closed at this many bytes of text, far below the 64 MB that viewers and small machines can hold. */
const ROW_GROUP_BYTES = 16 << 20;
/** … or at this many rows. */
const ROW_GROUP_ROWS = 20_000;

type RowSchema = z.ZodObject;
type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]["schema"][number];

/** What a Parquet file of an artefact looks like, derived from its zod schema: text, integers, booleans, lists, structs. */
function parquetSchema(schema: RowSchema): SchemaElement[] {
  const fields = Object.entries(schema.shape);
  return [
    { name: "root", num_children: fields.length },
    ...fields.flatMap(([name, type]) => elements(name, type as z.ZodType)),
  ];
}

function elements(
  name: string,
  type: z.ZodType,
  repetition_type: "REQUIRED" | "OPTIONAL" = "REQUIRED",
): SchemaElement[] {
  const def = type.def as z.core.$ZodTypes["_zod"]["def"];
  switch (def.type) {
    case "nullable":
      return elements(name, def.innerType as z.ZodType, "OPTIONAL");
    case "string":
    case "enum":
      return [{ name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type }];
    case "boolean":
      return [{ name, type: "BOOLEAN", repetition_type }];
    case "number":
      if (!(type as z.ZodNumber).isInt) return [{ name, type: "DOUBLE", repetition_type }];
      return [{ name, type: "INT32", ...(bitsOf(type) === 8 && { converted_type: "INT_8" }), repetition_type }];
    case "array":
      return [
        { name, repetition_type, num_children: 1, converted_type: "LIST" },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        ...elements("element", def.element as z.ZodType),
      ];
    case "object": {
      const fields = Object.entries(def.shape);
      return [
        { name, repetition_type, num_children: fields.length },
        ...fields.flatMap(([key, each]) => elements(key, each as z.ZodType)),
      ];
    }
    default:
      throw new TypeError(`column ${name}: a ${def.type} has no Parquet type here`);
  }
}

/** How wide an integer column is: 32 bits, unless its schema's `meta({ bits: 8 })` says less. */
export function bitsOf(type: z.ZodType): number {
  return (type.meta()?.["bits"] as number | undefined) ?? 32;
}

/** About how many bytes of memory a value holds as text; what row groups are measured by. */
function weigh(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (value === null || typeof value !== "object") return 4;
  if (ArrayBuffer.isView(value)) return 4 * (value as Int32Array).length;
  let bytes = 0;
  for (const each of Object.values(value)) bytes += weigh(each);
  return bytes;
}

/** Hands hyparquet-writer's bytes to the file after each row group, so that memory holds one group. */
export class FileWriter extends ByteWriter {
  readonly #file: AtomicFile;

  constructor(file: AtomicFile) {
    super(1 << 20);
    this.#file = file;
  }

  flush(): void {
    this.#file.write(this.getBytes());
    this.index = 0;
  }

  override finish(): void {
    this.flush();
  }
}

/**
 * A zstd Parquet file that rows are added to one by one, with a page index for every column of more than one page; it
 * appears under its name only when whole. Same rows, same bytes. Memory: one row group of about 16 MB of text.
 */
export class ParquetFile {
  readonly #file: AtomicFile;
  readonly #writer: ParquetWriter;
  readonly #names: readonly string[];
  #group: object[] = [];
  #weight = 0;
  #rows = 0;

  /** `level` of zstd: 3 for what is published, 1 for what only later stages read. */
  constructor(path: string, schema: RowSchema, level: 1 | 3 = 3) {
    this.#names = Object.keys(schema.shape);
    this.#file = new AtomicFile(path);
    this.#writer = new ParquetWriter({
      writer: new FileWriter(this.#file),
      schema: parquetSchema(schema),
      codec: "ZSTD",
      compressors: { ZSTD: (bytes) => compress(bytes, level) },
      createdBy: "flipturn",
    });
  }

  async write(row: object): Promise<void> {
    this.#group.push(row);
    this.#weight += weigh(row);
    this.#rows++;
    if (this.#weight >= ROW_GROUP_BYTES || this.#group.length >= ROW_GROUP_ROWS) await this.#close();
  }

  /** Gives the file its name. */
  async commit(): Promise<Written> {
    await this.#close();
    await this.#writer.finish();
    return { rows: this.#rows, ...this.#file.commit() };
  }

  /** Leaves nothing behind. */
  discard(): void {
    this.#file.discard();
  }

  async #close(): Promise<void> {
    const group = this.#group;
    if (group.length === 0) return;
    const columnData = this.#names.map((name): ColumnSource => {
      const data = group.map((row) => plain((row as Record<string, unknown>)[name]));
      return { name, data, columnIndex: true, offsetIndex: true };
    });
    await this.#writer.write({ columnData, rowGroupSize: group.length });
    this.#group = [];
    this.#weight = 0;
  }
}

/** hyparquet-writer takes lists as plain arrays alone. */
function plain(value: unknown): unknown {
  return ArrayBuffer.isView(value) ? Array.from(value as Int32Array) : value;
}

/** What became of a finished file. */
export type Written = { rows: number; bytes: number; sha256: string };

/** Writes rows as one `ParquetFile` that only later stages read. */
export async function writeParquet<T extends object>(
  path: string,
  schema: RowSchema,
  rows: Iterable<T> | AsyncIterable<T>,
): Promise<Written> {
  const file = new ParquetFile(path, schema, 1);
  try {
    for await (const row of rows) await file.write(row);
    return await file.commit();
  } catch (error) {
    file.discard();
    throw error;
  }
}

/** The type that a column of an artefact has in the engine. */
function engineType(type: z.ZodType): string {
  const def = type.def as z.core.$ZodTypes["_zod"]["def"];
  switch (def.type) {
    case "nullable":
      return engineType(def.innerType as z.ZodType);
    case "string":
    case "enum":
      return "VARCHAR";
    case "boolean":
      return "BOOLEAN";
    case "number":
      if (!(type as z.ZodNumber).isInt) return "DOUBLE";
      return bitsOf(type) === 8 ? "TINYINT" : "INTEGER";
    case "array":
      return `${engineType(def.element as z.ZodType)}[]`;
    case "object": {
      const fields = Object.entries(def.shape).map(
        ([name, each]) => `${identifier(name)} ${engineType(each as z.ZodType)}`,
      );
      return `STRUCT(${fields.join(", ")})`;
    }
    default:
      throw new TypeError(`a ${def.type} has no type in the engine here`);
  }
}

/** True for a column that may be null. */
function isNullable(type: z.ZodType): boolean {
  return (type.def as z.core.$ZodTypes["_zod"]["def"]).type === "nullable";
}

/**
 * Writes the rows of a query as one Parquet file that only later stages read, in the order of the query: the engine moves
 * them. Columns get the names and types of the schema. Memory: the engine's row group.
 * Throws InputError if the query lacks a column or has null where the schema has none.
 */
export async function copyParquet(
  path: string,
  schema: RowSchema,
  sql: string,
  signal?: AbortSignal,
): Promise<Written> {
  const columns = Object.entries(schema.shape).map(([name, type]) => {
    const value = `CAST(q.${identifier(name)} AS ${engineType(type as z.ZodType)})`;
    const missing = quote(`${name}: null where a value is expected`);
    return `${isNullable(type as z.ZodType) ? value : `coalesce(${value}, error(${missing}))`} AS ${identifier(name)}`;
  });
  const written = await writeThrough(path, (temporary) =>
    execute(
      `COPY (SELECT ${columns.join(", ")} FROM (${sql}) q) TO ${newFile(temporary)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)`,
      path,
      signal,
    ),
  );
  return { rows: await rowsIn(path), ...written };
}

async function rowsIn(path: string): Promise<number> {
  for await (const row of query(`SELECT count(*)::DOUBLE AS rows FROM ${parquet(path)}`, path))
    return (row as { rows: number }).rows;
  return 0;
}

/**
 * The rows of Parquet files of one artefact, each checked against the schema. `schema` may be a `pick` of the
 * artefact's: only its columns are read.
 * Memory: the engine's row group and 2,048 rows. Throws InputError that names the file.
 */
export async function* readParquet<T extends z.ZodObject>(
  paths: string | readonly string[],
  schema: T,
  options: { signal?: AbortSignal } = {},
): AsyncGenerator<z.infer<T>> {
  const list = [paths].flat();
  const columns = Object.keys(schema.shape).map(identifier).join(", ");
  const place = list.length === 1 ? String(list[0]) : `${list[0]} and ${list.length - 1} more`;
  const advice = "if nobody has changed it, `flipturn run --verify` with the settings of its run makes it again";
  try {
    for await (const row of query(`SELECT ${columns} FROM ${parquet(list)}`, place, options.signal)) {
      const parsed = schema.safeParse(row);
      if (!parsed.success) throw new InputError(`${place}: ${z.prettifyError(parsed.error)}`);
      yield parsed.data;
    }
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`${error.message}; ${advice}`, { cause: error });
  }
}
