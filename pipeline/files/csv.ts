import { Readable } from "node:stream";
import { CsvError, type Info, parse } from "csv-parse";
import { InputError } from "../errors.ts";
import type { TextRow } from "./text-row.ts";
import { readText } from "./text-stream.ts";

/** Bytes that are read of a row: one quote that is never closed would take the rest of the file for a row. */
const MOST = 64 << 20;

/**
 * The rows of a file of values with a delimiter (comma, semicolon, tab or bar: the one that its first line has most of), as
 * objects by the names in the first line. All values are text. A row's number is that of the line on which it ends.
 * Of a row of more than `most` bytes its size alone is told. Memory: one row of 64 MB. Throws InputError if quotes are not as
 * they must be, or a row has more than that.
 */
export async function* readCsv(path: string, most: number, signal?: AbortSignal): AsyncGenerator<TextRow> {
  let number = 0;
  const text = readText(path, () => `after line ${number}: `, signal);
  const first = await text.next();
  if (first.done) return;
  const settings = {
    delimiter: delimiterOf(first.value.toString()),
    ...{ bom: true, info: true, max_record_size: MOST },
    ...{ relax_column_count: true, relax_quotes: true, skip_empty_lines: true },
  };
  const rows = Readable.from(withFirst(first.value, text)).compose(parse(settings));
  let names: string[] | undefined;
  try {
    for await (const { record, info } of rows as AsyncIterable<{ record: string[]; info: Info }>) {
      number = info.lines;
      if (names === undefined) names = requireNames(record, path);
      else yield rowOf(record, names, number, most);
    }
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new InputError(`${path}: after line ${number}: cannot be read as CSV: ${cause.message}`, { cause });
  }
}

async function* withFirst(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

/** The delimiter that the first line has most of, outside of quotes. */
function delimiterOf(head: string): string {
  const line = head.replaceAll(/"[^"]*"/g, "").split(/\r?\n/, 1)[0] ?? "";
  const times = (mark: string) => line.split(mark).length;
  return [",", ";", "\t", "|"].reduce((best, mark) => (times(mark) > times(best) ? mark : best));
}

function requireNames(record: readonly string[], path: string): string[] {
  const names = record.map((name) => name.trim());
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined)
    throw new InputError(
      `${path}: its first line names the column \`${twice}\` twice; expected the names of the columns, each once`,
    );
  return names;
}

function rowOf(record: readonly string[], names: readonly string[], row: number, most: number): TextRow {
  const bytes = record.reduce((sum, value) => sum + Buffer.byteLength(value), 0);
  if (bytes > most) return { row, tooLarge: bytes };
  if (record.length !== names.length)
    return { row, found: `${record.length} values`, expected: `${names.length} values, as the first line has names` };
  return { row, value: Object.fromEntries(names.map((name, at) => [name, record[at]])) };
}
