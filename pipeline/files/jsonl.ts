import { readText } from "./text-stream.ts";

/** One line of a file: its number from 1 and its bytes without the newline. */
export type Line = { number: number; bytes: Buffer };

/**
 * The lines of a text file, as `readText` reads it, split at "\n" only: U+2028, U+2029 and a lone CR are text.
 * Blank lines, of spaces and tabs at most, are passed over. Memory: one chunk and the longest line.
 * Throws InputError if the file cannot be decompressed or decoded.
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
  for await (const chunk of readText(path, () => `after line ${number}: `, signal)) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const line = finish(chunk.subarray(start, end));
      if (line) yield line;
      start = end + 1;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
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
