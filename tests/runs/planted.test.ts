import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { select } from "../helpers/engine.ts";
import { temporary } from "../helpers/folder.ts";
import { seeded } from "../helpers/random.ts";
import { artefacts, manifest, shardsOf, succeed } from "./flipturn.ts";

/** A log with known answers. Nobody said any of this: its words are made up. */
const folder = temporary();
const random = seeded(5);
const words = (count: number) => Array.from({ length: count }, () => `w${Math.floor(20_000 * random())}`).join(" ");
const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);

type Planted = { id: string; user: string; country: string; text: string };
let users = 0;
const one = (id: string, text: string, user = `u${users++}`, country = "Chile"): Planted => ({
  id,
  user,
  country,
  text,
});
/** Three templates with a slot of four words, 40 times each. */
const templates = numbers(3).flatMap((template) => {
  const [start, end] = [words(20), words(10)];
  return numbers(40).map((at) => one(`template-${template}-${at}`, `${start} ${words(4)} ${end}`));
});
/** 40 people who begin alike, as people do, and go on each in their own way. */
const ordinary = numbers(40).map((at) => one(`ordinary-${at}`, `can you help me write a short ${words(25)}`));
/** 30 pairs of 56 of 60 sequences of three words in common: Jaccard 0.93. */
const near = numbers(30).flatMap((at) => {
  const text = words(58);
  return [one(`near-${at}-a`, `${text} ${words(2)}`), one(`near-${at}-b`, `${text} ${words(2)}`)];
});
/** 30 pairs of users with the same opening. */
const shared = numbers(30).flatMap((at) => {
  const text = words(5);
  return [one(`shared-${at}-a`, text), one(`shared-${at}-b`, text)];
});
/** 40 users seen under two countries. */
const abroad = numbers(40).flatMap((at) =>
  ["Chile", "Peru"].map((country) => one(`abroad-${at}-${country}`, words(30), `traveller${at}`, country)),
);
const others = numbers(200).map((at) => one(`other-${at}`, words(30)));
const all = [...templates, ...ordinary, ...near, ...shared, ...abroad, ...others];

async function runOn(name: string, rows: readonly Planted[], ...flags: string[]): Promise<string> {
  const [input, output] = [join(folder, `${name}.jsonl`), join(folder, name)];
  const lines = rows.map(({ id, user, country, text }) => {
    const messages = [
      { role: "user", content: text },
      { role: "assistant", content: "Here it is." },
    ];
    return `${JSON.stringify({ id, user, country, messages })}\n`;
  });
  writeFileSync(input, lines.join(""));
  const source = ["--source", "chat", "--columns", "id=id,user=user,country=country", "--input", input];
  const settings = ["--min-count", "30", "--ratios", "40,30,30", "--intents", "none", "--to", "split"];
  await succeed(["run", ...source, ...settings, "--output", output, ...flags], { cwd: folder });
  return output;
}

const ids = (rows: readonly { id: string }[]) => rows.map(({ id }) => `chat:${id}`).sort();

/** By kind of link: how many values are in more than one split. */
async function leaks(run: string): Promise<Record<string, number>> {
  const rows = await select<{ link: string; values: number }>(
    `SELECT link, values FROM ${shardsOf(run, "split", "leaks")}`,
  );
  return Object.fromEntries(rows.map(({ link, values }) => [link, values]));
}

/** How many pairs of conversations are in two splits, of those whose ids begin so. */
async function torn(run: string, prefix: string): Promise<number> {
  const [row] = await select<{ n: number }>(
    `SELECT count(*)::INT AS n FROM (SELECT regexp_extract(conversation_id, '${prefix}-[0-9]+') AS pair
     FROM ${shardsOf(run, "split", "split_assignments")} WHERE conversation_id LIKE 'chat:${prefix}-%'
     GROUP BY pair HAVING count(DISTINCT split) > 1)`,
  );
  return row?.n ?? 0;
}

let paper: string;
beforeAll(async () => {
  paper = await runOn("paper", all);
}, 120_000);

describe("in a planted log of 560 conversations", () => {
  test("templates with a slot are dropped with recall 1 (120 of 120) and precision 1 (40 with an ordinary opening stay)", async () => {
    const dropped = await select<{ id: string }>(
      `SELECT conversation_id AS id FROM ${shardsOf(paper, "dedup", "rejections")} WHERE reason = 'template' ORDER BY 1`,
    );
    expect(all).toHaveLength(560);
    expect(dropped.map(({ id }) => id)).toEqual(ids(templates));
    expect(manifest(paper, "dedup").counts["templates_matched"]).toBe(3);
  });

  test("near-duplicates of Jaccard 0.93 and equal short openings are found with recall 1 (60 of 60 pairs) and precision 1", async () => {
    const clusters = await select<{ members: string[] }>(
      `SELECT list_sort(list(conversation_id)) AS members FROM ${shardsOf(paper, "dedup", "group_keys")}
       WHERE cluster IS NOT NULL GROUP BY cluster ORDER BY members[1]`,
    );
    const pairs = [...near, ...shared].filter(({ id }) => id.endsWith("-a")).map(({ id }) => id.slice(0, -1));
    const expected = pairs.map((pair) => [`chat:${pair}a`, `chat:${pair}b`]);
    expect(clusters.map(({ members }) => members)).toEqual(expected.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1)));
  });

  test("the audit counts exactly the pairs that a split by users has torn", async () => {
    const [ofNear, ofShared] = [await torn(paper, "near"), await torn(paper, "shared")];
    expect(ofNear).toBeGreaterThan(0);
    expect(ofShared).toBeGreaterThan(0);
    expect(await leaks(paper)).toEqual({
      user: 0,
      country: 0,
      opening: ofShared,
      template: 0,
      near_duplicate: ofNear + ofShared,
    });
  });

  test("by IP and country some of 40 travellers sit in two splits, and the audit counts each; by paper none", async () => {
    const run = await runOn("letter", all, "--split-by", "user-and-country");
    const travellers = await torn(run, "abroad");
    expect(travellers).toBeGreaterThan(0);
    expect(await leaks(run)).toMatchObject({ user: travellers, country: travellers });
    expect(await torn(paper, "abroad")).toBe(0);
  });

  test("by groups nothing is torn, and --leaks fail lets it pass", async () => {
    const run = await runOn("groups", all, "--split-by", "groups", "--leaks", "fail");
    expect(await leaks(run)).toEqual({ user: 0, country: 0, opening: 0, template: 0, near_duplicate: 0 });
    for (const prefix of ["near", "shared", "abroad"]) expect(await torn(run, prefix)).toBe(0);
  });

  test("shuffling and threads change no byte, and three shards no row", async () => {
    const shuffled = all
      .map((row, at) => ({ row, at: (at * 7919) % all.length }))
      .sort((a, b) => a.at - b.at)
      .map(({ row }) => row);
    const again = await runOn("again", shuffled, "--threads", "1", "--shards", "1");
    expect(artefacts(again)).toEqual(artefacts(paper));
    const three = await runOn("three", shuffled, "--threads", "2", "--shards", "3");
    for (const [stage, artefact] of [
      ["dedup", "templates"],
      ["dedup", "rejections"],
      ["dedup", "clusters"],
      ["dedup", "group_keys"],
      ["split", "split_assignments"],
      ["split", "leaks"],
    ] as const) {
      const rows = (run: string) => select(`SELECT * FROM ${shardsOf(run, stage, artefact)} ORDER BY ALL`);
      expect(await rows(three), artefact).toEqual(await rows(paper));
    }
  });
});
