import type { Task } from "../../../pipeline/task.ts";
import { Conversation } from "../../../schemas/conversation.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import { type Counted, encodeRuns, joinRanges, moreThan, readRange } from "../runs.ts";
import { countKeys, readRangeKeys, Scatter } from "../scatter.ts";
import type { DedupOptions } from "../stage.ts";
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
    for await (const { opening } of task.read("prepare", "conversations", Conversation.pick({ opening: true }))) {
      const grams = scan(scanner, opening, task.options);
      if (scanner.words < NGRAM) short++;
      scatter.add(scanner.gramLow, scanner.gramHigh, grams);
      for (const block of scatter.full()) yield block;
    }
    yield* scatter.finish();
  }
  await task.writeBytes(task.path(runsFile("counts", task.index)), blocks());
  return { counts: { openings_under_7_words: short } };
}

/** Counts the hashes of some ranges and sets aside the 7-grams that any threshold, also of the curve, asks for. */
export async function merge(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const { minCount } = task.options;
  const least = Math.min(minCount, MIN_COUNTS[0]);
  const counted = Array.from({ length: RANGES }, (_, at) => RANGES * task.index + at).map((range) => {
    const shards = shardsOf(task).map((shard) => readRangeKeys(task.path(runsFile("counts", shard)), range));
    return countKeys(shards, least);
  });
  const frequent = joinRanges(counted.map((each) => each.frequent));
  await task.writeBytes(task.path(runsFile("frequent", task.index)), encodeRuns(frequent, 1));
  const heavy = frequent.counts.reduce((sum, count) => sum + Number(count > minCount), 0);
  return { counts: { distinct_7grams: counted.reduce((sum, { distinct }) => sum + distinct, 0), heavy_7grams: heavy } };
}

/** All 7-grams that `merge` set aside, in the order of their hashes. */
export function readFrequent(task: Task<DedupOptions>): Counted {
  return joinRanges(shardsOf(task).map((range) => readRange(task.path(runsFile("frequent", range)), 0)));
}

/** Those of them that are in more than `minCount` conversations; their places are the numbers of the heavy 7-grams. */
export function readHeavy(task: Task<DedupOptions>): Counted {
  return moreThan(readFrequent(task), task.options.minCount);
}

/** The numbers of the shards, which are also those of the hash ranges. */
export function shardsOf(task: Task<DedupOptions>): number[] {
  return Array.from({ length: task.plan.shards }, (_, shard) => shard);
}

/** Name of an intermediate file of one task. */
export function runsFile(kind: string, index: number): string {
  return `${kind}-${String(index).padStart(5, "0")}.runs`;
}
