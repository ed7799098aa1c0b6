import { createHash } from "node:crypto";

/**
 * Numbers 64-bit keys, given as two lanes of 32, from 0 in the order in which they come. Open addressing over typed
 * arrays: 16 to 32 bytes a key.
 */
export class KeyTable {
  /** How many different keys there are. */
  size = 0;
  #slots = new Uint32Array(1 << 11);
  #low = new Uint32Array(1 << 10);
  #high = new Uint32Array(1 << 10);

  /** The number of a key, which is a new one if it was not there. */
  number(low: number, high: number): number {
    const slot = this.#slot(low, high);
    const found = this.#slots[slot] as number;
    if (found !== 0) return found - 1;
    if (this.size === this.#low.length) {
      this.#grow();
      return this.number(low, high);
    }
    this.#low[this.size] = low;
    this.#high[this.size] = high;
    this.#slots[slot] = ++this.size;
    return this.size - 1;
  }

  /** The number of a key, or -1 if it is not there. */
  find(low: number, high: number): number {
    return (this.#slots[this.#slot(low, high)] as number) - 1;
  }

  /** The two lanes of a key by its number. */
  lanes(number: number): readonly [number, number] {
    return [this.#low[number] as number, this.#high[number] as number];
  }

  /** A key by its number, as text that is compared like the key. */
  key(number: number): string {
    const lane = (value: number | undefined) => (value ?? 0).toString(16).padStart(8, "0");
    return lane(this.#high[number]) + lane(this.#low[number]);
  }

  #slot(low: number, high: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = (low ^ Math.imul(high, 0x9e3779b1)) & mask; ; slot = (slot + 1) & mask) {
      const at = (this.#slots[slot] as number) - 1;
      if (at < 0 || (this.#low[at] === low && this.#high[at] === high)) return slot;
    }
  }

  #grow(): void {
    const [low, high] = [this.#low, this.#high];
    this.#low = new Uint32Array(low.length * 2);
    this.#high = new Uint32Array(low.length * 2);
    this.#low.set(low);
    this.#high.set(high);
    this.#slots = new Uint32Array(low.length * 4);
    for (let at = 0; at < this.size; at++) this.#slots[this.#slot(low[at] as number, high[at] as number)] = at + 1;
  }
}

/** Array of whole numbers that grows at its end: 4 to 8 bytes a number. */
export class Numbers {
  length = 0;
  #values = new Uint32Array(1 << 10);

  push(value: number): void {
    if (this.length === this.#values.length) {
      const grown = new Uint32Array(this.length * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.length++] = value;
  }

  /** What is in the array so far. */
  get values(): Uint32Array {
    return this.#values.subarray(0, this.length);
  }
}

/**
 * Joins what is linked: a union-find over numbers, in which the smallest number of a set is its root. In which order
 * pairs are joined changes nothing. Memory: 4 to 8 bytes a number.
 */
export class Union {
  #parents = new Uint32Array(1 << 10);
  #size = 0;

  /** The smallest number that is linked to this one. */
  root(number: number): number {
    this.#reserve(number + 1);
    let each = number;
    while (this.#parents[each] !== each) {
      const above = this.#parents[this.#parents[each] as number] as number;
      this.#parents[each] = above;
      each = above;
    }
    return each;
  }

  join(a: number, b: number): void {
    const [left, right] = [this.root(a), this.root(b)];
    this.#parents[Math.max(left, right)] = Math.min(left, right);
  }

  #reserve(size: number): void {
    if (size > this.#parents.length) {
      const grown = new Uint32Array(Math.max(size, this.#parents.length * 2));
      grown.set(this.#parents.subarray(0, this.#size));
      this.#parents = grown;
    }
    for (; this.#size < size; this.#size++) this.#parents[this.#size] = this.#size;
  }
}

/** The two lanes of a text's 64-bit key: the first 8 bytes of its sha256, never both 0, since that stands for no key. */
export function keyOf(text: string): readonly [number, number] {
  const hash = createHash("sha256").update(text).digest();
  return [hash.readUInt32LE(0) || 1, hash.readUInt32LE(4)];
}

/** All items of a stream, in order. Memory: all of them. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
