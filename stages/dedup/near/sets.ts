import { closeSync, openSync } from "node:fs";
import { Numbers } from "../../../pipeline/collections.ts";
import { readAt } from "../runs.ts";

/** Sets of 32-bit values, one a text. Memory: 4 to 8 bytes a value and as many a text. */
export class Sets {
  readonly #values = new Numbers();
  readonly #ends = new Numbers();

  /** Adds the set of the next text. */
  add(values: Uint32Array): void {
    for (const value of values) this.#values.push(value);
    this.#ends.push(this.#values.length);
  }

  /** The set of a text. */
  at(text: number): Uint32Array {
    const ends = this.#ends.values;
    return this.#values.values.subarray(text === 0 ? 0 : ends[text - 1], ends[text]);
  }

  /** The sets as bytes: how many, where each ends, then all values. Little-endian. */
  *encode(): Generator<Uint8Array> {
    const ends = this.#ends.values;
    yield bytesOf(Uint32Array.of(ends.length));
    yield bytesOf(ends);
    yield bytesOf(this.#values.values);
  }
}

function bytesOf(numbers: Uint32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/** Sets kept for a while, by the last digits of the text's number. */
const CACHED = 1 << 14;

/**
 * The sets of all shards, read from their files one at a time as they are asked for. Memory: 4 bytes a text and 16,384
 * sets. `firsts`: the number of each shard's first text.
 */
export class StoredSets {
  readonly #files: readonly { file: number; ends: Uint32Array; first: number }[];
  readonly #cache: ({ text: number; set: Uint32Array } | undefined)[] = new Array(CACHED);

  constructor(paths: readonly string[], firsts: readonly number[]) {
    this.#files = paths.map((path, shard) => {
      const file = openSync(path, "r");
      const count = new Uint32Array(readAt(file, 0, 4))[0] as number;
      return { file, ends: new Uint32Array(readAt(file, 4, 4 * count)), first: firsts[shard] as number };
    });
  }

  /** The set of a text, by its number over all shards. */
  at(text: number): Uint32Array {
    const cached = this.#cache[text % CACHED];
    if (cached?.text === text) return cached.set;
    const { file, ends, first } = this.#shardOf(text);
    const from = text === first ? 0 : (ends[text - first - 1] as number);
    const to = ends[text - first] as number;
    const set = new Uint32Array(readAt(file, 4 + 4 * ends.length + 4 * from, 4 * (to - from)));
    this.#cache[text % CACHED] = { text, set };
    return set;
  }

  close(): void {
    for (const { file } of this.#files) closeSync(file);
  }

  #shardOf(text: number) {
    let [low, high] = [0, this.#files.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#files[middle]?.first ?? 0) <= text) low = middle;
      else high = middle - 1;
    }
    return this.#files[low] as { file: number; ends: Uint32Array; first: number };
  }
}
