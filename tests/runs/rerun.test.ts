import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import {
  allFiles,
  DEMO,
  DEMO_SETTINGS,
  type Result,
  type StageName,
  select,
  stageFolder,
  succeed,
  temporary,
  tree,
} from "./flipturn.ts";

const folder = temporary();

/** The stages that a run did, as its lines on stderr say; the others were up to date. */
function didRun({ stderr }: Result): string[] {
  const lines = stderr.split("\n").filter((line) => /\(.*\)$/.test(line));
  return lines.filter((line) => !line.includes("(up to date)")).map((line) => line.split(" ")[0] ?? "");
}

describe("a finished run", () => {
  const output = join(folder, "demo");
  const run = (...flags: string[]) =>
    succeed(["demo", "--output", output, "--shards", "2", "--threads", "1", ...flags], { cwd: folder });
  const times = () =>
    Object.fromEntries(allFiles(output).map((path) => [path, statSync(join(output, path), { bigint: true }).mtimeNs]));
  let before: Record<string, string> = {};

  // Each test begins with the same finished run, whatever became of it in the test before.
  beforeEach(async () => {
    if (JSON.stringify(tree(output)) === JSON.stringify(before) && before["dataset/README.md"]) return;
    rmSync(output, { recursive: true, force: true });
    await run();
    before = tree(output);
  });

  test("does nothing when it is run again, and says so", async () => {
    const written = times();
    const again = await run();
    expect(times()).toEqual(written);
    expect(again.stderr.match(/up to date/g)).toHaveLength(7);
    expect(didRun(again)).toEqual([]);
  });

  test.each([
    ["--form", "messages", ["write"]],
    ["--format", "jsonl", ["write"]],
    ["--ratios", "50,25,25", ["split", "flip", "write"]],
    ["--language", "any", ["prepare", "dedup", "split", "intents", "flip", "write"]],
    ["--seed", "1", ["download", "prepare", "dedup", "split", "intents", "flip", "write"]],
    ["--shards", "3", ["download", "prepare", "dedup", "split", "intents", "flip", "write"]],
    // Near-duplicates by another rule, but the same ones: what was made of them stays. The card states the rule.
    ["--coverage", "0.51", ["dedup", "write"]],
  ])(
    "with another %s runs what depends on it and nothing else, and back again gives the same bytes",
    async (flag, value, expected) => {
      expect(didRun(await run(flag, value))).toEqual(expected);
      expect(didRun(await run(flag, value))).toEqual([]);
      await run();
      expect(tree(output)).toEqual(before);
    },
  );

  test.each([
    ["prepare", "conversations-00001-of-00002.parquet"],
    ["prepare", "rejections-00000-of-00002.parquet"],
    ["dedup", "templates-00000-of-00001.parquet"],
    ["dedup", "rejections-00001-of-00002.parquet"],
    ["split", "users-00000-of-00001.parquet"],
    ["intents", "intents-00000-of-00002.parquet"],
    ["flip", "samples-00001-of-00002.parquet"],
    ["flip", "manifest.json"],
    ["write", "../dataset/data/train-00001-of-00002.parquet"],
    ["write", "../dataset/README.md"],
  ] as [StageName, string][])("without a file of %s (%s) does that stage again and no other", async (stage, file) => {
    rmSync(join(output, stageFolder(stage), file));
    expect(didRun(await run())).toEqual([stage]);
    expect(tree(output)).toEqual(before);
  });

  test("notices a file that was cut short", async () => {
    const path = join(output, "06-flip", "samples-00000-of-00002.parquet");
    writeFileSync(path, readFileSync(path).subarray(0, -1));
    expect(didRun(await run())).toEqual(["flip"]);
    expect(tree(output)).toEqual(before);
  });

  test("that was changed is what a run from the start with the same options is", async () => {
    const flags = ["--coverage", "0.51"];
    await run(...flags);
    const fresh = join(folder, "fresh");
    await succeed(["demo", "--output", fresh, "--shards", "2", "--threads", "1", ...flags], { cwd: folder });
    expect(tree(output)).toEqual(tree(fresh));
  });

  test("does everything again with --force, to the same bytes", async () => {
    expect(didRun(await run("--force"))).toHaveLength(7);
    expect(tree(output)).toEqual(before);
  });

  test("in parts gives the same bytes as in one go", async () => {
    const parts = join(folder, "parts");
    const part = (...flags: string[]) =>
      succeed(["demo", "--output", parts, "--shards", "2", "--threads", "1", ...flags], { cwd: folder });
    const { stdout } = await part("--to", "dedup");
    expect(stdout).toContain("Stopped after dedup, as asked.");
    expect(allFiles(parts).some((path) => path.startsWith("04-"))).toBe(false);
    await part("--from", "split", "--to", "intents");
    await part("--from", "flip");
    expect(tree(parts)).toEqual(before);
  });

  test("looks at an input again that was touched, and goes no further if its bytes are the same", async () => {
    const copy = join(folder, "copy.jsonl");
    const rows = await select(`SELECT * FROM read_parquet('${DEMO}/conversations-00000.parquet')`);
    const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
    writeFileSync(copy, text);
    const args = ["run", ...DEMO_SETTINGS, "--threads", "1", "--input", copy, "--output", join(folder, "touched")];
    await succeed(args, { cwd: folder });
    utimesSync(copy, 1, 1);
    expect(didRun(await succeed(args, { cwd: folder }))).toEqual(["download"]);
    writeFileSync(copy, text.replace('"content":"', '"content":"Well. '));
    expect(didRun(await succeed(args, { cwd: folder }))).toContain("prepare");
  });
});
