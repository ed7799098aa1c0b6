import { keyOf } from "../../pipeline/collections.ts";
import type { Linked } from "./audit.ts";

/** What is noted of each conversation: who it is drawn with, and what it may have in common with others. */
const COLUMNS = ["owner", "user", "country", "opening", "template", "cluster"] as const;
type Column = (typeof COLUMNS)[number];
type Lanes = readonly [number, number];

/** Numbers a conversation takes: two lanes of 32 bits a column, both 0 = it has no such thing. */
const WIDTH = 2 * COLUMNS.length;
const NOTHING: Lanes = [0, 0];

/**
 * The links of conversations one after the other, as keys: made once, where many tasks run at a time, so that who must
 * look at all conversations reads numbers and no rows. Memory: 48 bytes a conversation.
 */
export class Links {
  #values = new Uint32Array(WIDTH << 8);
  #size = 0;
  readonly #countries = new Map<string, Lanes>();

  /** Adds a conversation; `owner` is its user, or itself without one. */
  add(owner: string, linked: Omit<Linked, "split">): void {
    if (this.#size === this.#values.length) {
      const grown = new Uint32Array(2 * this.#size);
      grown.set(this.#values);
      this.#values = grown;
    }
    const own = keyOf(owner);
    const keys = [own, linked.user === null ? NOTHING : linked.user === owner ? own : keyOf(linked.user)];
    keys.push(this.#country(linked.country));
    for (const value of [linked.opening, linked.template, linked.cluster])
      keys.push(value === null ? NOTHING : keyOf(value));
    this.#values.set(keys.flat(), this.#size);
    this.#size += WIDTH;
  }

  /** All that was added, for a file. */
  bytes(): Uint8Array {
    return new Uint8Array(this.#values.buffer, 0, 4 * this.#size);
  }

  #country(country: string | null): Lanes {
    if (country === null) return NOTHING;
    const known = this.#countries.get(country) ?? keyOf(country);
    this.#countries.set(country, known);
    return known;
  }
}

/** The key of one conversation in one column, by name. */
export type LinkedKeys = (column: Column) => Lanes;

/** The links of the conversations of a file, in order. The function that is given is that of one conversation at a time. */
export function* readLinks(bytes: Uint8Array): Generator<LinkedKeys> {
  const values = new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  for (let first = 0; first < values.length; first += WIDTH) {
    yield (column) => {
      const at = first + 2 * COLUMNS.indexOf(column);
      return [values[at] as number, values[at + 1] as number];
    };
  }
}
