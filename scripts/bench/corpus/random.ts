import { createHash } from "node:crypto";

/** Random numbers that follow from a name alone, the same on every machine (sfc32, public domain, seeded by sha256). */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** The parts of the name: the seed, what the numbers are for, and of which thing. */
  constructor(...name: readonly (string | number)[]) {
    const hash = createHash("sha256").update(name.join("\n")).digest();
    this.#a = hash.readInt32LE(0);
    this.#b = hash.readInt32LE(4);
    this.#c = hash.readInt32LE(8);
    this.#d = hash.readInt32LE(12);
  }

  /** 32 random bits. */
  bits(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** From 0 to just under 1. */
  unit(): number {
    return this.bits() / 2 ** 32;
  }

  /** A whole number from 0 to just under `end`. */
  below(end: number): number {
    return Math.floor(this.unit() * end);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /** One of a list. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** One of a list in which each stands with its weight. */
  weighted<T extends { readonly weight: number }>(list: readonly T[]): T {
    const total = list.reduce((sum, { weight }) => sum + weight, 0);
    return byWeight(list, this.unit() * total) ?? (list.at(-1) as T);
  }

  /** A positive number with this median and a tail that grows with `spread` (log-normal). */
  around(median: number, spread: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.unit())) * Math.cos(2 * Math.PI * this.unit());
    return median * Math.exp(spread * normal);
  }
}

/** What stands at a place in a line in which each takes up its weight; undefined past its end. */
export function byWeight<T extends { readonly weight: number }>(list: readonly T[], place: number): T | undefined {
  let end = 0;
  for (const each of list) {
    end += each.weight;
    if (place < end) return each;
  }
  return undefined;
}
