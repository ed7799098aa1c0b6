/**
 * Conversations -> templates, and rejections for the conversations whose first user turn is mostly a recurring template
 * ("Flipping the Dialogue", appendix A: a 7-gram counter on the first-turn prompts). The paper looked at the frequent
 * patterns by hand; here the rule is: a 7-gram is heavy if more than `minCount` conversations contain it, and a
 * conversation is dropped if heavy 7-grams cover at least `coverage` of the words of its first turn.
 *
 * count (a shard each): 7-grams of the openings, sorted and counted. merge (a hash range each): heavy 7-grams overall.
 * mark (a shard each): where heavy 7-grams stand. join (once): templates. drop (a shard each): rejections.
 */
import { z } from "zod";
import { readParquet } from "../pipeline/parquet.ts";
import { defineStage } from "../pipeline/stage.ts";
import type { Task } from "../pipeline/task.ts";
import { Conversation } from "../schemas/conversation.ts";
import type { Tally } from "../schemas/manifest.ts";
import type { Rejection } from "../schemas/rejection.ts";
import { Template } from "../schemas/template.ts";
import { openingKey, Trait } from "../schemas/trait.ts";
import { type Counted, encodeRuns, KeyCounter, KeyIndex, mergeAll, moreThan, readRange } from "./dedup/runs.ts";
import { chainGrams, type Gram, isCovered, linkKey, type Mark, TemplateTable, templateOf } from "./dedup/templates.ts";
import { NGRAM, WordScanner } from "./dedup/words.ts";

export const DedupOptions = z.strictObject({
  templates: z
    .enum(["drop", "keep"])
    .default("drop")
    .describe("conversations that match a recurring template; `keep` turns the stage off"),
  minCount: z.int().min(1).default(100).describe("a 7-gram in more conversations than this is heavy"),
  coverage: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe("share of the first turn's words that heavy 7-grams must cover for a match"),
  keep: z
    .enum(["none", "first"])
    .default("none")
    .describe("which of the conversations of a template stay; first = the earliest"),
  shortPrompts: z
    .enum(["keep", "drop"])
    .default("keep")
    .describe("prompts under seven words have no 7-gram: `drop` counts such a prompt as a whole"),
});
export type DedupOptions = z.infer<typeof DedupOptions>;

/** Which conversation matched which template, through which 7-gram. */
const MarkRow = z.object({
  id: z.string(),
  started_at: z.string().nullable(),
  words: z.int(),
  covered: z.int(),
  grams: z.array(z.int()),
});
const GramText = z.object({ gram: z.int(), text: z.string() });
const GramRow = z.object({ text: z.string(), count: z.int(), template: z.int() });
const Opening = Conversation.pick({ id: true, started_at: true, opening: true });

/** The hashes that a text is counted by: its 7-grams, or, if wanted, itself as a whole when it is shorter. */
function scan(scanner: WordScanner, opening: string, options: DedupOptions): number {
  scanner.scan(opening);
  return scanner.grams || (options.shortPrompts === "drop" ? scanner.scanWhole() : 0);
}

/** Finds the heavy 7-grams of an opening. `heavy` tells the number of a heavy 7-gram or -1. */
export function markOpening(
  row: z.infer<typeof Opening>,
  scanner: WordScanner,
  heavy: KeyIndex,
  options: DedupOptions,
): Mark & { places: number[] } {
  const count = scan(scanner, row.opening, options);
  const places = new Map<number, number>();
  let covered = 0;
  let end = 0;
  for (let at = 0; at < count; at++) {
    const gram = heavy.find(scanner.gramLow[at] as number, scanner.gramHigh[at] as number);
    if (gram < 0) continue;
    if (!places.has(gram)) places.set(gram, at);
    const stop = Math.min(at + NGRAM, scanner.words);
    covered += stop - Math.max(at, end);
    end = stop;
  }
  const { id, started_at } = row;
  return { id, started_at, words: scanner.words, covered, grams: [...places.keys()], places: [...places.values()] };
}

async function count(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const scanner = new WordScanner();
  const counter = new KeyCounter(task.index);
  let short = 0;
  for await (const { opening } of task.read("prepare", "conversations", Opening)) {
    const grams = scan(scanner, opening, task.options);
    if (scanner.words < NGRAM) short++;
    counter.addDistinct(scanner.gramLow, scanner.gramHigh, grams);
  }
  await task.writeBytes(task.path(file("counts", task.index)), encodeRuns(counter.finish(), task.plan.shards));
  return { counts: { openings_under_7_words: short } };
}

async function merge(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const all = mergeAll(shards(task).map((shard) => readRange(task.path(file("counts", shard)), task.index)));
  const heavy = moreThan(all, task.options.minCount);
  await task.writeBytes(task.path(file("heavy", task.index)), encodeRuns(heavy, 1));
  return { counts: { distinct_7grams: all.keys.length, heavy_7grams: heavy.keys.length } };
}

/** All heavy 7-grams, numbered in the order of their hashes. */
function readHeavy(task: Task<DedupOptions>): Counted {
  return mergeAll(shards(task).map((range) => readRange(task.path(file("heavy", range)), 0)));
}

/** The numbers of the shards, which are also those of the hash ranges. */
function shards(task: Task<DedupOptions>): number[] {
  return Array.from({ length: task.plan.shards }, (_, shard) => shard);
}

async function mark(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const heavy = readHeavy(task);
  const index = new KeyIndex(heavy.keys);
  const scanner = new WordScanner();
  const links = new KeyCounter(task.index);
  const texts = new Map<number, string>();
  async function* marks(): AsyncGenerator<Mark> {
    for await (const row of task.read("prepare", "conversations", Opening)) {
      const { places, ...found } = markOpening(row, scanner, index, task.options);
      for (const [at, gram] of found.grams.entries()) {
        const after = found.grams[at + 1];
        if (after !== undefined) links.add(linkKey(gram, after));
        if (heavy.owners[gram] === task.index && !texts.has(gram))
          texts.set(gram, scanner.text(places[at] ?? 0, NGRAM));
      }
      if (found.grams.length > 0) yield found;
    }
  }
  await task.write("marks", MarkRow, marks());
  await task.writeBytes(task.path(file("links", task.index)), encodeRuns(links.finish(), 1));
  await task.write(
    "texts",
    GramText,
    [...texts].map(([gram, text]) => ({ gram, text })),
  );
  return {};
}

async function join(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const heavy = readHeavy(task);
  const links = mergeAll(shards(task).map((shard) => readRange(task.path(file("links", shard)), 0)));
  const chains = chainGrams(heavy.counts, links);
  const grams: Gram[] = Array.from(heavy.counts, (count) => ({ text: "", count, template: -1 }));
  for (const [template, chain] of chains.entries()) for (const gram of chain) (grams[gram] as Gram).template = template;
  const { signal } = task;
  for await (const { gram, text } of readParquet(task.shards("dedup", "texts"), GramText, { signal }))
    (grams[gram] as Gram).text = text;
  const table = new TemplateTable(chains, grams, task.options);
  for await (const found of readParquet(task.shards("dedup", "marks"), MarkRow, { signal })) table.add(found);
  const rows = table.rows();
  const one = { index: 0, of: 1 };
  await task.write("templates", Template, rows, one);
  await task.write("grams", GramRow, grams, one);
  return { counts: { templates: rows.length, templates_matched: rows.filter((row) => row.matched > 0).length } };
}

async function drop(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const { options, signal } = task;
  const templates: Template[] = [];
  const grams: Gram[] = [];
  for await (const row of readParquet(task.shard("dedup", "templates", 0, 1), Template, { signal }))
    templates.push(row);
  for await (const row of readParquet(task.shard("dedup", "grams", 0, 1), GramRow, { signal })) grams.push(row);
  const rejections: Rejection[] = [];
  const matched = new Map<string, string>();
  for await (const found of task.read("dedup", "marks", MarkRow)) {
    if (!isCovered(found, options.coverage)) continue;
    const number = templateOf(found, grams);
    const template = templates[number];
    if (!template) continue;
    matched.set(found.id, template.id);
    if (options.templates === "keep" || template.kept === found.id) continue;
    const { text } = heaviest(found, number, grams);
    const detail = JSON.stringify({
      template: template.id,
      ngram: text,
      coverage: round(found.covered / found.words),
      words: found.words,
    });
    rejections.push({ id: found.id, conversation_id: found.id, stage: "dedup", reason: "template", detail });
  }
  const rejected = await task.writeRejections(rejections);
  const dropped = new Set(rejections.map((each) => each.id));
  await task.write("traits", Trait, traits(task, dropped, matched));
  const total = await task.rows("prepare", "conversations");
  return { taken: total, in: total, kept: total - rejections.length, rejected };
}

/** The traits of the conversations of the shard that stay, in order. */
async function* traits(
  task: Task<DedupOptions>,
  dropped: ReadonlySet<string>,
  matched: ReadonlyMap<string, string>,
): AsyncGenerator<Trait> {
  for await (const { id, opening } of task.read("prepare", "conversations", Opening)) {
    if (dropped.has(id)) continue;
    yield { conversation_id: id, opening_key: openingKey(opening), template: matched.get(id) ?? null, cluster: null };
  }
}

/** Of a turn's 7-grams that are in this template the one in the most conversations; the first in the text where equal. */
function heaviest(found: Mark, template: number, grams: readonly Gram[]): Gram {
  const own = found.grams.map((gram) => grams[gram] as Gram).filter((gram) => gram.template === template);
  return own.reduce((best, gram) => (gram.count > best.count ? gram : best));
}

function round(share: number): number {
  return Math.round(1000 * share) / 1000;
}

function file(kind: string, index: number): string {
  return `${kind}-${String(index).padStart(5, "0")}.runs`;
}

export const dedup = defineStage({
  name: "dedup",
  summary: "drop near-duplicates of recurring prompt templates, by 7-grams of the first user turn",
  reads: ["prepare"],
  unit: "conversations",
  options: DedupOptions,
  isIntermediate: (name) => /^(counts|heavy|links|marks|texts|grams)-/.test(name),
  phases: [
    { name: "count", tasks: (plan) => plan.shards, run: count },
    { name: "merge", tasks: (plan) => plan.shards, run: merge },
    { name: "mark", tasks: (plan) => plan.shards, run: mark },
    { name: "join", tasks: () => 1, run: join },
    { name: "drop", tasks: (plan) => plan.shards, run: drop },
  ],
});
