import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { compress, decompress } from "../../pipeline/zstd.ts";

/** Bytes of text that are gathered for a shard before they are written as one block. */
const BLOCK = 512 << 10;

/** Where the block of a shard lies in a file. */
type Block = { shard: number; offset: number; bytes: number };

/**
 * Sorts lines into shards within one file: zstd blocks in the order in which they fill, then an index of them as JSON,
 * then the index's length in 8 bytes. Memory: a block for each shard.
 */
export class ShardWriter {
  readonly #lines: string[][];
  readonly #sizes: number[];
  readonly #blocks: Block[] = [];
  #offset = 0;

  constructor(shards: number) {
    this.#lines = Array.from({ length: shards }, () => []);
    this.#sizes = new Array<number>(shards).fill(0);
  }

  /** Adds a line (without newlines) to a shard; yields the bytes that are ready to be written. */
  *add(shard: number, line: string): Generator<Uint8Array> {
    this.#lines[shard]?.push(line);
    const size = (this.#sizes[shard] ?? 0) + line.length;
    this.#sizes[shard] = size;
    if (size >= BLOCK) yield* this.#close(shard);
  }

  /** Yields what is left, and the index. */
  *end(): Generator<Uint8Array> {
    for (const shard of this.#lines.keys()) yield* this.#close(shard);
    const index = Buffer.from(JSON.stringify(this.#blocks));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(index.length));
    yield index;
    yield length;
  }

  *#close(shard: number): Generator<Uint8Array> {
    const lines = this.#lines[shard] ?? [];
    if (lines.length === 0) return;
    const block = compress(Buffer.from(lines.join("\n")), 1);
    this.#blocks.push({ shard, offset: this.#offset, bytes: block.length });
    this.#offset += block.length;
    this.#lines[shard] = [];
    this.#sizes[shard] = 0;
    yield block;
  }
}

/** The lines that a file holds for one shard. Memory: one block. */
export function* readShard(path: string, shard: number): Generator<string> {
  const file = openSync(path, "r");
  try {
    const size = fstatSync(file).size;
    const length = Number(read(file, size - 8, 8).readBigUInt64LE());
    const blocks = JSON.parse(read(file, size - 8 - length, length).toString()) as Block[];
    for (const block of blocks) {
      if (block.shard === shard)
        yield* decompress(read(file, block.offset, block.bytes))
          .toString()
          .split("\n");
    }
  } finally {
    closeSync(file);
  }
}

function read(file: number, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let done = 0; done < length; ) {
    const count = readSync(file, bytes, done, length - done, offset + done);
    if (count === 0) throw new RangeError("file ends early");
    done += count;
  }
  return bytes;
}
