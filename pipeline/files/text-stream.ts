import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { InputError } from "../errors.ts";
import { unzstd } from "./unzstd.ts";

const COMPRESSED = /\.(gz|zst)$/i;

/**
 * The bytes of a text file as UTF-8: `.gz` and `.zst` are decompressed, UTF-16 that begins with its
 * mark is decoded. A mark of UTF-8 stays. Memory: one chunk. Throws InputError if the file cannot be decompressed or decoded;
 * `where` says how far the reader has come.
 */
export async function* readText(path: string, where = () => "", signal?: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of decoded(open(path))) {
      signal?.throwIfAborted();
      yield chunk;
    }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === NOT_UTF16)
      throw new InputError(
        `${path}: ${where()}cannot be read as UTF-16, which the mark at its start says it is; expected UTF-8 or UTF-16`,
        { cause },
      );
    const isSystem = typeof code === "string" && code.startsWith("E");
    if (signal?.aborted || isSystem || !COMPRESSED.test(path)) throw cause;
    const kind = /\.gz$/i.test(path) ? "gzip" : "zstd";
    throw new InputError(
      `${path}: ${where()}cannot be read as ${kind} data: ${(cause as Error).message}; if it is not what was sent, fetch the file again`,
      { cause },
    );
  }
}

function open(path: string): AsyncIterable<Buffer> {
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  if (/\.zst$/i.test(path)) return unzstd(file);
  // pipeline hands an error of the file on to the reader of what is unpacked, who throws it.
  return /\.gz$/i.test(path) ? pipeline(file, createGunzip(), () => {}) : file;
}

/** What TextDecoder says of bytes that are none of its encoding. */
const NOT_UTF16 = "ERR_ENCODING_INVALID_ENCODED_DATA";

async function* decoded(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let decoder: ReturnType<typeof decoderFor> | undefined;
  let head: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    head = decoder === undefined ? Buffer.concat([head, chunk]) : chunk;
    if (head.length < 2) continue;
    if (decoder === undefined) decoder = decoderFor(head);
    yield decoder ? Buffer.from(decoder.decode(head, { stream: true })) : head;
  }
  if (decoder === undefined) yield head;
  else if (decoder) yield Buffer.from(decoder.decode());
}

function decoderFor(head: Buffer) {
  const [first, second] = head;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le", { fatal: true });
  return first === 0xfe && second === 0xff ? new TextDecoder("utf-16be", { fatal: true }) : null;
}
