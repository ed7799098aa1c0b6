import { createHash } from "node:crypto";

/** How texts are compared: `bands` groups of `rows` permutations each. */
export type Bands = { bands: number; rows: number };

/**
 * MinHash (Broder 1997) over sets of 32-bit values. Permutation *i* is x -> (x xor c) * m modulo 2^32 with odd m; c and m
 * follow from the seed. The least value of a set under each permutation is its signature: two sets agree at one place
 * with a probability that is their Jaccard similarity. The same seed gives the same signatures on every machine.
 */
export class MinHash {
  /** The signature of the last set. Values are compared as signed numbers, which is an order as good as any. */
  readonly signature: Int32Array;
  readonly #bands: Bands;
  readonly #masks: Int32Array;
  readonly #factors: Int32Array;

  constructor(seed: string, bands: Bands) {
    const permutations = bands.bands * bands.rows;
    this.#bands = bands;
    this.signature = new Int32Array(permutations);
    this.#masks = draw(`${seed}\nmasks`, permutations);
    this.#factors = draw(`${seed}\nfactors`, permutations).map((value) => value | 1);
  }

  /** Fills `signature` for the first `count` values of a set. An empty set has no signature worth having. */
  sign(values: Uint32Array, count = values.length): void {
    for (let at = 0; at < this.signature.length; at++) {
      const mask = this.#masks[at] as number;
      const factor = this.#factors[at] as number;
      let least = 0x7fffffff;
      for (let each = 0; each < count; each++) {
        const hash = Math.imul((values[each] as number) ^ mask, factor);
        if (hash < least) least = hash;
      }
      this.signature[at] = least;
    }
  }

  /** The key of one band of the signature as two lanes; the number of the band is part of it. */
  band(band: number): readonly [number, number] {
    const { rows } = this.#bands;
    let low = mix(band + 1);
    let high = mix(~band);
    for (let at = band * rows; at < (band + 1) * rows; at++) {
      const value = this.signature[at] as number;
      low = mix(Math.imul(low, 0x9e3779b1) + value);
      high = mix(Math.imul(high, 0x85ebca6b) ^ value);
    }
    return [low >>> 0, high >>> 0];
  }
}

/** As many 32-bit numbers as wanted, from a text. */
function draw(text: string, count: number): Int32Array {
  const numbers = new Int32Array(count);
  for (let at = 0; at < count; at++)
    numbers[at] = createHash("sha256").update(`${text}\n${at}`).digest().readInt32LE(0);
  return numbers;
}

/** The finaliser of MurmurHash3, public domain. */
function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** How many different values two sorted sets share, over how many they have together. Of two empty sets 1. */
export function jaccard(a: Uint32Array, b: Uint32Array): number {
  let [i, j, shared] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const [left, right] = [a[i] as number, b[j] as number];
    if (left === right) shared++;
    if (left <= right) i++;
    if (right <= left) j++;
  }
  const together = a.length + b.length - shared;
  return together === 0 ? 1 : shared / together;
}
