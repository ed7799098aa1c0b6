import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { stageIn } from "../../pipeline/stage.ts";
import { FORM_NAMES, type FormName } from "../../stages/forms/index.ts";
import { select } from "../helpers/engine.ts";
import { temporary } from "../helpers/folder.ts";
import { allFiles, flipturn, manifest, manifests, type StageName, shardsOf, stageFolder, succeed } from "./flipturn.ts";

const folder = temporary();

/** Sets of options that between them use every rule of every stage. */
const OPTIONS: Record<string, string[]> = {
  defaults: [],
  "3 shards": ["--shards", "3"],
  "everything in": [
    ...["--language", "any", "--toxic", "keep", "--roles", "repair", "--repeats", "keep", "--templates", "keep"],
    ...["--intents", "none", "--control-tokens", "keep", "--shards", "2"],
  ],
  "as little as can be": [
    ...["--unknown-language", "drop", "--redacted", "drop", "--min-count", "3", "--coverage", "0.1"],
    ...["--short-prompts", "drop", "--shards", "2"],
  ],
  "first of each template": ["--keep", "first", "--min-count", "5", "--short-prompts", "drop"],
  "another language": ["--language", "French", "--intents", "none"],
  "no conversation left": ["--language", "Klingon"],
  "country in the user key": ["--split-by", "user-and-country", "--ratios", "40,30,30", "--shards", "2"],
  "one split": ["--fixed-split", "test", "--shards", "3"],
  "escaped control tokens": ["--control-tokens", "escape", "--seed", "another"],
};
/** Forms of the dataset where it is not `samples`. */
const FORM_OF: Record<string, FormName> = { "escaped control tokens": "messages" };

type Rejected = { id: string; conversation_id: string | null; stage: string; reason: string; detail: string };

async function rejectionsOf(run: string, stage: StageName, form?: string): Promise<Rejected[]> {
  const there = allFiles(join(run, stageFolder(stage, form))).some((path) => path.startsWith("rejections-"));
  return there ? select<Rejected>(`SELECT * FROM ${shardsOf(run, stage, "rejections", form)}`) : [];
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

type Turn = { role: string; content: string };

/** A row of any form; only rows of the form `samples` have `context` and `target`, only those of `messages` have `messages`. */
type Row = {
  id: string;
  conversation_id: string;
  user_id: string | null;
  split: string;
  turn: number;
  kind: string;
  context: Turn[];
  target: string;
  messages?: Turn[];
};

/** The rows of the finished dataset in one form, whatever the kind of its files. */
async function datasetRows(run: string, form: string): Promise<Row[]> {
  const rows = [];
  const folder = join(run, "dataset", form, "data");
  for (const path of allFiles(folder)) {
    const file = join(folder, path);
    const split = path.slice(0, path.indexOf("-"));
    const found = path.endsWith(".parquet")
      ? await select<Row>(`SELECT * FROM read_parquet('${file}', hive_partitioning = false)`)
      : readFileSync(file, "utf8")
          .split("\n")
          .filter(Boolean)
          .map((line) => JSON.parse(line));
    rows.push(...found.map((row) => ({ ...row, split })));
  }
  return rows;
}

/** What a row of the form `samples` or `messages` holds: the turns before its target, and that; as it was typed. */
function targetOf(row: Row): Row {
  if (!row.messages) return row;
  const typed = row.messages.map(({ role, content }) => ({ role, content: content.replaceAll("<\u200b|", "<|") }));
  const context = typed.filter(({ role }) => role !== "system");
  return { ...row, target: context.pop()?.content ?? "", context };
}

async function checkAccounts(run: string, form: string): Promise<void> {
  const found = manifests(run, form);
  for (const [at, each] of found.entries()) {
    const stage = stageIn(each.stage) as StageName;
    expect(each.in, `${stage}: in = kept + rejected`).toBe(each.kept + sum(each.rejected));
    if (at > 0 && stage !== "describe")
      expect(each.taken, `${stage} takes what the stage before kept`).toBe(found[at - 1]?.kept);
    const rows = await rejectionsOf(run, stage, form);
    const counted: Record<string, number> = {};
    for (const row of rows) {
      counted[row.reason] = (counted[row.reason] ?? 0) + 1;
      expect(row.stage).toBe(stage);
      expect(JSON.parse(row.detail)).toBeTypeOf("object");
    }
    expect(counted, `${stage}: a row for every rejection`).toEqual(each.rejected);
    expect(new Set(rows.map((row) => row.id)).size, `${stage}: rejections have ids of their own`).toBe(rows.length);
  }
}

async function checkConversations(run: string, form: string): Promise<void> {
  const conversations = await select<{ id: string }>(`SELECT id FROM ${shardsOf(run, "prepare", "conversations")}`);
  const rows = await datasetRows(run, form);
  const written = new Set(rows.map((row) => row.conversation_id));
  const rejected = new Set<string | null>();
  for (const stage of ["dedup", "intents", "flip", "render"] as const)
    for (const row of await rejectionsOf(run, stage, form)) rejected.add(row.conversation_id);
  expect(conversations.filter(({ id }) => !written.has(id) && !rejected.has(id))).toEqual([]);
  const known = new Set(conversations.map(({ id }) => id));
  expect(rows.filter((row) => !known.has(row.conversation_id))).toEqual([]);
  // A conversation that left as a whole has no row.
  for (const stage of ["dedup", "intents"] as const)
    for (const row of await rejectionsOf(run, stage)) expect(written.has(row.conversation_id ?? "")).toBe(false);
  expect(new Set(rows.map((row) => row.id)).size).toBe(rows.length);
  expect(rows.length).toBe(manifest(run, "render", form).kept);
}

/** The rows of the dataset, and what its manifest says of each split. */
async function checkSplits(
  run: string,
  form: string,
  key: (row: { user_id: string | null; conversation_id: string }) => string,
) {
  const rows = await datasetRows(run, form);
  const splits = new Map<string, Set<string>>();
  for (const row of rows) splits.set(key(row), (splits.get(key(row)) ?? new Set()).add(row.split));
  expect([...splits].filter(([, found]) => found.size > 1)).toEqual([]);
  const { counts } = manifest(run, "render", form);
  for (const split of ["train", "validation", "test"])
    expect(rows.filter((row) => row.split === split).length, split).toBe(counts[`rows_${split}`] ?? 0);
}

describe.each(Object.entries(OPTIONS))("with %s", (name, flags) => {
  const run = join(folder, name.replaceAll(" ", "-"));
  const form = FORM_OF[name] ?? "samples";

  test("every row is accounted for at every stage", async () => {
    const { code, stderr } = await flipturn(["demo", "--output", run, "--threads", "1", "--form", form, ...flags], {
      cwd: folder,
    });
    const isEmpty = name === "no conversation left";
    expect([code, stderr]).toEqual([isEmpty ? 1 : 0, expect.stringMatching(isEmpty ? /the dataset is empty/ : /./)]);
    await checkAccounts(run, form);
    expect(manifest(run, "prepare").in).toBe(152);
  });

  test("every conversation is in the dataset or in some file of rejections", async () => {
    await checkConversations(run, form);
  });

  test("no user is in two splits", async () => {
    const owner = (row: { user_id: string | null; conversation_id: string }) => row.user_id ?? row.conversation_id;
    if (name === "country in the user key") {
      const countries = await select<{ id: string; country: string }>(
        `SELECT id, country FROM ${shardsOf(run, "prepare", "conversations")}`,
      );
      const of = new Map(countries.map(({ id, country }) => [id, country]));
      await checkSplits(run, form, (row) => `${owner(row)} ${of.get(row.conversation_id)}`);
    } else await checkSplits(run, form, owner);
    if (name === "one split")
      expect(new Set((await datasetRows(run, form)).map((row) => row.split))).toEqual(new Set(["test"]));
  });

  test("the targets of a conversation are its user turns, each at most once and in order", async () => {
    const conversations = await select<{ id: string; turns: Turn[] }>(
      `SELECT id, turns FROM ${shardsOf(run, "prepare", "conversations")}`,
    );
    const samples = (await datasetRows(run, form)).map(targetOf).sort((a, b) => a.turn - b.turn);
    for (const { id, turns } of conversations) {
      const own = samples.filter((sample) => sample.conversation_id === id);
      if (own.length === 0) continue;
      const typed = turns.filter(({ role, content }) => role === "user" && content.trim() !== "");
      expect(own.filter(({ kind }) => kind !== "end").map(({ target }) => target)).toEqual(
        typed.map(({ content }) => content),
      );
      for (const { kind, context } of own)
        expect(context).toEqual(kind === "end" ? turns : turns.slice(0, context.length));
      expect(own.filter(({ kind }) => kind === "end").map(({ target }) => target)).toEqual(
        turns.at(-1)?.role === "assistant" ? ["<|endconversation|>"] : [],
      );
    }
  });

  test("every near-duplicate names a template and a 7-gram of it that stand in its first turn", async () => {
    const templates = await select<{ id: string; ngrams: string[]; kept: string | null }>(
      `SELECT id, ngrams, kept FROM ${shardsOf(run, "dedup", "templates")}`,
    );
    const openings = await select<{ id: string; opening: string }>(
      `SELECT id, opening FROM ${shardsOf(run, "prepare", "conversations")}`,
    );
    const opening = new Map(openings.map((each) => [each.id, each.opening]));
    const rejected = await rejectionsOf(run, "dedup");
    for (const { conversation_id, detail } of rejected) {
      const { template, ngram, words } = JSON.parse(detail) as { template: string; ngram: string; words: number };
      // Counted anew, without the code under test.
      const found =
        (opening.get(conversation_id ?? "") ?? "")
          .normalize("NFKC")
          .toLowerCase()
          .match(/[\p{L}\p{N}]+/gu) ?? [];
      expect(found.length).toBe(words);
      expect(` ${found.join(" ")} `).toContain(` ${ngram} `);
      expect(ngram.split(" ").length).toBe(Math.min(7, words));
      const named = templates.find((each) => each.id === template);
      expect(named?.ngrams).toContain(ngram);
      expect(named?.kept).not.toBe(conversation_id);
    }
    if (name === "first of each template") expect(templates.some((each) => each.kept !== null)).toBe(true);
    if (name === "defaults") expect(rejected.length).toBe(40);
    if (name === "everything in") expect(rejected.length).toBe(0);
  });
});

describe.each(["parquet", "jsonl"])("in all forms at a time, as %s", (format) => {
  // One folder for both: files of one kind replace those of the other, and nothing of these may stay.
  const run = join(folder, "forms");

  beforeAll(async () => {
    const forms = FORM_NAMES.flatMap((form) => ["--form", form]);
    await succeed(["demo", "--output", run, ...forms, "--file-format", format, "--shards", "2", "--threads", "1"], {
      cwd: folder,
    });
  });

  test.each(FORM_NAMES)("every row of %s is accounted for and nothing else is in its folder", async (form) => {
    await checkAccounts(run, form);
    await checkConversations(run, form);
    await checkSplits(run, form, (row) => row.user_id ?? row.conversation_id);
    const files = allFiles(join(run, "dataset", form));
    const isRow = (path: string) => path.startsWith("data/");
    expect(files.filter((path) => isRow(path) && !path.endsWith(`.${format}`))).toEqual([]);
    const outputs = [manifest(run, "render", form), manifest(run, "describe", form)].flatMap((each) => each.outputs);
    const written = outputs.map(({ path }) => path).filter((path) => path.startsWith("dataset/"));
    expect(files.map((path) => `dataset/${form}/${path}`)).toEqual(written.sort());
  });

  test.each(FORM_NAMES)("control tokens that a person typed leave %s with their reason where it is text", (form) => {
    const { rejected } = manifest(run, "render", form);
    if (["samples", "tokens", "torchtune"].includes(form)) expect(rejected).toEqual({});
    else expect(rejected["control_token"]).toBeGreaterThan(0);
  });
});
