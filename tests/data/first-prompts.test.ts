import { beforeAll, expect, test } from "vitest";
import type { Given } from "../../pipeline/config.ts";
import { goesOn } from "../../pipeline/text/word-characters.ts";
import { Conversation } from "../../schemas/conversation.ts";
import { Rejection } from "../../schemas/rejection.ts";
import { Template } from "../../schemas/template.ts";
import {
  artefact,
  describeReal,
  type Finished,
  found,
  jsonl,
  realFile,
  runInto,
  shuffled,
  writeJsonl,
} from "./real.ts";

type Dedup = { minCount: number; coverage: number; keep?: "first"; shortPrompts?: "drop" };

const UNSPACED = String.raw`[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー〆〼\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]`;
const WORD = new RegExp(String.raw`(?:[\p{L}\p{N}]|(?=\p{M})${UNSPACED})+`, "gu");
const UNSPACED_LETTER = new RegExp(String.raw`(?=[^\p{Nd}])${UNSPACED}`, "u");
const isUnspaced = (character: string) => UNSPACED_LETTER.test(character);

/** Words as the project means them, written down a second time and as simply as possible. */
function wordsOf(text: string): string[] {
  const characters = [...text.normalize("NFKC").toLowerCase()];
  const cut = characters.map(
    (character, at) => (at > 0 && isCut(characters[at - 1] ?? "", character) ? " " : "") + character,
  );
  return cut.join("").match(WORD) ?? [];
}

/** Whether a word ends between two letters: scripts without spaces end it by themselves, and against other scripts. */
function isCut(before: string, after: string): boolean {
  if (!isUnspaced(before)) return isUnspaced(after);
  return !goesOn(before.codePointAt(0) ?? 0, after.codePointAt(0) ?? 0);
}

/** The 7-grams of a text by their first word; a shorter text as a whole, if wanted. */
function gramsOf(words: readonly string[], shortAsWhole: boolean): string[] {
  if (words.length >= 7) return words.slice(6).map((_, at) => words.slice(at, at + 7).join(" "));
  return shortAsWhole && words.length > 0 ? [words.join(" ")] : [];
}

/** Texts in which 7-grams of more than `minCount` texts cover at least `coverage` of the words: by Map and Set. */
function duplicates(texts: readonly string[], { minCount, coverage, shortPrompts }: Dedup): Set<number> {
  const all = texts.map((text) => {
    const words = wordsOf(text);
    return { words, grams: gramsOf(words, shortPrompts === "drop") };
  });
  const counts = new Map<string, number>();
  for (const { grams } of all) for (const gram of new Set(grams)) counts.set(gram, (counts.get(gram) ?? 0) + 1);
  const dropped = new Set<number>();
  for (const [number, { words, grams }] of all.entries()) {
    const covered = new Set<number>();
    for (const [at, gram] of grams.entries()) {
      if ((counts.get(gram) ?? 0) <= minCount) continue;
      for (let word = at; word < Math.min(at + 7, words.length); word++) covered.add(word);
    }
    if (covered.size > 0 && covered.size >= coverage * words.length) dropped.add(number);
  }
  return dropped;
}

describeReal("1,869 first prompts of WildChat", () => {
  let prompts: string[];
  let input: string[];

  const name = (number: number) => `p${String(number).padStart(5, "0")}`;
  const row = (prompt: string, number: number) => ({
    key: name(number),
    // The last row is the earliest.
    time: new Date(Date.UTC(2024, 0, 1) - number * 60_000).toISOString(),
    messages: [{ role: "user", content: prompt }],
  });
  const settings = (dedup: Dedup): Given => {
    return { source: "chat", input, shards: 2, prepare: { columns: { id: "key", time: "time" } }, dedup };
  };
  /** Stages that are up to date are not run again, so that this counts and drops anew and no more. */
  const dedup = (options: Dedup) => runInto("prompts", settings(options), "dedup");
  const templates = (finished: Finished) => artefact(finished, "03-dedup/templates-*.parquet", Template);
  const rejections = (finished: Finished) => artefact(finished, "03-dedup/rejections-*.parquet", Rejection);
  const droppedBy = async (finished: Finished) =>
    (await rejections(finished)).map((each) => each.id.replace("chat:", "")).sort();

  beforeAll(() => {
    prompts = jsonl<{ prompt: string }>(realFile("wildchat", "first_prompts.jsonl")).map((each) => each.prompt);
    input = [writeJsonl("prompts.jsonl", prompts.map(row))];
  });

  test("are 1,869, of which 113 have a 7-gram of more than 100 and 240 one of more than 10", async () => {
    expect(prompts).toHaveLength(1869);
    expect((await dedup({ minCount: 100, coverage: 0 })).manifest("dedup").rejected).toEqual({ template: 113 });
    expect((await dedup({ minCount: 10, coverage: 0 })).manifest("dedup").rejected).toEqual({ template: 240 });
  });

  test("have fewer than seven words 222 times; cut at white space alone it would be 322", async () => {
    const finished = await dedup({ minCount: 100, coverage: 0.5 });
    expect(finished.manifest("dedup").counts["openings_under_7_words"]).toBe(222);
    expect(prompts.filter((text) => wordsOf(text).length < 7)).toHaveLength(222);
    expect(prompts.filter((text) => text.split(/\s+/).filter(Boolean).length < 7)).toHaveLength(322);
  });

  test("hold 126 exact repeats, which have the same id where the id is a hash of the messages", async () => {
    const bare = writeJsonl(
      "bare.jsonl",
      prompts.map((content) => ({ messages: [{ role: "user", content }] })),
    );
    const finished = await runInto("bare", { source: "chat", input: [bare] }, "prepare");
    expect(finished.manifest("prepare")).toMatchObject({ in: 1869, kept: 1743, rejected: { repeated_id: 126 } });
    const kept = await artefact(finished, "02-prepare/conversations-*.parquet", Conversation);
    expect(new Set(kept.map((each) => each.opening))).toEqual(new Set(prompts));
    const all = { source: "chat", input: [bare], prepare: { repeats: "keep" } };
    expect((await runInto("bare", all, "prepare")).manifest("prepare").kept).toBe(1869);
  });

  test.for<Dedup>([
    { minCount: 100, coverage: 0 },
    { minCount: 10, coverage: 0.5 },
    { minCount: 3, coverage: 0.25 },
    { minCount: 3, coverage: 0.5, shortPrompts: "drop" },
  ])("are dropped as by counting in a Map: %j", async (options) => {
    const expected = [...duplicates(prompts, options)].map(name);
    expect(await droppedBy(await dedup(options))).toEqual(expected.sort());
  });

  test("are dropped one by one when short: a greeting counts as a whole", async () => {
    const bounds = { minCount: 1, coverage: 0.5 };
    const [kept, dropped] = [duplicates(prompts, bounds), duplicates(prompts, { ...bounds, shortPrompts: "drop" })];
    const more = [...dropped].filter((number) => !kept.has(number));
    expect(more.length).toBeGreaterThan(0);
    expect(more.every((number) => wordsOf(prompts[number] ?? "").length < 7)).toBe(true);
    const finished = await dedup({ ...bounds, shortPrompts: "drop" });
    expect(finished.manifest("dedup").rejected["template"]).toBe(dropped.size);
  });

  test("name their template and a 7-gram of theirs that is heavy", async () => {
    const finished = await dedup({ minCount: 10, coverage: 0.5 });
    const known = new Map((await templates(finished)).map((each) => [each.id, each]));
    for (const { id, detail } of await rejections(finished)) {
      const { template, ngram, words } = JSON.parse(detail) as { template: string; ngram: string; words: number };
      const own = wordsOf(prompts[Number(id.replace("chat:p", ""))] ?? "");
      expect(known.get(template)?.ngrams).toContain(ngram);
      expect(` ${own.join(" ")} `).toContain(` ${ngram} `);
      expect(words).toBe(own.length);
    }
  });

  test("share a template that can be read: the instruction of an image prompt, from its first word", async () => {
    const all = await templates(await dedup({ minCount: 100, coverage: 0 }));
    const largest = found(all.toSorted((a, b) => b.matched - a.matched)[0]);
    const start = wordsOf(found(prompts[Number(largest.examples[0]?.replace("chat:p", ""))]));
    expect(start[9]).toBe("midjourney");
    expect(largest.text.startsWith(start.slice(0, 20).join(" "))).toBe(true);
    expect(largest.matched).toBe(113);
    expect(largest.conversations).toBe(113);
    expect(largest.text.split(" ").length).toBeGreaterThan(60);
  });

  test("lose all but the earliest of each template where the first is kept", async () => {
    const bounds = { minCount: 10, coverage: 0.5 };
    const everything = [...duplicates(prompts, bounds)].map(name);
    const finished = await dedup({ ...bounds, keep: "first" });
    const matched = (await templates(finished)).filter((each) => each.matched > 0);
    const keptBack = matched.map((each) => found(each.kept ?? undefined).replace("chat:", ""));
    expect([...(await droppedBy(finished)), ...keptBack].sort()).toEqual(everything.sort());
    expect(new Set(keptBack).size).toBe(matched.length);
    const templateOf = new Map(matched.map((each) => [each.id, each.kept?.replace("chat:", "")]));
    for (const { id, detail } of await rejections(finished)) {
      const { template } = JSON.parse(detail) as { template: string };
      const earliest = found(templateOf.get(template));
      expect(earliest > id.replace("chat:", ""), `${earliest} came before ${id}`).toBe(true);
    }
  });

  test("give the same templates and drops in another order and in another number of shards", async () => {
    const options = { minCount: 3, coverage: 0.25 };
    const one = await dedup(options);
    const before = [await droppedBy(one), await templates(one)];
    const mixed = writeJsonl("mixed-prompts.jsonl", shuffled(prompts.map(row)));
    const again = await runInto("mixed-prompts", { ...settings(options), input: [mixed], shards: 3 }, "dedup");
    expect([await droppedBy(again), await templates(again)]).toEqual(before);
  });
});
