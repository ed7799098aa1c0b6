import { Union } from "../../pipeline/collections.ts";
import { Entries } from "./near/bands.ts";
import { enter, linkSimilar, type NearOptions } from "./near/link.ts";
import { MinHash } from "./near/minhash.ts";
import { Sets } from "./near/sets.ts";
import { addLinks, markOpening } from "./phases/locate.ts";
import { KeyCounter, KeyIndex, moreThan } from "./runs.ts";
import { chainGrams, type Gram, type Mark, matchOf } from "./templates.ts";
import { WordScanner } from "./words.ts";

/** When openings are alike. */
export type AlikeOptions = { minCount: number; coverage: number; near: NearOptions };

/** By the number of an opening: the number of the template that it matches, and of its cluster of near-duplicates; -1 = none. */
export type Alike = { templates: Int32Array; clusters: Int32Array };

/**
 * Templates and clusters of near-duplicates among openings that are at hand, in one process: what the stage does in
 * many tasks. `openings` is gone through twice and must give the same each time.
 * Memory: 16 bytes a 7-gram, 4 a shingle, about 20 a band of each opening.
 */
export async function findAlike(openings: () => AsyncIterable<string>, options: AlikeOptions): Promise<Alike> {
  const scanner = new WordScanner();
  const counter = new KeyCounter(0);
  const minHash = new MinHash("alike", options.near);
  const into = { sets: new Sets(), entries: new Entries(1) };
  let size = 0;
  for await (const opening of openings()) {
    scanner.scan(opening);
    counter.addDistinct(scanner.gramLow, scanner.gramHigh, scanner.grams);
    // Counting has sorted nothing of the scanner's own: its words are still those of the opening.
    enter(scanner, size++, minHash, options.near, into);
  }
  const linked = linkSimilar([into.entries.range(0)], (text) => into.sets.at(text), options.near.jaccard);
  return { templates: await templatesOf(openings, counter, size, options), clusters: clustersOf(linked, size) };
}

async function templatesOf(
  openings: () => AsyncIterable<string>,
  counter: KeyCounter,
  size: number,
  options: AlikeOptions,
): Promise<Int32Array> {
  const heavy = moreThan(counter.finish(), options.minCount);
  const index = new KeyIndex(heavy.keys);
  const scanner = new WordScanner();
  const links = new KeyCounter(0);
  const marks: Mark[] = [];
  let number = 0;
  for await (const opening of openings()) {
    const row = { id: String(number++), user_id: null, country: null, started_at: null, opening };
    const mark = markOpening(row, scanner, index, { shortPrompts: "keep" });
    if (mark.grams.length === 0) continue;
    addLinks(mark, links);
    marks.push(mark);
  }
  const grams: Gram[] = Array.from(heavy.counts, (count) => ({ text: "", count, template: -1 }));
  for (const [template, chain] of chainGrams(heavy.counts, links.finish()).entries())
    for (const gram of chain) (grams[gram] as Gram).template = template;
  const templates = new Int32Array(size).fill(-1);
  for (const mark of marks) templates[Number(mark.id)] = matchOf(mark, grams, options.coverage)?.template ?? -1;
  return templates;
}

function clustersOf(linked: Uint32Array, size: number): Int32Array {
  const union = new Union();
  for (let at = 0; at < linked.length; at += 2) union.join(linked[at] as number, linked[at + 1] as number);
  const clusters = new Int32Array(size).fill(-1);
  for (const text of linked) clusters[text] = union.root(text);
  return clusters;
}
