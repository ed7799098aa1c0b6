import type { Task } from "../../pipeline/task.ts";
import { Conversation } from "../../schemas/conversation.ts";
import type { Tally } from "../../schemas/manifest.ts";
import type { DedupOptions } from "../dedup.ts";
import { MIN_COUNTS } from "./curve.ts";
import { type Counted, encodeRuns, joinRanges, KeyCounter, mergeAll, moreThan, readRange } from "./runs.ts";
import { NGRAM, WordScanner } from "./words.ts";

/** The hashes that a text is counted by: its 7-grams, or, if wanted, itself as a whole when it is shorter. */
export function scan(scanner: WordScanner, opening: string, options: Pick<DedupOptions, "shortPrompts">): number {
  scanner.scan(opening);
  return scanner.grams || (options.shortPrompts === "drop" ? scanner.scanWhole() : 0);
}

/** Counts the 7-grams of the openings of a shard. */
export async function count(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const scanner = new WordScanner();
  const counter = new KeyCounter(task.index);
  let short = 0;
  for await (const { opening } of task.read("prepare", "conversations", Conversation.pick({ opening: true }))) {
    const grams = scan(scanner, opening, task.options);
    if (scanner.words < NGRAM) short++;
    counter.addDistinct(scanner.gramLow, scanner.gramHigh, grams);
  }
  await task.writeBytes(task.path(runsFile("counts", task.index)), encodeRuns(counter.finish(), task.plan.shards));
  return { counts: { openings_under_7_words: short } };
}

/** Adds up the counts of a range of hashes and sets aside the 7-grams that any threshold, also of the curve, asks for. */
export async function merge(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const { minCount } = task.options;
  const all = mergeAll(shardsOf(task).map((shard) => readRange(task.path(runsFile("counts", shard)), task.index)));
  const frequent = moreThan(all, Math.min(minCount, MIN_COUNTS[0]));
  await task.writeBytes(task.path(runsFile("frequent", task.index)), encodeRuns(frequent, 1));
  const heavy = frequent.counts.reduce((sum, count) => sum + Number(count > minCount), 0);
  return { counts: { distinct_7grams: all.keys.length, heavy_7grams: heavy } };
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
