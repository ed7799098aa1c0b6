import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { INTENT_PREFIX } from "../../stages/intents/prompt.ts";
import { execute, select } from "../helpers/engine.ts";
import { temporary } from "../helpers/folder.ts";
import { startHub } from "../servers/hub.ts";
import { allFiles, artefacts, DEMO, flipturn, manifest, shardsOf, succeed } from "./flipturn.ts";

const folder = temporary();
const published = join(folder, "published.parquet");
type Row = { conversation_id: string; source_id: string; opening: string };
/** The conversations of the demo that dedup has left, by id. */
let left: Row[];

const args = (output: string, ...more: string[]) => [
  ...[
    "run",
    "--source",
    "wildchat-1m",
    "--input",
    join(DEMO, "conversations-*.parquet"),
    "--output",
    join(folder, output),
  ],
  ...["--max-bad-rows", "0.05", "--min-count", "10", "--intents", "import", ...more],
];
const run = (output: string, ...more: string[]) => succeed(args(output, ...more), { cwd: folder });
const intent = (text: string) => `${INTENT_PREFIX} ${text}.`;

beforeAll(async () => {
  await run("base", "--import", join(DEMO, "intents.jsonl"), "--to", "dedup");
  left = await select<Row>(
    `SELECT id AS conversation_id, source_id, opening FROM ${shardsOf(join(folder, "base"), "prepare", "conversations")}
     WHERE id NOT IN (SELECT conversation_id FROM ${shardsOf(join(folder, "base"), "dedup", "rejections")}) ORDER BY id`,
  );
  const rows = left.map((row, at) => {
    // By its own id, by an id of the artefacts, by its text alone, and some not at all.
    const key = [row.source_id, row.conversation_id, null, null][at % 4];
    return {
      key,
      first: at % 4 === 2 ? row.opening : null,
      said: at % 4 === 3 ? null : at === 1 ? "The user wants tea." : intent(`do ${at}`),
    };
  });
  writeFileSync(join(folder, "rows.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  await execute(
    `COPY (SELECT key AS conversation_hash, first AS first_prompt, said AS intent FROM read_json('${join(folder, "rows.jsonl")}')) TO '${published}' (FORMAT parquet)`,
  );
}, 60_000);

describe("published intents", () => {
  test("are joined by id, else by the first turn's text; rows and conversations without each other are accounted for", async () => {
    await run("one", "--import", published);
    const { kept, rejected, counts, inputs, in: all } = manifest(join(folder, "one"), "intents");
    const openings = new Map<string, number>();
    for (const { opening } of left) openings.set(opening, (openings.get(opening) ?? 0) + 1);
    expect(all).toBe(left.length);
    expect(kept + Object.values(rejected).reduce((sum, count) => sum + count, 0)).toBe(all);
    expect(counts["imported_by_id"]).toBe(left.filter((_, at) => at % 4 < 2).length);
    expect(counts["imported_by_text"]).toBeGreaterThan(0);
    expect((counts["imported_by_id"] ?? 0) + (counts["imported_by_text"] ?? 0)).toBe(kept + 1);
    expect(rejected).toEqual({ no_intent: expect.any(Number), wrong_prefix: 1 });
    const fates = Object.entries(counts).filter(([name]) => name.startsWith("published_"));
    expect(fates.reduce((sum, [, count]) => sum + count, 0)).toBe(left.length);
    expect(inputs).toContainEqual(expect.objectContaining({ path: published, rows: left.length }));
    const rows = await select<{ conversation_id: string; intent: string | null; origin: string }>(
      `SELECT conversation_id, intent, origin FROM ${shardsOf(join(folder, "one"), "intents", "intents")} ORDER BY 1`,
    );
    expect(rows.map((row) => row.origin)).toEqual(left.map(() => "imported"));
    for (const [at, row] of rows.entries()) if (at % 4 < 2 && at !== 1) expect(row.intent).toBe(intent(`do ${at}`));
  });

  test("give the same bytes on more threads, and leave nothing intermediate behind", async () => {
    await run("two", "--import", published, "--threads", "2", "--to", "intents");
    const intents = (name: string) =>
      Object.entries(artefacts(join(folder, name))).filter(([path]) => path.startsWith("05-intents"));
    expect(intents("two")).toEqual(intents("one"));
    expect(allFiles(join(folder, "two", "05-intents")).filter((path) => /import/.test(path))).toEqual([]);
  });

  test("are told of in the ledger and on the card, the file by name alone", async () => {
    const { stdout } = await succeed(["intents", "ledger", "--output", join(folder, "one")], { cwd: folder });
    expect(stdout).toMatch(/nothing was sent/);
    expect(stdout).toMatch(/intents from import: \d+ of \d+ conversations have one/);
    expect(stdout).toMatch(/conversations +by id \d+, by text \d+/);
    expect(stdout).toMatch(/published rows .*used \d+/);
    const json = await succeed(["intents", "ledger", "--output", join(folder, "one"), "--json"], { cwd: folder });
    expect(JSON.parse(json.stdout)).toMatchObject({
      models: [],
      intents: { provider: "import", conversations: left.length },
    });
    const card = readFileSync(join(folder, "one", "dataset", "samples", "README.md"), "utf8");
    expect(card).toMatch(
      /imported from `published\.parquet`: \d+ of \d+ conversations have one.*\d+ were found by the id/,
    );
    expect(card).not.toContain(folder);
  });

  test("that are none are shown first in a review, with what was found beside the conversation", async () => {
    const shown = await succeed(["intents", "review", "--output", join(folder, "one"), "--worst", "99", "--json"], {
      cwd: folder,
    });
    const wrong = JSON.parse(shown.stdout).find(({ status }: { status: string }) => status === "wrong_prefix");
    expect(wrong).toMatchObject({ intent: null, picked: "worst", detail: { found: "The user wants tea." } });
    const text = await succeed(["intents", "review", "--output", join(folder, "one"), "--worst", "99"], {
      cwd: folder,
    });
    expect(text.stdout).toMatch(/found: The user wants tea\. +\| /);
  });

  test("are those of another run as flipturn wrote them", async () => {
    const own = join(folder, "one", "05-intents", "intents-*.parquet");
    await run("again", "--import", own, "--to", "intents");
    const { kept, counts } = manifest(join(folder, "again"), "intents");
    expect(kept).toBe(manifest(join(folder, "one"), "intents").kept);
    expect(counts["imported_by_text"]).toBe(0);
  });

  test("come from the Hub at the commit that a branch stands for, once", async () => {
    const hub = await startHub({
      repo: "somebody/goals",
      revisions: ["main"],
      files: { "data/train-0.parquet": { content: readFileSync(published), lfs: true }, "README.md": { content: "x" } },
    });
    try {
      const env = { HF_ENDPOINT: hub.url };
      const address = "hf://datasets/somebody/goals/data/*.parquet";
      await succeed(args("hub", "--import", address), { cwd: folder, env });
      const { options, inputs, kept } = manifest(join(folder, "hub"), "intents");
      expect(kept).toBe(manifest(join(folder, "one"), "intents").kept);
      expect(options["import"]).toEqual([`hf://datasets/somebody/goals@${hub.commit}/data/*.parquet`]);
      expect(inputs[0]?.path).toBe(`hf://datasets/somebody/goals@${hub.commit}/data/train-0.parquet`);
      const fetched = () => hub.requests.filter(({ route }) => route === "resolve" || route === "cdn").length;
      const before = fetched();
      await succeed(args("hub", "--import", address, "--intent-prefix", "", "--to", "intents"), { cwd: folder, env });
      expect(fetched()).toBe(before);
      const card = readFileSync(join(folder, "hub", "dataset", "samples", "README.md"), "utf8");
      expect(card).toContain(`imported from \`hf://datasets/somebody/goals@${hub.commit}/data/*.parquet\``);
    } finally {
      await hub.close();
    }
  });

  test.each([
    ["no --import", [], /--intents import needs --import FILE/],
    ["a file that is not there", ["--import", "nowhere.parquet"], /--import nowhere\.parquet: matches no file/],
    ["a broken address", ["--import", "hf://goals"], /--import hf:\/\/goals: expected hf:\/\/datasets\//],
  ])("with %s are refused before any work", async (_, more, message) => {
    const { code, stderr } = await flipturn(args("refused", ...more), { cwd: folder });
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
    expect(allFiles(join(folder, "refused"))).toEqual([]);
  });
});
