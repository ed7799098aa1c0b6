import { createReadStream } from "node:fs";
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { InputError } from "../errors.ts";
import { Unzstd } from "./unzstd.ts";

/** One line of a file: its number from 1 and its bytes without the newline. */
export type Line = { number: number; bytes: Buffer };

function open(path: string): Readable {
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  if (!/\.(gz|zst)$/.test(path)) return file;
  const plain = path.endsWith(".gz") ? createGunzip() : new Unzstd();
  // pipeline hands an error of the file on to the reader of `plain`, who throws it.
  return pipeline(file, plain, () => {});
}

/**
 * The lines of a text file (`.gz` and `.zst` are decompressed), split at "\n" only: U+2028, U+2029 and a lone CR are text.
 * Blank lines, of spaces and tabs at most, are passed over. Memory: one chunk and the longest line.
 * Throws InputError if the file cannot be decompressed.
 */
export async function* readLines(path: string, signal?: AbortSignal): AsyncGenerator<Line> {
  let number = 0;
  let rest: Buffer[] = [];
  const finish = (tail: Buffer): Line | null => {
    number++;
    const whole = rest.length > 0 ? Buffer.concat([...rest, tail]) : tail;
    rest = [];
    const bytes = whole.at(-1) === 13 ? whole.subarray(0, -1) : whole;
    return isBlank(bytes) ? null : { number, bytes };
  };
  try {
    for await (const chunk of open(path) as AsyncIterable<Buffer>) {
      signal?.throwIfAborted();
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
        const line = finish(chunk.subarray(start, end));
        if (line) yield line;
        start = end + 1;
      }
      if (start < chunk.length) rest.push(chunk.subarray(start));
    }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const system = typeof code === "string" && code.startsWith("E");
    if (signal?.aborted || system || !/\.(gz|zst)$/.test(path)) throw cause;
    const kind = path.endsWith(".gz") ? "gzip" : "zstd";
    throw new InputError(
      `${path}: after line ${number}: cannot be read as ${kind} data: ${(cause as Error).message}; if it is not what was sent, fetch the file again`,
      { cause },
    );
  }
  if (rest.length > 0) {
    const line = finish(Buffer.alloc(0));
    if (line) yield line;
  }
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 32 || byte === 9);
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** A line as JSON. Throws a SyntaxError or, for bytes that are not UTF-8, a TypeError. */
export function parseLine(line: Line): unknown {
  return JSON.parse(utf8.decode(line.bytes));
}
