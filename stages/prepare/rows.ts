import type { z } from "zod";
import { InputError } from "../../pipeline/errors.ts";
import { describeParquet, parquet, queryWithin, rowGroups } from "../../pipeline/files/duckdb.ts";
import { rowsWithBadText } from "../../pipeline/files/parquet-with-bad-text.ts";
import type { TextRow } from "../../pipeline/files/text-row.ts";
import { readTextRows } from "../../pipeline/files/text-rows.ts";
import type { Paths, RawConversation, Source, Unusable } from "../sources/source.ts";
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
  readonly paths: Paths;
  /** See `Source.select`. */
  readonly unread?: string | null;
  /** Parquet: the part of the file that is read; all of it if absent. */
  readonly part?: InputPart;
  /** Most bytes of a row, as the line that it is or as JSON. */
  readonly maxRowBytes?: number;
}

/**
 * The rows of one raw file (Parquet, or text: JSON lines, JSON, CSV), checked against the source's row schema. `name` is the
 * file as messages and rejections call it; rows count from 1 in the file. Memory: one batch; of a row that is too large
 * nothing.
 * Throws InputError if the file as a whole is not what it should be.
 */
export async function* readRows(
  path: string,
  name: string,
  source: Source,
  reading: RowReading,
  signal?: AbortSignal,
): AsyncGenerator<RawRow> {
  const schema = source.row();
  const { id, personal } = source.fields();
  const check = (row: number, value: unknown): RawRow[] => {
    let looked = value;
    const bad = (fault: Fault): RawRow[] => [
      { bad: { reason: "schema", file: name, row, source_id: idIn(looked, id), ...fault } },
    ];
    try {
      looked = source.project?.(value) ?? value;
      const parsed = schema.safeParse(looked);
      if (!parsed.success) return bad(faultOf(parsed.error, looked, personal));
      const found = source.convertAll?.(parsed.data, reading.paths) ?? [source.convert(parsed.data)];
      return found.map((conversation) => ({ conversation }));
    } catch (error) {
      // No stack is enough for what is nested without end.
      if (!(error instanceof RangeError)) throw error;
      return bad({ field: "", found: "brackets nested too deeply", expected: `a row of ${source.name}` });
    }
  };
  const { maxRowBytes: most = Number.MAX_SAFE_INTEGER } = reading;
  const rows = isParquet(path)
    ? parquetRows(path, name, source, { ...reading, maxRowBytes: most }, signal)
    : readTextRows(path, { isRow: source.isRow, most, signal });
  for await (const each of rows) {
    if ("value" in each) yield* check(each.row, each.value);
    else yield { bad: badRow(name, each, most, (value) => idIn(source.project?.(value) ?? value, id)) };
  }
}

/** What is wrong with a row. */
type Fault = Pick<BadRow, "field" | "found" | "expected">;

/** A row that is none, or larger than a row may be. */
function badRow(
  file: string,
  each: Exclude<TextRow, { value: unknown }>,
  most: number,
  idOf: (value: unknown) => string | null,
): BadRow {
  const common = { file, row: each.row, source_id: null, field: "" };
  if (!("tooLarge" in each)) {
    const { found, expected, legible } = each;
    return { ...common, reason: "schema", source_id: idOf(legible), found, expected };
  }
  const [found, expected] = [`${each.tooLarge} bytes`, `at most ${most} (prepare.maxRowBytes)`];
  return { ...common, reason: "too_large", found, expected };
}

/** The engine's name for the number of a row in its file, from 0. It reads only the row groups that have the wanted ones. */
const ROW_NUMBER = "file_row_number";

async function* parquetRows(
  path: string,
  name: string,
  source: Source,
  { unread = null, part = WHOLE, maxRowBytes }: RowReading & { readonly maxRowBytes: number },
  signal?: AbortSignal,
): AsyncGenerator<TextRow> {
  const there = await describeParquet(path);
  const { needs, sql } = source.select(unread, (column) => there.has(column));
  const missing = needs.filter((column) => !there.has(column));
  if (missing.length > 0) {
    throw new InputError(
      `${name}: no column ${missing.map((column) => `\`${column}\``).join(", ")}; found ${[...there.keys()].join(", ")}; expected the columns of ${source.name}: ${needs.join(", ")}`,
    );
  }
  let row = 0;
  let last = Number.POSITIVE_INFINITY;
  let where = "";
  if (part.of > 1) {
    // A column of its own hides the engine's number of the row: such a file is read whole, as its first part.
    const own = [...there.keys()].some((column) => column.toLowerCase() === ROW_NUMBER);
    const groups = await rowGroups(path, name);
    const { first, end } = rowsOf(own ? [groups.reduce((sum, rows) => sum + rows, 0)] : groups, part);
    if (first === end) return;
    [row, last] = [first, end];
    if (!own) where = ` WHERE ${ROW_NUMBER} BETWEEN ${first} AND ${end - 1}`;
  }
  try {
    const rows = queryWithin(`SELECT ${sql} FROM ${parquet(path)}${where}`, name, maxRowBytes, signal);
    for await (const { value, bytes } of rows)
      yield bytes > maxRowBytes ? { row: ++row, tooLarge: bytes } : { row: ++row, value };
  } catch (error) {
    if (error instanceof InputError && /Invalid string encoding/.test(error.message))
      return yield* afterBadText(error, rowsWithBadText(path, needs, row, last), row, maxRowBytes);
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

/** The rows from the first of a batch on that the engine refused for one of them. */
async function* afterBadText(
  refusal: InputError,
  rows: ReturnType<typeof rowsWithBadText>,
  before: number,
  most: number,
): AsyncGenerator<TextRow> {
  let row = before;
  try {
    for await (const { value, isBad } of rows) {
      const bytes = Buffer.byteLength(JSON.stringify(value));
      if (bytes > most) yield { row: ++row, tooLarge: bytes };
      else if (isBad) yield { row: ++row, found: "bytes that are not UTF-8", expected: "text", legible: value };
      else yield { row: ++row, value };
    }
  } catch (cause) {
    throw new InputError(`${refusal.message}; it is in row ${row + 1} or one of those after it`, { cause });
  }
}

function brief(type: string): string {
  return type.length > 60 ? `${type.slice(0, 59)}…` : type;
}

/** The first fault of a row: the field, and what stands there in at most 80 characters, or only its type where it tells who a user is. */
function faultOf(error: z.ZodError, value: unknown, personal: readonly string[]): Fault {
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
function idIn(value: unknown, field: string | null): string | null {
  const id =
    field !== null && value !== null && typeof value === "object" ? (value as Record<string, unknown>)[field] : null;
  return (typeof id === "string" && id !== "") || Number.isSafeInteger(id) ? String(id) : null;
}
