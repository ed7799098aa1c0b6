import { Union } from "../../../pipeline/collections.ts";
import { NGRAM, type WordScanner } from "../words.ts";
import { candidatePairs, type Entries } from "./bands.ts";
import { type Bands, jaccard, type MinHash } from "./minhash.ts";
import type { Sets } from "./sets.ts";

/** When texts are near-duplicates, and how they are sought. */
export type NearOptions = Bands & {
  /** Least Jaccard similarity of the sets of shingles. */
  jaccard: number;
  /** Words of a shingle. */
  shingle: number;
};

/**
 * Puts a scanned text into `sets` and `entries`: one of seven words or more with its shingles, under the key of each
 * band; a shorter one with its whole, under the key of that alone; one without words with nothing.
 */
export function enter(
  scanner: WordScanner,
  text: number,
  minHash: MinHash,
  options: NearOptions,
  into: { sets: Sets; entries: Entries },
): void {
  const [low, high] = scanner.hash();
  if (scanner.words < NGRAM) {
    into.sets.add(scanner.words === 0 ? new Uint32Array(0) : Uint32Array.of(low));
    if (scanner.words > 0) into.entries.add([low, high], text, low);
    return;
  }
  const shingles = scanner.shingles(options.shingle);
  into.sets.add(shingles);
  minHash.sign(shingles);
  for (let band = 0; band < options.bands; band++) into.entries.add(minHash.band(band), text, low);
}

/**
 * Links texts that share a key and whose sets are similar enough, found by comparing the sets themselves. Texts that
 * are linked already, through others, are not compared again. Returns the pairs that were linked.
 */
export function linkSimilar(
  parts: readonly Uint32Array[],
  setOf: (text: number) => Uint32Array,
  least: number,
): Uint32Array {
  const union = new Union();
  const linked: number[] = [];
  for (const [a, b] of candidatePairs(parts, setOf, least, (text) => union.root(text))) {
    if (union.root(a) === union.root(b) || jaccard(setOf(a), setOf(b)) < least) continue;
    union.join(a, b);
    linked.push(a, b);
  }
  return Uint32Array.from(linked);
}
