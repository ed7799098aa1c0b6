import { closeSync, fstatSync, openSync } from "node:fs";
import { KeyTable, Numbers } from "../../../pipeline/collections.ts";
import { readAt } from "../runs.ts";
import { repeats } from "../seen-twice.ts";
import { crowdOf, type Entry, neighbours, rareNeighbours } from "./crowds.ts";

/**
 * What was put under keys of 64 bits: entries of 4 numbers (two lanes of the key, the number of the text, 32 bits of its
 * own hash). Memory: 16 to 32 bytes an entry.
 */
export class Entries {
  readonly #ranges: readonly Numbers[];

  constructor(ranges: number) {
    this.#ranges = Array.from({ length: ranges }, () => new Numbers());
  }

  /** Puts a text under a key, in the range that the key's upper lane falls in. */
  add([low, high]: readonly [number, number], text: number, hash: number): void {
    const range = this.#ranges[Math.floor((high / 2 ** 32) * this.#ranges.length)] as Numbers;
    range.push(low);
    range.push(high);
    range.push(text);
    range.push(hash);
  }

  /** The entries as bytes, range after range; then how many bytes each range has; then the number of ranges. Little-endian. */
  *encode(): Generator<Uint8Array> {
    const sizes = new Uint32Array(this.#ranges.length + 1);
    for (const [range, { values }] of this.#ranges.entries()) {
      sizes[range] = values.byteLength;
      yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    }
    sizes[this.#ranges.length] = this.#ranges.length;
    yield new Uint8Array(sizes.buffer);
  }

  /** The entries of one range. */
  range(range: number): Uint32Array {
    return (this.#ranges[range] as Numbers).values;
  }
}

/** Reads the entries of one range from a file. */
export function readEntries(path: string, range: number): Uint32Array {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const ranges = new Uint32Array(readAt(file, size - 4, 4))[0] as number;
    const sizes = new Uint32Array(readAt(file, size - 4 - 4 * ranges, 4 * ranges));
    const offset = sizes.subarray(0, range).reduce((sum, each) => sum + each, 0);
    return new Uint32Array(readAt(file, offset, sizes[range] as number));
  } finally {
    closeSync(file);
  }
}

/**
 * The pairs of texts that are worth comparing: those with a key in common. A bucket with few texts gives every pair; in
 * a large one each text is paired with its `neighbours` and, unless these have linked all (`rootOf`), its `rareNeighbours`. Neither the order of the entries nor
 * their cut into ranges changes which texts are paired. Memory: 4 to 8 bytes an entry, and about 100 for each that is
 * not alone under its key.
 */
export function* candidatePairs(
  parts: readonly Uint32Array[],
  setOf: (text: number) => Uint32Array,
  least: number,
  rootOf: (text: number) => number,
): Generator<readonly [number, number]> {
  for (const bucket of buckets(parts)) {
    yield* neighbours(bucket);
    const crowd = crowdOf(bucket);
    const root = rootOf(bucket[0]?.text ?? 0);
    if (crowd.some(({ text }) => rootOf(text) !== root)) yield* rareNeighbours(crowd, setOf, least);
  }
}

/**
 * Entries under one key, for keys that have more than one. Most have one: a first pass with a few bits an entry finds
 * those that may have more, and only these are numbered.
 */
function* buckets(parts: readonly Uint32Array[]): Generator<Entry[]> {
  const mayRepeat = repeats(parts, 4);
  const keys = new KeyTable();
  const found: Entry[][] = [];
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 4) {
      const [low, high] = [part[at] as number, part[at + 1] as number];
      if (!mayRepeat(low, high)) continue;
      const entry = { text: part[at + 2] as number, hash: part[at + 3] as number };
      const key = keys.number(low, high);
      if (key === found.length) found.push([entry]);
      else found[key]?.push(entry);
    }
  }
  for (const bucket of found) if (bucket.length > 1) yield bucket;
}
