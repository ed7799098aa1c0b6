import type { z } from "zod";
import { InputError } from "../../pipeline/errors.ts";
import { describeParquet, parquet, queryWithin, rowGroups } from "../../pipeline/files/duckdb.ts";
import { parseLine, readLines } from "../../pipeline/files/jsonl.ts";
import type { Columns, Paths, RawConversation, Source, Unusable } from "../sources/source.ts";
import { type InputPart, isParquet, rowsOf, WHOLE } from "./pieces.ts";

/** A row that is not what its source's rows are, or larger than a row may be: where, what was found, what was expected. */
export type BadRow = {
  reason: "schema" | "too_large";
  file: string;
  row: number;
  source_id: string | null;
  field: string;
  found: string;
  expected: string;
};

/** What a raw row turned out to be. */
export type RawRow = { conversation: RawConversation | Unusable } | { bad: BadRow };

/** How the rows of a file are read. */
export interface RowReading {
  readonly columns: Columns;
  readonly paths: Paths;
  /** See `Source.convert`. */
  readonly roleMap?: Readonly<Record<string, string>>;
  /** See `Source.select`. */
  readonly unread?: string | null;
  /** Parquet: the part of the file that is read; all of it if absent. */
  readonly part?: InputPart;
  /** Most bytes of a row, as the line that it is or as JSON. */
  readonly maxRowBytes?: number;
}

/**
 * The rows of one raw file (Parquet, or JSONL plain, `.gz` or `.zst`), checked against the source's row schema.
 * `name` is the file as messages and rejections call it; rows count from 1 in the file. Memory: one batch; of a row that is
 * too large nothing.
 * Throws InputError if the file as a whole is not what it should be.
 */
export async function* readRows(
  path: string,
  name: string,
  source: Source,
  { columns, paths, roleMap = {}, unread = null, part = WHOLE, maxRowBytes = Number.MAX_SAFE_INTEGER }: RowReading,
  signal?: AbortSignal,
): AsyncGenerator<RawRow> {
  const schema = source.row(columns);
  const roles = Object.fromEntries(Object.entries(roleMap).map(([name, role]) => [name.toLowerCase(), role]));
  const bad = (row: number, value: unknown, fault: Pick<BadRow, "field" | "found" | "expected">): RawRow[] => {
    return [{ bad: { reason: "schema", file: name, row, source_id: idOf(value, source, columns), ...fault } }];
  };
  const tooLarge = (row: number, bytes: number): RawRow => {
    const [found, expected] = [`${bytes} bytes`, `at most ${maxRowBytes} (prepare.maxRowBytes)`];
    return { bad: { reason: "too_large", file: name, row, source_id: null, field: "", found, expected } };
  };
  const check = (row: number, value: unknown): RawRow[] => {
    try {
      const parsed = schema.safeParse(value);
      if (!parsed.success) return bad(row, value, fault(parsed.error, value, source.fields(columns).personal));
      const found = source.convertAll?.(parsed.data, paths) ?? [source.convert(parsed.data, columns, roles)];
      return found.map((conversation) => ({ conversation }));
    } catch (error) {
      // No stack is enough for what is nested without end.
      if (!(error instanceof RangeError)) throw error;
      return bad(row, value, { field: "", found: "brackets nested too deeply", expected: `a row of ${source.name}` });
    }
  };
  if (isParquet(path)) {
    const rows = parquetRows(path, name, source, { columns, unread, part, maxRowBytes }, signal);
    for await (const { row, value, bytes } of rows)
      if (bytes > maxRowBytes) yield tooLarge(row, bytes);
      else yield* check(row, value);
    return;
  }
  for await (const line of readLines(path, signal, maxRowBytes)) {
    if (line.tooLong !== undefined) {
      yield tooLarge(line.number, line.tooLong);
      continue;
    }
    let value: unknown;
    try {
      value = parseLine(line);
    } catch (error) {
      const found =
        error instanceof SyntaxError
          ? "no JSON"
          : error instanceof RangeError
            ? "brackets nested too deeply"
            : "bytes that are not UTF-8";
      yield {
        bad: {
          reason: "schema",
          file: name,
          row: line.number,
          source_id: null,
          field: "",
          found,
          expected: "one JSON object on the line",
        },
      };
      continue;
    }
    yield* check(line.number, value);
  }
}

/** The engine's name for the number of a row in its file, from 0. It reads only the row groups that have the wanted ones. */
const ROW_NUMBER = "file_row_number";

async function* parquetRows(
  path: string,
  name: string,
  source: Source,
  { columns, unread, part, maxRowBytes }: Required<Pick<RowReading, "columns" | "unread" | "part" | "maxRowBytes">>,
  signal?: AbortSignal,
): AsyncGenerator<{ row: number; value: unknown; bytes: number }> {
  const there = await describeParquet(path);
  const { needs, sql } = source.select(columns, unread);
  const missing = needs.filter((column) => !there.has(column));
  if (missing.length > 0) {
    throw new InputError(
      `${name}: no column ${missing.map((column) => `\`${column}\``).join(", ")}; found ${[...there.keys()].join(", ")}; expected the columns of ${source.name}: ${needs.join(", ")}`,
    );
  }
  let row = 0;
  let where = "";
  if (part.of > 1) {
    // A column of its own hides the engine's number of the row: such a file is read whole, as its first part.
    const own = [...there.keys()].some((column) => column.toLowerCase() === ROW_NUMBER);
    const groups = await rowGroups(path, name);
    const { first, end } = rowsOf(own ? [groups.reduce((sum, rows) => sum + rows, 0)] : groups, part);
    if (first === end) return;
    row = first;
    if (!own) where = ` WHERE ${ROW_NUMBER} BETWEEN ${first} AND ${end - 1}`;
  }
  try {
    for await (const found of queryWithin(`SELECT ${sql} FROM ${parquet(path)}${where}`, name, maxRowBytes, signal))
      yield { row: ++row, ...found };
  } catch (error) {
    if (error instanceof InputError && /Out of Memory Error/.test(error.message))
      throw new InputError(
        `${name}: after row ${row}: a row is so large that the engine cannot hold it; leave it out, or write the rows as JSON lines, where it is rejected by itself`,
        { cause: error },
      );
    if (!(error instanceof InputError) || !/Binder Error/.test(error.message)) throw error;
    const types = needs.map((column) => `${column} ${brief(there.get(column) ?? "")}`).join(", ");
    throw new InputError(`${name}: its columns are not of the types that ${source.name} has; found ${types}`, {
      cause: error,
    });
  }
}

function brief(type: string): string {
  return type.length > 60 ? `${type.slice(0, 59)}…` : type;
}

/** The first fault of a row: the field, and what stands there in at most 80 characters, or only its type where it tells who a user is. */
function fault(
  error: z.ZodError,
  value: unknown,
  personal: readonly string[],
): { field: string; found: string; expected: string } {
  const issue = error.issues[0];
  const path = issue?.path ?? [];
  const isPersonal = personal.includes(String(path[0]));
  const there = path.reduce<unknown>(
    (each, key) => (each as Record<PropertyKey, unknown> | null | undefined)?.[key],
    value,
  );
  const found = there === undefined ? "nothing" : isPersonal ? typeof there : JSON.stringify(there).slice(0, 80);
  return {
    field: path.join("."),
    found,
    expected: issue?.message.replace(/^Invalid input: expected /, "").replace(/, received .*$/, "") ?? "",
  };
}

/** The row's id if it can be read although the row cannot. */
function idOf(value: unknown, source: Source, columns: Columns): string | null {
  const key = source.fields(columns).id;
  const id =
    key !== null && value !== null && typeof value === "object" ? (value as Record<string, unknown>)[key] : null;
  return (typeof id === "string" && id !== "") || Number.isSafeInteger(id) ? String(id) : null;
}
