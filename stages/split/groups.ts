import { createHash } from "node:crypto";
import { KeyTable, Union } from "../../pipeline/collections.ts";

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
