import { createHash } from "node:crypto";
import { KeyTable } from "./keys.ts";

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

/**
 * Connected components of users: two are linked if a conversation of one and a conversation of the other share a bond
 * (the same opening, the same cluster of near-duplicates). Keys of 64 bits as two lanes each.
 * Memory: about 40 bytes a user and 40 a bond.
 */
export class Groups {
  readonly #users = new KeyTable();
  readonly #bonds = new KeyTable();
  /** By bond: a user who has it. */
  #first = new Uint32Array(1 << 10);
  readonly #union = new Union();

  /** Says that a conversation of a user has a bond. */
  add(user: readonly [number, number], bond: readonly [number, number]): void {
    const number = this.#users.number(...user);
    const before = this.#bonds.size;
    const at = this.#bonds.number(...bond);
    if (at < before) this.#union.join(this.#first[at] as number, number);
    else this.#setFirst(at, number);
  }

  /** The same number for all users of a component; -1 for a user without any bond. */
  of(user: readonly [number, number]): number {
    const number = this.#users.find(...user);
    return number < 0 ? -1 : this.#union.root(number);
  }

  #setFirst(bond: number, user: number): void {
    if (bond >= this.#first.length) {
      const grown = new Uint32Array(this.#first.length * 2);
      grown.set(this.#first);
      this.#first = grown;
    }
    this.#first[bond] = user;
  }
}

/** The id of a group: `g-` and 10 hex digits of the sha256 of its smallest user id. */
export function groupId(smallest: string): string {
  return `g-${createHash("sha256").update(smallest).digest("hex").slice(0, 10)}`;
}
