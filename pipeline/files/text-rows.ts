import { readCsv } from "./csv.ts";
import { placeOfValues, readValues } from "./json-values.ts";
import { parseLine, readLines } from "./jsonl.ts";
import type { TextRow } from "./text-row.ts";

/** The names of files that rows can be read from. */
export const READABLE = /\.(parquet|(jsonl|ndjson|json|csv|tsv)(\.gz|\.zst)?)$/i;

/**
 * The rows of a file that is not Parquet, by its name: CSV and TSV, JSON (a list, an object with a list whose values are rows
 * by `isRow`, or lines), everything else JSON lines. Memory: one row. Throws InputError if the file as a whole is not what
 * its name says.
 */
export async function* readTextRows(
  path: string,
  isRow?: (value: unknown) => boolean,
  signal?: AbortSignal,
): AsyncGenerator<TextRow> {
  if (/\.[ct]sv(\.gz|\.zst)?$/i.test(path)) return yield* readCsv(path, signal);
  const place = /\.json(\.gz|\.zst)?$/i.test(path) ? await placeOfValues(path, isRow) : null;
  if (place) return yield* readValues(path, place, signal);
  for await (const line of readLines(path, signal)) {
    try {
      yield { row: line.number, value: parseLine(line) };
    } catch (error) {
      yield { row: line.number, found: whatIsWrong(error), expected: "one JSON object on the line" };
    }
  }
}

function whatIsWrong(error: unknown): string {
  if (error instanceof SyntaxError) return "no JSON";
  // No stack is enough for what is nested without end.
  return error instanceof RangeError ? "brackets nested too deeply" : "bytes that are not UTF-8";
}
