import type { Bytes } from "../../../pipeline/artefact.ts";
import type { Task } from "../../../pipeline/task.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import { prepared } from "../../prepare/artefacts.ts";
import { deduplicated } from "../artefacts.ts";
import type { DedupOptions } from "../options.ts";
import { type Counted, encodeRuns, joinRanges, moreThan, readRange } from "../runs.ts";
import { countKeys, readRangeKeys, Scatter } from "../scatter.ts";
import { MIN_COUNTS } from "../threshold-sweep.ts";
import { NGRAM, WordScanner } from "../words.ts";

/** The hashes that a text is counted by: its 7-grams, or, if wanted, itself as a whole when it is shorter. */
export function scan(scanner: WordScanner, opening: string, options: Pick<DedupOptions, "shortPrompts">): number {
  scanner.scan(opening);
  return scanner.grams || (options.shortPrompts === "drop" ? scanner.scanWhole() : 0);
}

/** Ranges of hashes that one task of `merge` goes through, one after the other: less memory, and sorting in the cache. */
const RANGES = 8;

/** Deals the 7-grams of the openings of a shard out into ranges of their hashes. */
export async function count(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const scanner = new WordScanner();
  const scatter = new Scatter(RANGES * task.plan.shards);
  let short = 0;
  async function* blocks(): AsyncGenerator<Uint8Array> {
    for await (const { opening } of task.read(prepared.conversations, ["opening"])) {
      const grams = scan(scanner, opening, task.options);
      if (scanner.words < NGRAM) short++;
      scatter.add(scanner.gramLow, scanner.gramHigh, grams);
      for (const block of scatter.full()) yield block;
    }
    yield* scatter.finish();
  }
  await task.writeBytes(deduplicated.counts, blocks());
  return { counts: { openings_under_7_words: short } };
}

/** Counts the hashes of some ranges and sets aside the 7-grams that any threshold, also of the sweep, asks for. */
export async function merge(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const { minCount } = task.options;
  const least = Math.min(minCount, MIN_COUNTS[0]);
  const paths = await filesOf(task, deduplicated.counts);
  const counted = Array.from({ length: RANGES }, (_, at) => RANGES * task.index + at).map((range) =>
    countKeys(
      paths.map((path) => readRangeKeys(path, range)),
      least,
    ),
  );
  const frequent = joinRanges(counted.map((each) => each.frequent));
  await task.writeBytes(deduplicated.frequent, encodeRuns(frequent, 1));
  const heavy = frequent.counts.reduce((sum, count) => sum + Number(count > minCount), 0);
  return { counts: { distinct_7grams: counted.reduce((sum, { distinct }) => sum + distinct, 0), heavy_7grams: heavy } };
}

/** All 7-grams that `merge` set aside, in the order of their hashes. */
export async function readFrequent(task: Task<DedupOptions>): Promise<Counted> {
  return joinRanges((await filesOf(task, deduplicated.frequent)).map((path) => readRange(path, 0)));
}

/** Those of them that are in more than `minCount` conversations; their places are the numbers of the heavy 7-grams. */
export async function readHeavy(task: Task<DedupOptions>): Promise<Counted> {
  return moreThan(await readFrequent(task), task.options.minCount);
}

/** Paths of what earlier tasks wrote, one for each shard or hash range, which are as many. */
export function filesOf(task: Task<DedupOptions>, artefact: Bytes): Promise<string[]> {
  return Promise.all(task.shards.map((index) => task.file(artefact, index)));
}
