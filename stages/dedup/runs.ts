import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** Keys in ascending order, each once, with how often it was seen and the first shard (the owner) that saw it. */
export type Counted = { keys: BigUint64Array; counts: Uint32Array; owners: Uint32Array };

/** Keys that a counter holds before it sorts them and sets them aside: 64 MB. */
const MOST = 8 << 20;

/**
 * Counts 64-bit keys by sorting: fills an array, sorts it natively, keeps run lengths. No map of strings is in the way,
 * and memory is 64 MB plus 16 bytes a distinct key.
 */
export class KeyCounter {
  readonly #owner: number;
  readonly #most: number;
  #keys: BigUint64Array;
  #lanes: Uint32Array;
  #size = 0;
  #runs: Counted[] = [];

  constructor(owner: number, most = MOST) {
    this.#owner = owner;
    this.#most = most;
    this.#keys = new BigUint64Array(Math.min(most, 1 << 16));
    this.#lanes = new Uint32Array(this.#keys.buffer);
  }

  /** Adds the keys given as two lanes of 32 bits, those that are equal among them once. */
  addDistinct(low: Uint32Array, high: Uint32Array, count: number): void {
    if (count === 0) return;
    this.#reserve(count);
    const first = this.#size;
    for (let each = 0; each < count; each++) {
      const lane = 2 * (first + each);
      this.#lanes[lane] = low[each] as number;
      this.#lanes[lane + 1] = high[each] as number;
    }
    this.#keys.subarray(first, first + count).sort();
    this.#size = first + distinct(this.#lanes, first, count);
  }

  /** Adds one key. */
  add(key: bigint): void {
    this.#reserve(1);
    this.#keys[this.#size++] = key;
  }

  /** Everything that was added. The counter is empty after it. */
  finish(): Counted {
    this.#setAside();
    const counted = mergeAll(this.#runs);
    this.#runs = [];
    return counted;
  }

  #reserve(count: number): void {
    if (this.#size + count > this.#most) this.#setAside();
    if (this.#size + count <= this.#keys.length) return;
    const grown = new BigUint64Array(Math.max(this.#keys.length * 2, this.#size + count));
    grown.set(this.#keys.subarray(0, this.#size));
    this.#keys = grown;
    this.#lanes = new Uint32Array(grown.buffer);
  }

  #setAside(): void {
    if (this.#size === 0) return;
    this.#runs.push(runLengths(this.#keys.subarray(0, this.#size).sort(), this.#owner));
    this.#size = 0;
  }
}

/** Moves the different keys among `count` sorted ones, from `first` on, to the front; returns how many they are. */
function distinct(lanes: Uint32Array, first: number, count: number): number {
  let kept = first;
  for (let each = first; each < first + count; each++) {
    const [low, high] = [lanes[2 * each] as number, lanes[2 * each + 1] as number];
    if (each > first && lanes[2 * kept - 2] === low && lanes[2 * kept - 1] === high) continue;
    lanes[2 * kept] = low;
    lanes[2 * kept + 1] = high;
    kept++;
  }
  return kept - first;
}

/** Keys as two lanes of 32 bits each, low before high: numbers that need no BigInt to be compared. */
export function lanesOf(keys: BigUint64Array): Uint32Array {
  return new Uint32Array(keys.buffer, keys.byteOffset, 2 * keys.length);
}

function runLengths(sorted: BigUint64Array, owner: number): Counted {
  const lanes = lanesOf(sorted);
  const isNew = (at: number) =>
    at === 0 || lanes[2 * at] !== lanes[2 * at - 2] || lanes[2 * at + 1] !== lanes[2 * at - 1];
  let different = 0;
  for (let at = 0; at < sorted.length; at++) if (isNew(at)) different++;
  const keys = new BigUint64Array(different);
  const own = lanesOf(keys);
  const counts = new Uint32Array(different);
  let last = -1;
  for (let at = 0; at < sorted.length; at++) {
    if (isNew(at)) {
      last++;
      own[2 * last] = lanes[2 * at] as number;
      own[2 * last + 1] = lanes[2 * at + 1] as number;
    }
    counts[last] = (counts[last] as number) + 1;
  }
  return { keys, counts, owners: new Uint32Array(different).fill(owner) };
}

/** The sum of counted runs: counts of equal keys added, the smallest owner kept. Merges in pairs: n log k. */
export function mergeAll(runs: readonly Counted[]): Counted {
  let round = [...runs];
  while (round.length > 1) {
    const next: Counted[] = [];
    for (let at = 0; at < round.length; at += 2) {
      const [a, b] = [round[at] as Counted, round[at + 1]];
      next.push(b ? mergeTwo(a, b) : a);
    }
    round = next;
  }
  return round[0] ?? { keys: new BigUint64Array(0), counts: new Uint32Array(0), owners: new Uint32Array(0) };
}

function mergeTwo(a: Counted, b: Counted): Counted {
  const most = a.keys.length + b.keys.length;
  const keys = new BigUint64Array(most);
  const counts = new Uint32Array(most);
  const owners = new Uint32Array(most);
  const [left, right, merged] = [lanesOf(a.keys), lanesOf(b.keys), lanesOf(keys)];
  let [i, j, n] = [0, 0, 0];
  while (i < a.keys.length || j < b.keys.length) {
    const order = compareAt(left, i, right, j);
    if (order <= 0) {
      merged[2 * n] = left[2 * i] as number;
      merged[2 * n + 1] = left[2 * i + 1] as number;
      counts[n] = a.counts[i] as number;
      owners[n] = a.owners[i] as number;
    } else {
      merged[2 * n] = right[2 * j] as number;
      merged[2 * n + 1] = right[2 * j + 1] as number;
      counts[n] = b.counts[j] as number;
      owners[n] = b.owners[j] as number;
    }
    if (order === 0) {
      counts[n] = (counts[n] as number) + (b.counts[j] as number);
      owners[n] = Math.min(owners[n] as number, b.owners[j] as number);
    }
    if (order <= 0) i++;
    if (order >= 0) j++;
    n++;
  }
  return { keys: keys.slice(0, n), counts: counts.slice(0, n), owners: owners.slice(0, n) };
}

/** Order of key `i` of one list and key `j` of another: below 0, 0 or above; past its end a list has only larger ones. */
function compareAt(left: Uint32Array, i: number, right: Uint32Array, j: number): number {
  if (2 * j >= right.length) return -1;
  if (2 * i >= left.length) return 1;
  const high = (left[2 * i + 1] as number) - (right[2 * j + 1] as number);
  return high === 0 ? (left[2 * i] as number) - (right[2 * j] as number) : high;
}

/** Runs of ascending ranges, one after the other. */
export function joinRanges(ranges: readonly Counted[]): Counted {
  const total = ranges.reduce((sum, range) => sum + range.keys.length, 0);
  const joined = { keys: new BigUint64Array(total), counts: new Uint32Array(total), owners: new Uint32Array(total) };
  let at = 0;
  for (const { keys, counts, owners } of ranges) {
    joined.keys.set(keys, at);
    joined.counts.set(counts, at);
    joined.owners.set(owners, at);
    at += keys.length;
  }
  return joined;
}

/** The keys seen more than `minCount` times. */
export function moreThan(counted: Counted, minCount: number): Counted {
  const chosen: number[] = [];
  for (let at = 0; at < counted.keys.length; at++) if ((counted.counts[at] as number) > minCount) chosen.push(at);
  return {
    keys: BigUint64Array.from(chosen, (at) => counted.keys[at] as bigint),
    counts: Uint32Array.from(chosen, (at) => counted.counts[at] as number),
    owners: Uint32Array.from(chosen, (at) => counted.owners[at] as number),
  };
}

/**
 * Counted keys as bytes, cut into `ranges` equal ranges of the 64-bit space, so that one range can be read alone:
 * per range its keys, counts and owners; then a table of [offset, keys] by range; then the number of ranges. All little-endian.
 */
export function* encodeRuns(counted: Counted, ranges: number): Generator<Uint8Array> {
  const table = new BigUint64Array(2 * ranges);
  let offset = 0;
  let start = 0;
  for (let range = 0; range < ranges; range++) {
    const end = range === ranges - 1 ? counted.keys.length : lowerBound(counted.keys, rangeStart(range + 1, ranges));
    table[2 * range] = BigInt(offset);
    table[2 * range + 1] = BigInt(end - start);
    for (const part of [
      counted.keys.slice(start, end),
      counted.counts.slice(start, end),
      counted.owners.slice(start, end),
    ]) {
      const bytes = new Uint8Array(part.buffer);
      offset += bytes.length;
      yield bytes;
    }
    start = end;
  }
  yield new Uint8Array(table.buffer);
  yield new Uint8Array(BigUint64Array.of(BigInt(ranges)).buffer);
}

function rangeStart(range: number, ranges: number): bigint {
  return ((1n << 64n) * BigInt(range)) / BigInt(ranges);
}

function lowerBound(keys: BigUint64Array, key: bigint): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as bigint) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Reads one range of a file of counted keys. */
export function readRange(path: string, range: number): Counted {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const ranges = Number(new BigUint64Array(readAt(file, size - 8, 8))[0]);
    const [offset, keys] = [...new BigUint64Array(readAt(file, size - 8 - 16 * ranges + 16 * range, 16))].map(
      Number,
    ) as [number, number];
    const bytes = readAt(file, offset, 16 * keys);
    return {
      keys: new BigUint64Array(bytes, 0, keys),
      counts: new Uint32Array(bytes, 8 * keys, keys),
      owners: new Uint32Array(bytes, 12 * keys, keys),
    };
  } finally {
    closeSync(file);
  }
}

/** Bytes of an open file. Throws RangeError if it ends before. */
export function readAt(file: number, offset: number, length: number): ArrayBuffer {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const count = readSync(file, bytes, done, length - done, offset + done);
    if (count === 0) throw new RangeError("file ends early");
    done += count;
  }
  return bytes.buffer;
}

/** Finds the place of a key, given as two lanes, in a list of keys: open addressing, no allocation on lookup. */
export class KeyIndex {
  readonly #slots: Uint32Array;
  readonly #lanes: Uint32Array;
  readonly #mask: number;

  constructor(keys: BigUint64Array) {
    const size = 2 ** Math.ceil(Math.log2(2 * keys.length + 2));
    this.#slots = new Uint32Array(size);
    this.#mask = size - 1;
    this.#lanes = new Uint32Array(keys.slice().buffer);
    for (let at = 0; at < keys.length; at++) {
      let slot = (this.#lanes[2 * at] as number) & this.#mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = at + 1;
    }
  }

  /** The place of the key, or -1. */
  find(low: number, high: number): number {
    for (let slot = low & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = (this.#slots[slot] as number) - 1;
      if (at < 0 || (this.#lanes[2 * at] === low && this.#lanes[2 * at + 1] === high)) return at;
    }
  }
}
