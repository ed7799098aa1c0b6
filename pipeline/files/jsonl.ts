import { readText } from "./text-stream.ts";

/**
 * One line of a file: its number from 1 and its bytes without the newline. `tooLong`: it has so many bytes, more than were
 * allowed, and none of them is held.
 */
export type Line = { number: number; bytes: Buffer; tooLong?: number };

const NOTHING = Buffer.alloc(0);

/** The line that is under way. Memory: at most `most` bytes of it. */
class Collected {
  readonly #most: number;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #number = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  /** Lines that are finished. */
  get number(): number {
    return this.#number;
  }

  add(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#bytes <= this.#most) this.#pieces.push(piece);
    else this.#pieces = [];
  }

  /** The line, and nothing from then on; null = it is blank. */
  finish(): Line | null {
    const [pieces, length, number] = [this.#pieces, this.#bytes, ++this.#number];
    [this.#pieces, this.#bytes] = [[], 0];
    if (length > this.#most) return { number, bytes: NOTHING, tooLong: length };
    const whole = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
    const bytes = whole.at(-1) === 13 ? whole.subarray(0, -1) : whole;
    return isBlank(bytes) ? null : { number, bytes };
  }
}

/**
 * The lines of a text file, as `readText` reads it, split at "\n" only: U+2028, U+2029 and a lone CR are text.
 * Blank lines, of spaces and tabs at most, are passed over. Memory: one chunk and the longest line of at most `most` bytes.
 * Throws InputError if the file cannot be decompressed or decoded.
 */
export async function* readLines(
  path: string,
  signal?: AbortSignal,
  most = Number.POSITIVE_INFINITY,
): AsyncGenerator<Line> {
  const line = new Collected(most);
  for await (const chunk of readText(path, () => `after line ${line.number}: `, signal)) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      line.add(chunk.subarray(start, end));
      const whole = line.finish();
      if (whole) yield whole;
      start = end + 1;
    }
    if (start < chunk.length) line.add(chunk.subarray(start));
  }
  const last = line.isEmpty ? null : line.finish();
  if (last) yield last;
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 32 || byte === 9);
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** A line as JSON. Throws a SyntaxError or, for bytes that are not UTF-8, a TypeError. */
export function parseLine(line: Line): unknown {
  return JSON.parse(utf8.decode(line.bytes));
}
