import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { select } from "../helpers/engine.ts";
import { temporary } from "../helpers/folder.ts";
import { ROOT, startProcess, succeed } from "./flipturn.ts";

const CORPUS = join(ROOT, "dist", "scripts", "bench", "corpus.js");
const CONVERSATIONS = 4000;
const folder = temporary();
const rows = `read_parquet('${join(folder, "two", "*.parquet")}')`;

async function corpus(output: string, conversations: number, ...flags: string[]) {
  const args = [CORPUS, "--conversations", String(conversations), "--output", join(folder, output), ...flags];
  const result = await startProcess(process.execPath, args, { cwd: folder }).done;
  expect([result.code, result.stderr]).toEqual([0, ""]);
  return result;
}

/** The one number that a query gives. */
async function number(sql: string): Promise<number> {
  const [row] = await select<{ n: number }>(`SELECT (${sql})::DOUBLE AS n`);
  return row?.n ?? Number.NaN;
}

const share = (condition: string) => number(`SELECT avg((${condition})::INT) FROM ${rows}`);
const shareOfMessages = (role: string, condition: string) =>
  number(
    `SELECT avg((${condition})::INT) FROM (SELECT unnest(conversation) AS m FROM ${rows}) WHERE m.role = '${role}'`,
  );

function hashes(output: string): string[] {
  const names = readdirSync(join(folder, output)).filter((name) => name.endsWith(".parquet"));
  return names.sort().map(
    (name) =>
      `${name} ${createHash("sha256")
        .update(readFileSync(join(folder, output, name)))
        .digest("hex")}`,
  );
}

beforeAll(async () => {
  await corpus("two", CONVERSATIONS, "--threads", "2");
});

describe("the synthetic corpus", () => {
  test("is the same for the same seed on any number of threads, and another for another seed", async () => {
    await corpus("few", 300, "--threads", "2");
    await corpus("alone", 300, "--threads", "1");
    await corpus("other", 300, "--seed", "2");
    expect(hashes("alone")).toEqual(hashes("few"));
    expect(hashes("few")).toHaveLength(2);
    for (const each of hashes("other")) expect(hashes("few")).not.toContain(each);
  });

  test("has the columns and nesting of WildChat-1M, in order", async () => {
    const real = join(ROOT, "..", "shared", "data", "wildchat", "parquet_shape_sample.SYNTHETIC_META", "data");
    const demo = join(ROOT, "scripts", "demo", "conversations-00000.parquet");
    const types = (from: string) =>
      select(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet('${from}'))`);
    const own = await types(join(folder, "two", "*.parquet"));
    expect(own).toHaveLength(14);
    expect(own).toEqual(await types(demo));
    if (existsSync(real)) expect(own).toEqual(await types(join(real, "train-00000-of-00003.parquet")));
  });

  test("says that it is synthetic in its folder, in the names and metadata of its files, and in its ids", async () => {
    expect(readFileSync(join(folder, "two", "README.md"), "utf8")).toMatch(/^# SYNTHETIC\n/);
    for (const name of readdirSync(join(folder, "two"))) expect(name).toMatch(/^(SYNTHETIC-|README)/);
    const files = `'${join(folder, "two", "*.parquet")}'`;
    expect(
      await number(
        `SELECT count(*) FROM parquet_kv_metadata(${files}) WHERE decode(key) = 'warning' AND decode(value) LIKE 'SYNTHETIC%'`,
      ),
    ).toBe(2);
    expect(await share("conversation_hash LIKE 'synthetic%' AND length(conversation_hash) = 32")).toBe(1);
    expect(await share("hashed_ip LIKE 'synthetic%' AND length(hashed_ip) = 64")).toBe(1);
  });

  test("has as many rows as asked for, all conversations alternate, and rounds share their number", async () => {
    expect(await number(`SELECT count(*) FROM ${rows}`)).toBe(CONVERSATIONS);
    expect(await share("turn * 2 = len(conversation)")).toBe(1);
    const alternates = "list_transform(conversation, lambda m, i: m.role = if(i % 2 = 1, 'user', 'assistant'))";
    expect(await share(`list_bool_and(${alternates})`)).toBe(1);
    const numbers =
      "list_transform(conversation, lambda m, i: m.turn_identifier = conversation[i - (i + 1) % 2].turn_identifier)";
    expect(await share(`list_bool_and(${numbers})`)).toBe(1);
    expect(await share("len(openai_moderation) = len(conversation)")).toBe(1);
  });

  test("has nulls where WildChat has them: times of users, places and headers of assistants", async () => {
    expect(
      await shareOfMessages("user", "m.timestamp IS NULL AND m.hashed_ip IS NOT NULL AND m.header IS NOT NULL"),
    ).toBe(1);
    expect(
      await shareOfMessages(
        "assistant",
        "m.timestamp IS NOT NULL AND m.hashed_ip IS NULL AND m.header IS NULL AND m.country IS NULL",
      ),
    ).toBe(1);
  });

  test("is 44 % not English, in many scripts", async () => {
    expect(await share("language <> 'English'")).toBeCloseTo(0.44, 1);
    for (const script of ["Han", "Cyrillic", "Arabic", "Hangul", "Latin"])
      expect(await share(`regexp_matches(conversation[2].content, '\\p{${script}}')`)).toBeGreaterThan(0.002);
  });

  test("has one template in a tenth of its rows, and ordinary words by Zipf's law", async () => {
    const openings = `SELECT regexp_extract(conversation[1].content, '^(\\S+ ){7}') AS begins FROM ${rows}`;
    const largest = `SELECT max(n) FROM (SELECT count(*) AS n FROM (${openings}) WHERE begins <> '' GROUP BY begins)`;
    expect((await number(largest)) / CONVERSATIONS).toBeCloseTo(0.1, 1);
    const words = `SELECT unnest(string_split_regex(conversation[2].content, '[^\\p{L}]+')) AS word FROM ${rows} WHERE language = 'English'`;
    const counts = await select<{ n: number }>(
      `SELECT count(*)::INT AS n FROM (${words}) WHERE word <> '' GROUP BY word ORDER BY n DESC LIMIT 100`,
    );
    // By Zipf's law the tenth word is about ten times as frequent as the hundredth.
    expect((counts[9]?.n ?? 0) / (counts[99]?.n ?? 1)).toBeGreaterThan(7);
    expect((counts[9]?.n ?? 0) / (counts[99]?.n ?? 1)).toBeLessThan(14);
  });

  test("has turns and lengths with heavy tails", async () => {
    expect(await number(`SELECT avg(turn) FROM ${rows}`)).toBeCloseTo(2.55, 0);
    expect(await number(`SELECT median(turn) FROM ${rows}`)).toBe(1);
    expect(await share("turn > 1")).toBeCloseTo(0.45, 1);
    expect(await number(`SELECT max(turn) FROM ${rows}`)).toBeGreaterThan(25);
    const lengths = `SELECT length(conversation[1].content) AS n FROM ${rows} WHERE conversation[1].content <> ''`;
    const mean = await number(`SELECT avg(n) FROM (${lengths})`);
    expect(mean).toBeGreaterThan(2 * (await number(`SELECT median(n) FROM (${lengths})`)));
    expect(await number(`SELECT max(n) FROM (${lengths})`)).toBeGreaterThan(20 * mean);
  });

  test("has people who come once and people who come very often, in many countries", async () => {
    const people = `SELECT count(*) AS n FROM ${rows} GROUP BY hashed_ip`;
    expect(await number(`SELECT max(n) FROM (${people})`)).toBeGreaterThan(20);
    expect(await number(`SELECT median(n) FROM (${people})`)).toBeLessThan(6);
    expect(await number(`SELECT count(DISTINCT country) FROM ${rows}`)).toBeGreaterThan(30);
  });

  test("has the oddities of real conversations", async () => {
    expect(await shareOfMessages("user", "m.content = ''")).toBeGreaterThan(0.003);
    expect(await shareOfMessages("user", "m.content <> trim(m.content, E' \\n')")).toBeGreaterThan(0.03);
    expect(await shareOfMessages("user", "contains(m.content, '<PRESIDIO_ANONYMIZED_PERSON>')")).toBeGreaterThan(0);
    expect(await shareOfMessages("user", "m.content = '' AND m.language <> 'Nolang'")).toBe(0);
    expect(await share("redacted")).toBeGreaterThan(0);
    expect(await share("toxic")).toBe(0);
    expect(await number(`SELECT count(*) - count(DISTINCT conversation_hash) FROM ${rows}`)).toBeGreaterThan(20);
  });
});

test("the pipeline takes a synthetic corpus to samples, and loses no row of it", async () => {
  const output = join(folder, "run");
  const input = join(folder, "two", "*.parquet");
  const { stdout } = await succeed(
    ["run", "--source", "wildchat-1m", "--input", input, "--intents", "none", "--output", output, "--json"],
    { cwd: folder },
  );
  const manifests = JSON.parse(stdout) as {
    stage: string;
    in: number;
    kept: number;
    rejected: Record<string, number>;
  }[];
  const [, prepare, dedup, , , , write] = manifests;
  expect([prepare?.in, Object.keys(prepare?.rejected ?? {})]).toEqual([
    CONVERSATIONS,
    ["language", "no_user_text", "repeated_id"],
  ]);
  expect(dedup?.rejected["template"]).toBeGreaterThan(0.08 * CONVERSATIONS);
  expect(write?.kept).toBeGreaterThan(CONVERSATIONS);
});

test("a folder with other Parquet files is refused in words", async () => {
  const args = [CORPUS, "--conversations", "200000", "--output", join(folder, "two")];
  const { code, stderr } = await startProcess(process.execPath, args, { cwd: folder }).done;
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /^bench:corpus: .*: holds SYNTHETIC-train-00000-of-00002.parquet, which is not of this corpus/,
  );
});
