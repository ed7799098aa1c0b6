import type { z } from "zod";
import { describeParquet, parquet, query } from "../../pipeline/duckdb.ts";
import { InputError } from "../../pipeline/errors.ts";
import { parseLine, readLines } from "../../pipeline/jsonl.ts";
import type { Columns, Paths, RawConversation, Source, Unusable } from "./source.ts";

/** A row that is not what its source's rows are: where, what was found, what was expected. */
export type BadRow = {
  file: string;
  row: number;
  source_id: string | null;
  field: string;
  found: string;
  expected: string;
};

/** What a raw row turned out to be. */
export type Found = { conversation: RawConversation | Unusable } | { bad: BadRow };

/**
 * The rows of one raw file (Parquet, or JSONL plain, `.gz` or `.zst`), checked against the source's row schema.
 * `name` is the file as messages and rejections call it; rows count from 1. `unread`: see `Source.select`. Memory: one batch.
 * Throws InputError if the file as a whole is not what it should be.
 */
export async function* readRows(
  path: string,
  name: string,
  source: Source,
  { columns, paths, unread = null }: { columns: Columns; paths: Paths; unread?: string | null },
  signal?: AbortSignal,
): AsyncGenerator<Found> {
  const schema = source.row(columns);
  const check = (row: number, value: unknown): Found[] => {
    const parsed = schema.safeParse(value);
    if (parsed.success) {
      const found = source.convertAll?.(parsed.data, paths) ?? [source.convert(parsed.data, columns)];
      return found.map((conversation) => ({ conversation }));
    }
    return [
      {
        bad: {
          file: name,
          row,
          source_id: idOf(value, source, columns),
          ...fault(parsed.error, value, source.fields(columns).personal),
        },
      },
    ];
  };
  if (/\.parquet$/i.test(path)) {
    let row = 0;
    for await (const value of parquetRows(path, name, source, { columns, unread }, signal)) yield* check(++row, value);
    return;
  }
  for await (const line of readLines(path, signal)) {
    let value: unknown;
    try {
      value = parseLine(line);
    } catch (error) {
      const found = error instanceof SyntaxError ? "no JSON" : "bytes that are not UTF-8";
      yield {
        bad: {
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

async function* parquetRows(
  path: string,
  name: string,
  source: Source,
  { columns, unread }: { columns: Columns; unread: string | null },
  signal?: AbortSignal,
): AsyncGenerator<unknown> {
  const there = await describeParquet(path);
  const { needs, sql } = source.select(columns, unread);
  const missing = needs.filter((column) => !there.has(column));
  if (missing.length > 0) {
    throw new InputError(
      `${name}: no column ${missing.map((column) => `\`${column}\``).join(", ")}; found ${[...there.keys()].join(", ")}; expected the columns of ${source.name}: ${needs.join(", ")}`,
    );
  }
  try {
    yield* query(`SELECT ${sql} FROM ${parquet(path)}`, name, signal);
  } catch (error) {
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
