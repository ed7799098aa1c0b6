import { readCsv } from "./csv.ts";
import { placeOfValues, readValues } from "./json-values.ts";
import { type Line, parseLine, readLines } from "./jsonl.ts";
import type { TextRow } from "./text-row.ts";

/** The names of files that rows can be read from. */
export const READABLE = /\.(parquet|(jsonl|ndjson|json|csv|tsv)(\.gz|\.zst)?)$/i;

/** How the rows of a text file are read. */
export interface TextReading {
  /** Whether a value is a row of the source: an object whose list has such values is taken for that list. */
  readonly isRow?: ((value: unknown) => boolean) | undefined;
  /** Most bytes of a row; of a larger one the size alone is told. Default: any number. */
  readonly most?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The rows of a file that is not Parquet, by its name: CSV and TSV, JSON (a list, an object with a list whose values are rows
 * by `isRow`, or lines), everything else JSON lines. Memory: one row of at most `most` bytes. Throws InputError if the file
 * as a whole is not what its name says.
 */
export async function* readTextRows(path: string, reading: TextReading = {}): AsyncGenerator<TextRow> {
  const { isRow, most = Number.POSITIVE_INFINITY, signal } = reading;
  if (/\.[ct]sv(\.gz|\.zst)?$/i.test(path)) return yield* readCsv(path, most, signal);
  const place = /\.json(\.gz|\.zst)?$/i.test(path) ? await placeOfValues(path, isRow) : null;
  if (place) return yield* readValues(path, place, most, signal);
  for await (const line of readLines(path, signal, most)) yield rowOf(line);
}

function rowOf(line: Line): TextRow {
  if (line.tooLong !== undefined) return { row: line.number, tooLarge: line.tooLong };
  try {
    return { row: line.number, value: parseLine(line) };
  } catch (error) {
    return { row: line.number, found: whatIsWrong(error), expected: "one JSON object on the line" };
  }
}

function whatIsWrong(error: unknown): string {
  if (error instanceof SyntaxError) return "no JSON";
  // No stack is enough for what is nested without end.
  return error instanceof RangeError ? "brackets nested too deeply" : "bytes that are not UTF-8";
}
