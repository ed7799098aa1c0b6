import { closeSync, fstatSync, openSync } from "node:fs";
import { type Counted, KeyIndex, lanesOf, readAt } from "./runs.ts";
import { repeats } from "./seen-twice.ts";

/** Most keys of a block, and of all the blocks that are being filled: 32 MB. */
const BLOCK = 8192;
const MOST = 4 << 20;

/**
 * Deals 64-bit keys out into equal ranges of their values, each key of a text once, in blocks of one range for a file
 * that `readRangeKeys` reads one range of. Nothing is sorted: that is done a range at a time, where it is cheap.
 * Memory: `ranges` blocks of 64 KB, 32 MB at most.
 */
export class Scatter {
  /** Blocks that are full, in order, for the file. */
  #full: Uint8Array[] = [];
  readonly #ranges: number;
  readonly #block: number;
  readonly #open: Uint32Array[];
  readonly #sizes: Uint32Array;
  /** The numbers of the full blocks of each range. */
  readonly #places: number[][];
  #written = 0;
  #slots = new Uint32Array(1024);
  #base = 0;

  constructor(ranges: number, block = Math.max(512, Math.min(BLOCK, Math.floor(MOST / ranges)))) {
    this.#ranges = ranges;
    this.#block = block;
    this.#open = Array.from({ length: ranges }, () => new Uint32Array(2 * block));
    this.#sizes = new Uint32Array(ranges);
    this.#places = Array.from({ length: ranges }, () => []);
  }

  /** Adds the keys of one text, given as two lanes of 32 bits; those that are equal among them once. */
  add(low: Uint32Array, high: Uint32Array, count: number): void {
    this.#forget(count);
    for (let at = 0; at < count; at++) if (this.#isNew(low, high, at)) this.#put(low[at] as number, high[at] as number);
    this.#base += count;
  }

  /** The blocks that were filled since the last call. */
  full(): Uint8Array[] {
    const full = this.#full;
    this.#full = [];
    return full;
  }

  /** The end of the file: what is left of each range, then where the blocks of each are. All little-endian. */
  *finish(): Generator<Uint8Array> {
    yield* this.full();
    let [offset, first] = [8 * this.#block * this.#written, 0];
    const table = new Float64Array(4 * this.#ranges);
    for (let range = 0; range < this.#ranges; range++) {
      const [full, left] = [this.#places[range]?.length ?? 0, this.#sizes[range] as number];
      table.set([first, full, offset, left], 4 * range);
      yield bytesOf((this.#open[range] as Uint32Array).subarray(0, 2 * left));
      first += full;
      offset += 8 * left;
    }
    yield bytesOf(Float64Array.from(this.#places.flat()));
    yield bytesOf(table);
    yield bytesOf(Float64Array.of(this.#written, this.#ranges, this.#block));
  }

  /** Makes room for so many keys of a new text, and forgets those of the one before. */
  #forget(count: number): void {
    const needed = 2 ** Math.ceil(Math.log2(2 * count + 2));
    if (needed > this.#slots.length) this.#slots = new Uint32Array(needed);
    else if (this.#base + count > 0xfffffffe) this.#slots.fill(0);
    else return;
    this.#base = 0;
  }

  /** True if key `at` of a text is equal to none before it. A slot holds `base` + 1 + the place of a key in its text. */
  #isNew(low: Uint32Array, high: Uint32Array, at: number): boolean {
    const mask = this.#slots.length - 1;
    for (let slot = (low[at] as number) & mask; ; slot = (slot + 1) & mask) {
      const other = (this.#slots[slot] as number) - this.#base - 1;
      if (other < 0) {
        this.#slots[slot] = this.#base + 1 + at;
        return true;
      }
      if (low[other] === low[at] && high[other] === high[at]) return false;
    }
  }

  #put(low: number, high: number): void {
    const range = Math.floor((high * this.#ranges) / 2 ** 32);
    const block = this.#open[range] as Uint32Array;
    const size = this.#sizes[range] as number;
    block[2 * size] = low;
    block[2 * size + 1] = high;
    this.#sizes[range] = size + 1;
    if (size + 1 === this.#block) this.#close(range, block);
  }

  #close(range: number, block: Uint32Array): void {
    this.#full.push(bytesOf(block));
    this.#places[range]?.push(this.#written++);
    this.#open[range] = new Uint32Array(2 * this.#block);
    this.#sizes[range] = 0;
  }
}

function bytesOf(array: Uint32Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** The keys of one range of a file that was made by `Scatter`, in no order. */
export function readRangeKeys(path: string, range: number): BigUint64Array {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const numbers = (offset: number, count: number) => new Float64Array(readAt(file, offset, 8 * count));
    const [blocks, ranges, block] = numbers(size - 24, 3) as unknown as [number, number, number];
    const table = size - 24 - 32 * ranges;
    const [first, full, offset, left] = numbers(table + 32 * range, 4) as unknown as [number, number, number, number];
    const keys = new BigUint64Array(full * block + left);
    for (const [at, place] of numbers(table - 8 * blocks + 8 * first, full).entries())
      keys.set(new BigUint64Array(readAt(file, 8 * block * place, 8 * block)), at * block);
    keys.set(new BigUint64Array(readAt(file, offset, 8 * left)), full * block);
    return keys;
  } finally {
    closeSync(file);
  }
}

/**
 * The keys that are more than `least` times, 1 or more, in lists of keys, one list a shard; the owner is the first shard
 * that has it. `distinct`: how many different keys there are. Most are there once: only the others are sorted.
 * Memory: 4 to 8 bytes a key, and 8 for each that is there more often.
 */
export function countKeys(shards: readonly BigUint64Array[], least: number): { distinct: number; frequent: Counted } {
  const { alone, others } = apart(shards.map(lanesOf));
  const lanes = lanesOf(others.sort());
  const [keys, counts]: [bigint[], number[]] = [[], []];
  let distinct = alone;
  for (let from = 0, at = 1; from < others.length; at++) {
    if (lanes[2 * at] === lanes[2 * from] && lanes[2 * at + 1] === lanes[2 * from + 1]) continue;
    distinct++;
    if (at - from > least) {
      keys.push(others[from] as bigint);
      counts.push(at - from);
    }
    from = at;
  }
  const frequent = { keys: BigUint64Array.from(keys), counts: Uint32Array.from(counts) };
  return { distinct, frequent: { ...frequent, owners: firstShards(shards, frequent.keys) } };
}

/** How many keys are surely alone, and the others. */
function apart(shards: readonly Uint32Array[]): { alone: number; others: BigUint64Array } {
  const mayRepeat = repeats(shards, 2);
  const total = shards.reduce((sum, lanes) => sum + lanes.length / 2, 0);
  let others = new Uint32Array(1024);
  let size = 0;
  for (const lanes of shards) {
    for (let at = 0; at < lanes.length; at += 2) {
      const [low, high] = [lanes[at] as number, lanes[at + 1] as number];
      if (!mayRepeat(low, high)) continue;
      if (size === others.length) others = grown(others);
      others[size++] = low;
      others[size++] = high;
    }
  }
  return { alone: total - size / 2, others: new BigUint64Array(others.buffer, 0, size / 2) };
}

function grown(old: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const twice = new Uint32Array(2 * old.length);
  twice.set(old);
  return twice;
}

function firstShards(shards: readonly BigUint64Array[], keys: BigUint64Array): Uint32Array {
  const owners = new Uint32Array(keys.length).fill(shards.length);
  const index = new KeyIndex(keys);
  for (const [shard, all] of shards.entries()) {
    const lanes = lanesOf(all);
    for (let at = 0; at < lanes.length; at += 2) {
      const found = index.find(lanes[at] as number, lanes[at + 1] as number);
      if (found >= 0 && owners[found] === shards.length) owners[found] = shard;
    }
  }
  return owners;
}
