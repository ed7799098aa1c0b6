/** Entries of one generation. With the old one, at most twice as many are held: some 15 MB. */
const MAX_ENTRIES = 65_536;

/** Longer pre-tokens hardly ever come twice. */
const MAX_UNITS = 48;

/**
 * What pre-tokens became, for those seen lately. Bounded: when the young generation is full it becomes the old one, and
 * the old one is forgotten; what is asked for again moves to the young one.
 */
export class PieceCache {
  #young = new Map<string, readonly number[]>();
  #old = new Map<string, readonly number[]>();

  get(piece: string): readonly number[] | undefined {
    const ids = this.#young.get(piece);
    if (ids !== undefined || this.#old.size === 0) return ids;
    const old = this.#old.get(piece);
    if (old !== undefined) this.set(piece, old);
    return old;
  }

  set(piece: string, ids: readonly number[]): void {
    if (piece.length > MAX_UNITS) return;
    if (this.#young.size >= MAX_ENTRIES) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(unlinked(piece), ids);
  }
}

/** A copy: a slice of 13 units or more would keep the whole text that it was cut from in memory (V8). */
function unlinked(piece: string): string {
  return piece.length < 13 ? piece : Buffer.from(piece, "utf16le").toString("utf16le");
}
