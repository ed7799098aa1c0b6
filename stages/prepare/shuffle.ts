import { isAscii } from "node:buffer";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { compress, decompress } from "../../pipeline/files/zstd.ts";

/** Most bytes that are gathered for a shard before they are written as one block, and for all shards together. */
const BLOCK = 512 << 10;
const ALL_BLOCKS = 32 << 20;

/** Where the block of a shard lies in a file. */
type Block = { shard: number; offset: number; bytes: number };

/**
 * Sorts records, each a list of texts, into shards within one file: zstd blocks in the order in which they fill, then an
 * index of them as JSON, then the index's length in 8 bytes. Texts stand as they are, behind their lengths: as JSON,
 * which escapes them, they would take ten times as long to write. Memory: a block for each shard, 32 MB in all.
 */
export class ShardWriter {
  readonly #piles: Pile[];
  readonly #blocks: Block[] = [];
  #offset = 0;

  constructor(shards: number) {
    const block = Math.max(4 << 10, Math.min(BLOCK, ALL_BLOCKS / shards));
    this.#piles = Array.from({ length: shards }, () => new Pile(block));
  }

  /** Adds a record to a shard; yields the bytes that are ready to be written. Texts are well-formed. */
  *add(shard: number, record: readonly string[]): Generator<Uint8Array> {
    const pile = this.#piles[shard];
    if (pile?.add(record)) return;
    yield* this.#close(shard);
    pile?.add(record);
  }

  /** Yields what is left, and the index. */
  *end(): Generator<Uint8Array> {
    for (const shard of this.#piles.keys()) yield* this.#close(shard);
    const index = Buffer.from(JSON.stringify(this.#blocks));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(index.length));
    yield index;
    yield length;
  }

  *#close(shard: number): Generator<Uint8Array> {
    const bytes = this.#piles[shard]?.take();
    if (!bytes?.length) return;
    const block = compress(bytes, 1);
    this.#blocks.push({ shard, offset: this.#offset, bytes: block.length });
    this.#offset += block.length;
    yield block;
  }
}

/** Records one behind the other: the number of texts in 4 bytes, then each text behind its number of bytes in 4. */
class Pile {
  readonly #most: number;
  #bytes = Buffer.allocUnsafe(4 << 10);
  #length = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** False if there is no room for the record; alone it may be of any size. */
  add(record: readonly string[]): boolean {
    const sizes = record.map((text) => Buffer.byteLength(text));
    const needed = sizes.reduce((sum, size) => sum + 4 + size, this.#length + 4);
    if (needed > this.#most && this.#length > 0) return false;
    this.#reserve(needed);
    this.#length = this.#bytes.writeUInt32LE(record.length, this.#length);
    for (const [at, text] of record.entries()) {
      this.#length = this.#bytes.writeUInt32LE(sizes[at] ?? 0, this.#length);
      this.#length += this.#bytes.write(text, this.#length);
    }
    return true;
  }

  /** What there is, and nothing from then on. It holds until the next record is added. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    if (this.#bytes.length > this.#most) this.#bytes = Buffer.allocUnsafe(this.#most);
    this.#length = 0;
    return taken;
  }

  #reserve(needed: number): void {
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, Math.min(this.#most, 2 * this.#bytes.length)));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** The records that a file holds for one shard. Memory: one block. */
export function* readShard(path: string, shard: number): Generator<string[]> {
  const file = openSync(path, "r");
  try {
    const size = fstatSync(file).size;
    const length = Number(read(file, size - 8, 8).readBigUInt64LE());
    const blocks = JSON.parse(read(file, size - 8 - length, length).toString()) as Block[];
    for (const block of blocks)
      if (block.shard === shard) yield* recordsIn(decompress(read(file, block.offset, block.bytes)));
  } finally {
    closeSync(file);
  }
}

function* recordsIn(bytes: Buffer): Generator<string[]> {
  for (let at = 0; at < bytes.length; ) {
    const record = new Array<string>(bytes.readUInt32LE(at));
    at += 4;
    for (let text = 0; text < record.length; text++) {
      const end = at + 4 + bytes.readUInt32LE(at);
      record[text] = textOf(bytes.subarray(at + 4, end));
      at = end;
    }
    yield record;
  }
}

/** Most texts are plain ASCII, which is read several times as fast. */
function textOf(bytes: Buffer): string {
  return bytes.toString(isAscii(bytes) ? "latin1" : "utf8");
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
