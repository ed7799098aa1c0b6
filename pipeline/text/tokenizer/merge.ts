/** The merges of a tokenizer, in columns: `left` and `right` next to one another become `merged`; the lowest rank goes first. */
export type Merges = {
  readonly left: Uint32Array;
  readonly right: Uint32Array;
  readonly merged: Uint32Array;
  readonly rank: Uint32Array;
};

/** Runs up to this many bytes share one set of buffers; a longer one gets its own, which are dropped when it is done. */
const SHARED_BYTES = 4096;

/** A heap key holds the rank above this and the place below it: exact in a double for any rank and a place under 4 GB. */
const PLACES = 2 ** 32;

const NO_PAIR = -1;

/**
 * Merges a run of bytes. Pairs wait in a heap ordered by rank and then by place, so a run of n bytes costs
 * O(n log n) however long it is. What waits for a pair that is no longer there is known by its rank and skipped.
 */
export class Merger {
  readonly #pairs: PairTable;
  readonly #byteIds: Uint32Array;
  readonly #shared = new Run(SHARED_BYTES);

  /** `byteIds` are the tokens of the 256 single bytes. */
  constructor(merges: Merges, byteIds: Uint32Array) {
    this.#pairs = new PairTable(merges);
    this.#byteIds = byteIds;
  }

  /** The tokens that bytes become. */
  merge(bytes: Uint8Array): number[] {
    const run = bytes.length <= SHARED_BYTES ? this.#shared : new Run(bytes.length);
    run.start(bytes, this.#byteIds);
    for (let at = 0; at + 1 < bytes.length; at++) this.#offer(run, at);
    for (let at = run.take(this.#pairs); at >= 0; at = run.take(this.#pairs)) this.#join(run, at);
    return run.left();
  }

  /** Makes one token of the one at `at` and the one after it, and offers the two pairs that this makes. */
  #join(run: Run, at: number): void {
    const gone = run.next[at] as number;
    const after = run.next[gone] as number;
    run.ids[at] = this.#pairs.merged(run.pairs[at] as number);
    run.pairs[gone] = NO_PAIR;
    run.next[at] = after;
    if (after < run.length) run.previous[after] = at;
    this.#offer(run, at);
    if (at > 0) this.#offer(run, run.previous[at] as number);
  }

  #offer(run: Run, at: number): void {
    const after = run.next[at] as number;
    const pair = after < run.length ? this.#pairs.find(run.ids[at] as number, run.ids[after] as number) : NO_PAIR;
    run.pairs[at] = pair;
    if (pair !== NO_PAIR) run.put(this.#pairs.rank(pair) * PLACES + at);
  }
}

/** The tokens of a run as a linked list by place, what pair begins at each, and the heap of pairs that wait. */
class Run {
  readonly ids: Uint32Array;
  readonly next: Uint32Array;
  readonly previous: Uint32Array;
  readonly pairs: Int32Array;
  length = 0;
  readonly #heap: Float64Array;
  #waiting = 0;

  constructor(capacity: number) {
    this.ids = new Uint32Array(capacity);
    this.next = new Uint32Array(capacity);
    this.previous = new Uint32Array(capacity);
    this.pairs = new Int32Array(capacity);
    // One pair for each two neighbours, and two more for each of at most that many merges.
    this.#heap = new Float64Array(3 * capacity);
  }

  start(bytes: Uint8Array, byteIds: Uint32Array): void {
    this.length = bytes.length;
    for (let at = 0; at < bytes.length; at++) {
      this.ids[at] = byteIds[bytes[at] as number] as number;
      this.next[at] = at + 1;
      this.previous[at] = at - 1;
      this.pairs[at] = NO_PAIR;
    }
    this.#waiting = 0;
  }

  left(): number[] {
    const ids: number[] = [];
    for (let at = 0; at < this.length; at = this.next[at] as number) ids.push(this.ids[at] as number);
    return ids;
  }

  put(key: number): void {
    const heap = this.#heap;
    let at = this.#waiting++;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if ((heap[parent] as number) <= key) break;
      heap[at] = heap[parent] as number;
      at = parent;
    }
    heap[at] = key;
  }

  /** The place of the pair that is merged next; -1 when none is left. */
  take(table: PairTable): number {
    while (this.#waiting > 0) {
      const key = this.#pop();
      const rank = Math.floor(key / PLACES);
      const at = key - rank * PLACES;
      const pair = this.pairs[at] as number;
      if (pair !== NO_PAIR && table.rank(pair) === rank) return at;
    }
    return -1;
  }

  #pop(): number {
    const heap = this.#heap;
    const top = heap[0] as number;
    const last = heap[--this.#waiting] as number;
    let at = 0;
    for (let child = 1; child < this.#waiting; child = 2 * at + 1) {
      if (child + 1 < this.#waiting && (heap[child + 1] as number) < (heap[child] as number)) child++;
      if ((heap[child] as number) >= last) break;
      heap[at] = heap[child] as number;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

const SLOT = 4;

/** Finds a merge by its two ids: open addressing in one array, four numbers a slot. 8 MB for the 280,147 of Llama 3. */
class PairTable {
  readonly #slots: Int32Array;
  readonly #last: number;

  constructor({ left, right, merged, rank }: Merges) {
    const capacity = 2 ** Math.ceil(Math.log2(1.5 * left.length + 1));
    this.#last = capacity - 1;
    this.#slots = new Int32Array(SLOT * capacity).fill(NO_PAIR);
    for (let at = 0; at < left.length; at++) {
      const slot = this.#slot(left[at] as number, right[at] as number);
      this.#slots[slot] = left[at] as number;
      this.#slots[slot + 1] = right[at] as number;
      this.#slots[slot + 2] = rank[at] as number;
      this.#slots[slot + 3] = merged[at] as number;
    }
  }

  /** Where the pair is; -1 if the two do not merge. */
  find(left: number, right: number): number {
    const slot = this.#slot(left, right);
    return this.#slots[slot] === NO_PAIR ? NO_PAIR : slot;
  }

  rank(pair: number): number {
    return this.#slots[pair + 2] as number;
  }

  merged(pair: number): number {
    return this.#slots[pair + 3] as number;
  }

  /** The slot that holds the pair, or the empty one where it belongs. */
  #slot(left: number, right: number): number {
    const slots = this.#slots;
    for (let at = mix(left, right) & this.#last; ; at = (at + 1) & this.#last) {
      const slot = SLOT * at;
      if (slots[slot] === NO_PAIR || (slots[slot] === left && slots[slot + 1] === right)) return slot;
    }
  }
}

/** Spreads two ids over 32 bits; the multipliers are odd and otherwise arbitrary. */
function mix(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
