import { z } from "zod";
import type { RowOf } from "../../../pipeline/artefact.ts";
import { parseLine, readLines } from "../../../pipeline/files/jsonl.ts";
import type { Task } from "../../../pipeline/task.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import { prepared } from "../../prepare/artefacts.ts";
import { deduplicated } from "../artefacts.ts";
import type { DedupOptions } from "../options.ts";
import { encodeRuns, KeyCounter, KeyIndex } from "../runs.ts";
import { coveredWords, linkKey, type Mark } from "../templates.ts";
import { MIN_COUNTS, type Profile, profileOf, ThresholdSweep } from "../threshold-sweep.ts";
import { NGRAM, WordScanner } from "../words.ts";
import { readFrequent, scan } from "./count.ts";

/** Which heavy 7-grams a conversation's opening has, and where. */
const MarkRow = z.object({
  id: z.string(),
  user: z.string(),
  country: z.string().nullable(),
  started_at: z.string().nullable(),
  words: z.int(),
  grams: z.array(z.int()),
  places: z.array(z.int()),
});
/** Characters of marks that are written at a time. */
const LINES_LENGTH = 1 << 18;

/** What is read of a conversation. */
const COLUMNS = ["id", "user_id", "country", "started_at", "opening"] as const;
type Opening = Pick<RowOf<typeof prepared.conversations>, (typeof COLUMNS)[number]>;

/** The counted 7-grams of the last text that `scanner` has scanned which `index` knows, and the words where they begin. */
function known(scanner: WordScanner, grams: number, index: KeyIndex): { grams: number[]; places: number[] } {
  const found: { grams: number[]; places: number[] } = { grams: [], places: [] };
  for (let at = 0; at < grams; at++) {
    const gram = index.find(scanner.gramLow[at] as number, scanner.gramHigh[at] as number);
    if (gram < 0) continue;
    found.grams.push(gram);
    found.places.push(at);
  }
  return found;
}

/** Finds 7-grams in an opening. `index` tells the number of each. */
export function markOpening(
  row: Opening,
  scanner: WordScanner,
  index: KeyIndex,
  options: Pick<DedupOptions, "shortPrompts">,
): Mark {
  const found = known(scanner, scan(scanner, row.opening, options), index);
  const { id, user_id, country, started_at } = row;
  return { id, user: user_id ?? id, country, started_at, words: scanner.words, ...found };
}

/** What each threshold of the sweep would cover of an opening; null if none covers anything. */
function profile(mark: Mark, counts: ArrayLike<number>): Profile | null {
  if (mark.grams.length === 0) return null;
  const covered = MIN_COUNTS.map((least) => coveredWords(mark, (gram) => (counts[gram] as number) > least));
  return profileOf(covered, mark.words);
}

/** The mark with the 7-grams that `numbers` gives a number from 1, under these numbers less 1. */
function onlyHeavy(mark: Mark, numbers: ArrayLike<number>): Mark {
  const grams: number[] = [];
  const places: number[] = [];
  for (const [at, gram] of mark.grams.entries()) {
    const number = numbers[gram] as number;
    if (number === 0) continue;
    grams.push(number - 1);
    places.push(mark.places[at] as number);
  }
  return { ...mark, grams, places };
}

/** Marks the openings of a shard, notes which heavy 7-gram comes after which, and what each threshold would remove. */
export async function locate(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const frequent = await readFrequent(task);
  const index = new KeyIndex(frequent.keys);
  let heavy = 0;
  const numbers = frequent.counts.map((count) => (count > task.options.minCount ? ++heavy : 0));
  const owners = frequent.owners.filter((_, at) => numbers[at] !== 0);
  const scanner = new WordScanner();
  const links = new KeyCounter(task.index);
  const sweep = new ThresholdSweep();
  const texts = new Map<number, string>();
  async function* marks(): AsyncGenerator<Mark> {
    for await (const row of task.read(prepared.conversations, COLUMNS)) {
      const found = markOpening(row, scanner, index, task.options);
      sweep.add(found.user, profile(found, frequent.counts));
      const own = onlyHeavy(found, numbers);
      if (own.grams.length === 0) continue;
      addLinks(own, links);
      for (const [at, gram] of own.grams.entries())
        if (owners[gram] === task.index && !texts.has(gram)) texts.set(gram, scanner.text(own.places[at] ?? 0, NGRAM));
      yield own;
    }
  }
  await task.writeBytes(deduplicated.marks, lines(marks()));
  await task.writeBytes(deduplicated.links, encodeRuns(links.finish(), 1));
  await task.writeBytes(deduplicated.profiles, [sweep.encode()]);
  await task.write(
    deduplicated.gram_texts,
    [...texts].map(([gram, text]) => ({ gram, text })),
  );
  return {};
}

/** Marks as lines of JSON: lists of numbers take a tenth of the time that they take as Parquet. */
async function* lines(marks: AsyncIterable<Mark>): AsyncGenerator<Uint8Array> {
  let text = "";
  for await (const each of marks) {
    text += `${JSON.stringify(each)}\n`;
    if (text.length < LINES_LENGTH) continue;
    yield Buffer.from(text);
    text = "";
  }
  yield Buffer.from(text);
}

/** The marks of a shard, in the order of its conversations. */
export async function* readMarks(task: Task<DedupOptions>, shard = task.index): AsyncGenerator<Mark> {
  const path = await task.file(deduplicated.marks, shard);
  for await (const line of readLines(path, task.signal)) yield MarkRow.parse(parseLine(line));
}

/** Notes which heavy 7-gram is the next after which, each where it stands first. */
export function addLinks(mark: Mark, links: KeyCounter): void {
  const distinct = [...new Set(mark.grams)];
  for (const [at, gram] of distinct.entries()) {
    const after = distinct[at + 1];
    if (after !== undefined) links.add(linkKey(gram, after));
  }
}
