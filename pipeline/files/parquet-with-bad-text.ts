import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { asyncBufferFromFile, type Compressors, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { decompress } from "./zstd.ts";

const COMPRESSORS: Compressors = {
  ZSTD: (input) => decompress(input),
  GZIP: (input) => gunzipSync(input),
  BROTLI: (input) => brotliDecompressSync(input),
};

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Stands for a text whose bytes are no UTF-8; half of a surrogate pair, which no text of a file can be. */
const BAD_TEXT = "\ud800";

/** A row as plain JSON values, or `isBad`: some text in it is not UTF-8. */
export type RowOfBadText = { readonly value: unknown; readonly isBad: boolean };

/**
 * The rows of a Parquet file from one to another (counted from 0, `end` excluded), with the columns that are named. Slower
 * than the engine, which refuses a whole batch for one text that is not UTF-8: for files that have such rows.
 * Memory: one row group.
 */
export async function* rowsWithBadText(
  path: string,
  columns: readonly string[],
  first: number,
  end: number,
): AsyncGenerator<RowOfBadText> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  let start = 0;
  for (const { num_rows } of metadata.row_groups) {
    const [rowStart, rowEnd] = [Math.max(first, start), Math.min(end, start + Number(num_rows))];
    start += Number(num_rows);
    if (rowStart >= rowEnd) continue;
    const reading = { file, metadata, columns: [...columns], rowStart, rowEnd, compressors: COMPRESSORS };
    for (const row of await parquetReadObjects({ ...reading, parsers: { stringFromBytes } })) yield plainRow(row);
  }
}

function stringFromBytes(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  try {
    return utf8.decode(bytes);
  } catch {
    return BAD_TEXT;
  }
}

/** A row as the engine gives it as JSON: whole numbers of 64 bits as text where they would not be exact. */
function plainRow(row: object): RowOfBadText {
  let isBad = false;
  const json = JSON.stringify(row, (_, value: unknown) => {
    if (value === BAD_TEXT) isBad = true;
    if (typeof value !== "bigint") return value;
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  });
  return { value: JSON.parse(json), isBad };
}
