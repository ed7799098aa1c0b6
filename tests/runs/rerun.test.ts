import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { select } from "../helpers/engine.ts";
import { temporary } from "../helpers/folder.ts";
import {
  allFiles,
  DEMO,
  DEMO_SETTINGS,
  flipturn,
  type Result,
  shardsOf,
  stageFolder,
  succeed,
  tree,
} from "./flipturn.ts";

// What is run again when is shown on a toy chain (tests/unit/pipeline/run.test.ts), and what each real stage depends on by
// its declaration (tests/unit/stages/index.test.ts). Here: that the real stages keep to it.

const folder = temporary();
const output = join(folder, "demo");
let before: Record<string, string> = {};

/** The stages that a run did, as its lines on stderr say; the others were up to date. */
function didRun({ stderr }: Result): string[] {
  const lines = stderr.split("\n").filter((line) => /\(\d+\.\d s\)$/.test(line));
  return lines.map((line) => line.split(" ")[0] ?? "");
}

function run(...flags: string[]): Promise<Result> {
  return succeed(["demo", "--output", output, "--shards", "2", "--threads", "1", ...flags], { cwd: folder });
}

beforeAll(async () => {
  await run();
  before = tree(output);
});

describe("a finished run", () => {
  test("does nothing when it is run again, and says so", async () => {
    const times = () =>
      Object.fromEntries(
        allFiles(output).map((path) => [path, statSync(join(output, path), { bigint: true }).mtimeNs]),
      );
    const written = times();
    const again = await run();
    expect(times()).toEqual(written);
    expect(again.stderr.match(/up to date/g)).toHaveLength(8);
    expect(didRun(again)).toEqual([]);
  });

  test("with another option runs what depends on it and nothing else, and back again has the same bytes", async () => {
    expect(didRun(await run("--ratios", "50,25,25"))).toEqual(["split", "flip", "render:samples", "describe:samples"]);
    // Near-duplicates by another rule, but the same ones: what was made of them stays. The card states the rule.
    const changed = ["--ratios", "50,25,25", "--set", "dedup.coverage=0.51"];
    expect(didRun(await run(...changed))).toEqual(["dedup", "describe:samples"]);
    expect(didRun(await run("--set", "models.intents.concurrency=3"))).not.toContain("intents");
    await run();
    expect(tree(output)).toEqual(before);
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

describe("a flipped bit in what a run wrote", () => {
  test("is named by `status --verify`, and made good by `run --verify`", async () => {
    await run();
    const path = join(output, stageFolder("prepare"), "conversations-00001-of-00002.parquet");
    const bytes = readFileSync(path);
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const status = ["status", "--output", output, "--verify"];
    const { code, stderr } = await flipturn(status, { cwd: folder });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/conversations-00001.*is damaged.*\(prepare\)/)]);
    expect(didRun(await run("--verify"))).toEqual(["prepare"]);
    expect(tree(output)).toEqual(before);
    await succeed(status, { cwd: folder });
  });
});

describe("several forms of one run", () => {
  const dataset = (form: string) => tree(join(output, "dataset", form));

  test("lie side by side: another form adds its own folder, and nothing before it runs again", async () => {
    await run();
    const samples = dataset("samples");
    expect(didRun(await run("--form", "messages"))).toEqual(["render:messages", "describe:messages"]);
    expect(dataset("samples")).toEqual(samples);
    expect(didRun(await run("--form", "samples", "--form", "messages"))).toEqual([]);
    expect(didRun(await run("--form", "messages", "--file-format", "jsonl"))).toEqual([
      ...["render:messages", "describe:messages"],
    ]);
    expect(dataset("samples")).toEqual(samples);
  });

  test("are the bytes of runs of their own", async () => {
    await run("--form", "messages,trl");
    for (const form of ["messages", "trl"]) {
      const alone = join(folder, `alone-${form}`);
      await succeed(["demo", "--output", alone, "--shards", "2", "--threads", "1", "--form", form], { cwd: folder });
      expect(dataset(form)).toEqual(tree(join(alone, "dataset", form)));
    }
  });

  test("are named where a command is about one, and asked for where it is not said which", async () => {
    const { stdout } = await succeed(["status", "--output", output], { cwd: folder });
    for (const form of ["samples", "messages", "trl"]) expect(stdout).toMatch(new RegExp(`^render:${form} +done`, "m"));
    const report = ["report", "--output", output, "--json"];
    const found = await succeed([...report, "--form", "trl"], { cwd: folder });
    expect(JSON.parse(found.stdout).form).toBe("trl");
    await expect(succeed(report, { cwd: folder })).rejects.toThrow("--form");
  });

  test("go when they are removed, and come back when they are asked for", async () => {
    rmSync(join(output, "dataset", "trl"), { recursive: true });
    expect(didRun(await run("--form", "trl"))).toEqual(["render:trl", "describe:trl"]);
  });
});

describe("an input that is replaced by one of the same size and time", () => {
  const input = join(folder, "log.jsonl");
  const write = (words: string, when = 1_700_000_000) => {
    const row = { id: "a", messages: [{ role: "user", content: words }] };
    writeFileSync(input, `${JSON.stringify(row)}\n`);
    utimesSync(input, when, when);
  };
  const args = ["run", "--source", "chat", "--input", input, "--intents", "none", "--threads", "1", "--output", "log"];

  test("is refused once it has been read, with what to do, which helps", async () => {
    write("hello");
    await succeed([...args, "--to", "download"], { cwd: folder });
    write("hallo");
    const { code, stderr } = await flipturn([...args, "--to", "prepare"], { cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /log\.jsonl: has changed since stage download looked at it: found the sha256 \w{12}…, expected \w{12}…; put the file back, or add --verify/,
    );
    await succeed([...args, "--to", "prepare", "--verify"], { cwd: folder });
    expect(await select(`SELECT opening FROM ${shardsOf(join(folder, "log"), "prepare", "conversations")}`)).toEqual([
      { opening: "hallo" },
    ]);
  });

  test("is told from one that cannot be read for another reason", async () => {
    write("hello");
    await succeed([...args, "--to", "download", "--from", "download", "--force"], { cwd: folder });
    writeFileSync(input, "?".repeat(statSync(input).size));
    utimesSync(input, 1_700_000_000, 1_700_000_000);
    const { stderr } = await flipturn([...args, "--to", "prepare"], { cwd: folder });
    expect(stderr).toContain("has changed since stage download looked at it");
  });
});
