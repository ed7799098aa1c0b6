import type { DuckDBConnection, DuckDBInstance, DuckDBResult, DuckDBVector } from "@duckdb/node-api";
import { InputError } from "../errors.ts";

let engine: Promise<DuckDBInstance> | undefined;

/** One in-memory engine a thread, itself on one thread, so that rows come in the order of the file. */
function instance(): Promise<DuckDBInstance> {
  engine ??= startEngine();
  return engine;
}

/** Loads the engine too, which takes a third of the start of a command that asks it nothing. */
async function startEngine(): Promise<DuckDBInstance> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  return DuckDBInstance.create(":memory:", {
    threads: "1",
    memory_limit: "1GB",
    // What a query leaves goes back to the system: the default keeps up to 512 MB of it.
    allocator_bulk_deallocation_flush_threshold: "1MB",
    // Nothing is spilled into the current folder, and nothing is fetched from anywhere.
    temp_directory: "",
    autoinstall_known_extensions: "false",
    // It takes a file for the one it knows if the second of its last change is the same, so that one that a run has
    // just replaced would be read in parts of the old and parts of the new.
    enable_external_file_cache: "false",
  });
}

/** A connection of its own for every query: a second query on one would end the rows of the first. */
async function connect(): Promise<DuckDBConnection> {
  const connection = await (await instance()).connect();
  await connection.run("SET TimeZone = 'UTC'");
  return connection;
}

/** A text as an SQL literal. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A path as an SQL literal that stands for this one file: `[`, `*` and `?` in it are taken by the letter, and a `~` or `file:` at its start too. */
function fileLiteral(path: string): string {
  return quote(byTheLetter(path).replaceAll(/[[*?]/g, (mark) => `[${mark}]`));
}

/** A path as an SQL literal for a file that the engine writes. */
export function newFile(path: string): string {
  return quote(byTheLetter(path));
}

function byTheLetter(path: string): string {
  return /^(~|[\w.+-]+:)/.test(path) ? `./${path}` : path;
}

/**
 * Parquet files with the same columns, one after the other, as SQL. A folder called `key=value` on the way to a file is a
 * name and no column. Older writers store text as plain bytes: those are read as the text that they are.
 */
export function parquet(paths: string | readonly string[]): string {
  const list = [paths].flat().map(fileLiteral).join(", ");
  return `read_parquet([${list}], hive_partitioning = false, binary_as_string = true)`;
}

/** Files of JSON lines as SQL: the columns that are named, by their types. */
export function jsonLines(paths: string | readonly string[], columns: Readonly<Record<string, string>>): string {
  const list = [paths].flat().map(fileLiteral).join(", ");
  const types = Object.entries(columns).map(([name, type]) => `${identifier(name)}: ${quote(type)}`);
  return `read_ndjson([${list}], columns = {${types.join(", ")}}, hive_partitioning = false)`;
}

/** A name as an SQL identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * The rows of a query as plain JSON values, 2,048 at a time, in the order of the query.
 * Memory: the engine's row group and one batch. `place` names the file or files in the message if the engine refuses them.
 */
export function query(sql: string, place: string, signal?: AbortSignal): AsyncGenerator<unknown> {
  const read: ReadRow<unknown> = ([rows], at) => JSON.parse(rows?.getItem(at) as string);
  return rowsOf(`SELECT to_json(q)::VARCHAR FROM (${sql}) q`, read, place, signal);
}

/** A row of a query, or, where it is larger than was allowed, its size alone. */
type SizedRow = { readonly value: unknown; readonly bytes: number };

/** The same with the size of each row as JSON; a row of more than `most` bytes has null as its value, and never leaves the engine. */
export function queryWithin(sql: string, place: string, most: number, signal?: AbortSignal): AsyncGenerator<SizedRow> {
  const sized = `SELECT json, strlen(json) AS bytes FROM (SELECT to_json(q)::VARCHAR AS json FROM (${sql}) q)`;
  const within = `SELECT CASE WHEN bytes <= ${most} THEN json END, bytes::DOUBLE FROM (${sized})`;
  const read: ReadRow<SizedRow> = ([rows, sizes], at) => {
    const json = rows?.getItem(at) as string | null;
    return { value: json === null ? null : JSON.parse(json), bytes: sizes?.getItem(at) as number };
  };
  return rowsOf(within, read, place, signal);
}

/** Makes a row of the columns of a batch, at its place there. */
type ReadRow<T> = (columns: readonly DuckDBVector[], at: number) => T;

async function* rowsOf<T>(sql: string, read: ReadRow<T>, place: string, signal?: AbortSignal): AsyncGenerator<T> {
  const connection = await connect();
  let left: DuckDBResult | null = null;
  try {
    const result = await connection.stream(sql);
    left = result;
    for (;;) {
      signal?.throwIfAborted();
      const chunk = await result.fetchChunk();
      if (!chunk || chunk.rowCount === 0) {
        left = null;
        return;
      }
      // One text at a time: 2,048 of them at once outlive the young generation and pile up in the old one.
      const columns = Array.from({ length: chunk.columnCount }, (_, column) => chunk.getColumnVector(column));
      for (let at = 0; at < chunk.rowCount; at++) yield read(columns, at);
    }
  } catch (error) {
    if (signal?.aborted || !(error instanceof Error) || !/Error: /.test(error.message)) throw error;
    throw new InputError(`${place}: cannot be read: ${error.message.split("\n")[0]}`, { cause: error });
  } finally {
    // What nobody reads to its end would hold its files open until it is collected.
    if (left) await end(connection, left);
    connection.closeSync();
  }
}

async function end(connection: DuckDBConnection, result: DuckDBResult): Promise<void> {
  connection.interrupt();
  await result.fetchChunk().catch(() => null);
}

/** Runs a statement that gives no rows, such as COPY. `place` names the file in the message if the engine refuses it. */
export async function execute(sql: string, place: string, signal?: AbortSignal): Promise<void> {
  const connection = await connect();
  const stop = () => connection.interrupt();
  signal?.throwIfAborted();
  signal?.addEventListener("abort", stop);
  try {
    await connection.run(sql);
  } catch (error) {
    signal?.throwIfAborted();
    throw new InputError(`${place}: ${(error as Error).message.split("\n")[0]}`, { cause: error });
  } finally {
    signal?.removeEventListener("abort", stop);
    connection.closeSync();
  }
}

/** The columns of a Parquet file: name -> DuckDB type. Throws InputError if it is not a Parquet file. */
export async function describeParquet(path: string): Promise<Map<string, string>> {
  const columns = new Map<string, string>();
  const sql = `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${parquet(path)})`;
  for await (const row of query(sql, path)) {
    const { column_name, column_type } = row as { column_name: string; column_type: string };
    columns.set(column_name, column_type);
  }
  return columns;
}

/** Rows of each row group of a Parquet file, in order. `place` names the file in messages. */
export async function rowGroups(path: string, place: string): Promise<number[]> {
  const sql = `SELECT any_value(row_group_num_rows)::DOUBLE AS rows FROM parquet_metadata(${fileLiteral(path)})
    GROUP BY row_group_id ORDER BY row_group_id`;
  const groups: number[] = [];
  for await (const row of query(sql, place)) groups.push((row as { rows: number }).rows);
  return groups;
}
