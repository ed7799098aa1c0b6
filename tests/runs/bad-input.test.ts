import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { execute, select } from "../helpers/engine.ts";
import { temporary } from "../helpers/folder.ts";
import {
  allFiles,
  CLI,
  DEMO,
  DEMO_SETTINGS,
  flipturn,
  manifest,
  type Result,
  shardsOf,
  start,
  startProcess,
  succeed,
  tree,
} from "./flipturn.ts";

const folder = temporary();
const ROWS = `read_parquet('${DEMO}/*.parquet')`;
/** For runs in which threads play no part. */
const alone = ["--executor", "in-process"];
const run = ["run", ...alone, "--intents", "none", "--output", "out"];
const wild = [...run, "--source", "wildchat-1m", "--set", "prepare.maxBadRows=0.05"];
const chat = [...run, "--source", "chat", "--columns", "id=id"];
const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;

function file(name: string): string {
  return join(folder, name);
}

/** Lines of `--source chat` with the ids c0, c1, …; the line of a number in `broken` is replaced. */
function chatLines(count: number, broken: Record<number, string | Buffer> = {}): Buffer {
  const lines = Array.from({ length: count }, (_, at) => {
    const messages = [
      { role: "user", content: `hello, this is number ${at}` },
      { role: "assistant", content: "good day" },
    ];
    return Buffer.from(broken[at + 1] ?? JSON.stringify({ id: `c${at}`, messages }));
  });
  return Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")]));
}

beforeAll(async () => {
  chmodSync(folder, 0o755);
  const parquet = readFileSync(join(DEMO, "conversations-00000.parquet"));
  writeFileSync(file("truncated.parquet"), parquet.subarray(0, parquet.length - 100));
  const zeros = Buffer.from(parquet);
  zeros.fill(0, 3000, 3500);
  writeFileSync(file("damaged.parquet"), zeros);
  writeFileSync(file("text.parquet"), "These are words, and not a Parquet file at all.\n");
  writeFileSync(file("empty.jsonl"), "");
  writeFileSync(file("blank.jsonl"), "\n\n\n");
  writeFileSync(file("notes.txt"), "hello\n");
  writeFileSync(file("other.jsonl"), '{"a":1}\n'.repeat(3));
  writeFileSync(file("beyond.jsonl"), chatLines(300, Object.fromEntries([7, 8, 9, 10].map((line) => [line, "{oops"]))));
  writeFileSync(file("cut.jsonl.gz"), gzipSync(chatLines(5000)).subarray(0, -500));
  writeFileSync(file("not.jsonl.gz"), chatLines(3));
  writeFileSync(file("not.jsonl.zst"), chatLines(3));
  mkdirSync(file("folder.jsonl"));
  await execute(`COPY (SELECT * EXCLUDE (hashed_ip, model) FROM ${ROWS}) TO '${file("missing.parquet")}'`);
  await execute(`COPY (SELECT * FROM ${ROWS} LIMIT 0) TO '${file("norows.parquet")}'`);
  await execute(
    `COPY (SELECT * REPLACE (conversation::VARCHAR AS conversation) FROM ${ROWS}) TO '${file("type.parquet")}'`,
  );
  await execute(`COPY (SELECT * FROM ${ROWS}) TO '${file("good.parquet")}'`);
  await execute(
    `COPY (SELECT i AS id FROM range(9) t(i)) TO '${file("cut.jsonl.zst")}' (FORMAT json, COMPRESSION zstd)`,
  );
  writeFileSync(file("cut.jsonl.zst"), readFileSync(file("cut.jsonl.zst")).subarray(0, -5));
  writeFileSync(file("broken.yaml"), "source: wildchat-1m\ndedup: {minCount: 3\nsplit: {}\n");
  writeFileSync(file("list.yaml"), "- source\n");
  writeFileSync(file("top.yaml"), "source: wildchat-1m\ninputs: [good.parquet]\n");
  writeFileSync(file("source.yaml"), "sorce: wildchat-1m\n");
  writeFileSync(file("nested.yaml"), "source: wildchat-1m\ninput: [good.parquet]\ndedup: {mincount: 3}\n");
  writeFileSync(file("value.yaml"), "source: wildchat-1m\ninput: [good.parquet]\ndedup: {minCount: many}\n");
  writeFileSync(file("half.jsonl"), '{"id":\n');
  mkdirSync(file("odd"));
  writeFileSync(file("odd/plan.json"), '{"format":');
});

/** What a failed command said: everything on stderr but the lines of finished stages, and of slow ones on their way. */
function message({ stderr }: Result): string {
  const lines = stderr
    .split("\n")
    .filter(
      (line) => !/^(download|prepare|dedup|split|intents|flip|(render|describe):samples)( .*\)|: .*)$/.test(line),
    );
  return lines.join("\n").trim();
}

/** One message, in words, and no trace of where in the code it was. */
function checkMessage(result: Result, parts: readonly string[]): void {
  const said = message(result);
  for (const part of parts) expect(said).toContain(part);
  expect(said.match(/^(flipturn|error): /gm)).toHaveLength(1);
  expect(said).toMatch(/^(flipturn|error): /);
  // A second line may say what to do.
  expect(said.split("\n").length).toBeLessThanOrEqual(2);
  expect(result.stderr).not.toMatch(/^\s+at |node:internal|undefined|\[object/m);
  expect(result.stdout).toBe("");
}

/** Nothing that looks finished, nothing half-written, no lock. */
function checkNothingLeft(output: string): void {
  const left = allFiles(output);
  expect(left.filter((path) => /\.partial$|^dataset\/|^lock$/.test(path))).toEqual([]);
}

/** Name, arguments, exit code, and what the message must say: the place, what was found, what was expected. */
type Case = [string, string[], number, string[]];

const input = (name: string) => [...wild, "--input", name];
const good = (...flags: string[]) => [...input("good.parquet"), ...flags];

const INPUTS: Case[] = [
  ["a truncated Parquet file", input("truncated.parquet"), 1, ["truncated.parquet"]],
  ["a Parquet file with damage in the middle", input("damaged.parquet"), 1, ["damaged.parquet", "cannot be read"]],
  ["a text file named .parquet", input("text.parquet"), 1, ["text.parquet"]],
  [
    "a Parquet file without some columns",
    input("missing.parquet"),
    1,
    [
      "missing.parquet",
      "no column `model`, `hashed_ip`",
      "found conversation_hash",
      "expected the columns of wildchat-1m",
    ],
  ],
  [
    "a Parquet file with a column of another type",
    input("type.parquet"),
    1,
    ["type.parquet", "conversation", "VARCHAR"],
  ],
  [
    "a Parquet file without rows",
    input("norows.parquet"),
    1,
    ["norows.parquet", "no rows", "expected one conversation"],
  ],
  [
    "rows of something else",
    input("other.jsonl"),
    1,
    ["3 of 3 rows (100.0 %)", "wildchat-1m", "other.jsonl:1", "conversation_hash", "--source", "prepare.maxBadRows"],
  ],
  [
    "more broken lines than allowed",
    [...chat, "--input", "beyond.jsonl"],
    1,
    [
      "4 of 300 rows (1.3 %)",
      "more than the 1 % allowed",
      "beyond.jsonl:",
      "one JSON object on the line",
      "prepare.maxBadRows",
    ],
  ],
  ["gzip that is cut off", [...chat, "--input", "cut.jsonl.gz"], 1, ["cut.jsonl.gz", "cannot be read as gzip data"]],
  ["text named .gz", [...chat, "--input", "not.jsonl.gz"], 1, ["not.jsonl.gz", "cannot be read as gzip data"]],
  ["zstd that is cut off", [...chat, "--input", "cut.jsonl.zst"], 1, ["cut.jsonl.zst", "cannot be read as zstd data"]],
  ["text named .zst", [...chat, "--input", "not.jsonl.zst"], 1, ["not.jsonl.zst", "cannot be read as zstd data"]],
  ["an empty file", input("empty.jsonl"), 2, ["empty.jsonl", "is empty (0 bytes)", "expected rows"]],
  ["a file of blank lines", input("blank.jsonl"), 1, ["blank.jsonl", "no rows", "expected one conversation"]],
  ["a folder", input("folder.jsonl"), 2, ["folder.jsonl", "is a folder", "expected a file"]],
  ["a missing file", input("nowhere.parquet"), 2, ["nowhere.parquet", "no such file"]],
  ["a glob without matches", input("nothing-*.parquet"), 2, ["--input nothing-*.parquet", "matches no file"]],
  ["a file of another kind", input("notes.txt"), 2, ["notes.txt", "expected a name that ends in .parquet, .jsonl"]],
  [
    "rows of another source",
    [...run, "--source", "prism", "--input", "good.parquet"],
    1,
    ["good.parquet", "no column `conversation_id`", "expected the columns of prism"],
  ],
];

const FLAGS: Case[] = [
  ["an unknown flag", good("--min-cuont", "3"), 2, ["--min-cuont", "Did you mean --min-count?"]],
  ["an unknown command", ["rum"], 2, ["rum", "Did you mean run?"]],
  ["a number that is none", good("--min-count", "many"), 2, ["dedup.minCount", '"many"', "expected number"]],
  ["a number out of range", good("--set", "dedup.coverage=3"), 2, ["dedup.coverage", "found 3", "<=1"]],
  ["a fraction where there are none", good("--shards", "1.5"), 2, ["shards", "found 1.5", "int"]],
  ["a word that is no choice", good("--set", "prepare.toxic=maybe"), 2, ["prepare.toxic", '"maybe"', '"drop"|"keep"']],
  ["two ratios", good("--ratios", "90,10"), 2, ["split.ratios", "[90,10]", "3"]],
  ["ratios of nothing", good("--ratios", "0,0,0"), 2, ["split.ratios", "add up to 0"]],
  ["no threads", good("--threads", "0"), 2, ["threads.count", "found 0", ">=1"]],
  [
    "columns that are no pairs",
    [...chat, "--input", "other.jsonl", "--columns", "id"],
    2,
    ["--columns", "key=value", '"id"'],
  ],
  [
    "an unknown column name",
    [...chat, "--input", "other.jsonl", "--columns", "mesages=m"],
    2,
    ["prepare.columns.mesages", "did you mean `messages`?"],
  ],
  [
    "no source",
    ["run", "--input", "good.parquet"],
    2,
    ["--source is missing", "known: wildchat-1m, wildchat-4.8m, wildchat, lmsys-chat-1m, oasst2, prism, chat"],
  ],
  ["an unknown source", ["run", "--source", "wildchats", "--output", "out"], 2, ['"wildchats"', "known: wildchat-1m"]],
  ["own logs without a file", ["run", "--source", "chat", "--output", "out"], 2, ["chat", "--input"]],
  ["--from after --to", good("--from", "flip", "--to", "split"), 2, ["--from flip", "after --to split"]],
  [
    "an unknown stage",
    good("--from", "filter"),
    2,
    ["filter", "download, prepare, dedup, split, intents, flip, render, describe"],
  ],
  [
    "--from without the stages before",
    good("--from", "split"),
    4,
    ["split reads what prepare writes", "prepare is not done", "--from prepare"],
  ],
  [
    "recorded intents without a file of them",
    good("--intents", "recorded"),
    2,
    ["--intents recorded needs --recorded"],
  ],
  [
    "recorded intents from a missing file",
    good("--intents", "recorded", "--recorded", "no.jsonl"),
    2,
    ["no.jsonl", "no such file"],
  ],
  ["intents of OpenAI without a key", good("--intents", "openai"), 2, ["OPENAI_API_KEY", "models.intents.baseUrl"]],
];

const CONFIGS: Case[] = [
  ["a missing file", ["run", "--config", "none.yaml"], 2, ["none.yaml", "cannot be read"]],
  ["a folder", ["run", "--config", "folder.jsonl"], 2, ["folder.jsonl", "cannot be read"]],
  ["broken YAML", ["run", "--config", "broken.yaml"], 2, ["broken.yaml:3", "}"]],
  ["a list", ["run", "--config", "list.yaml"], 2, ["list.yaml", "expected settings by name"]],
  ["an unknown key", ["run", "--config", "top.yaml"], 2, ["`inputs`", "did you mean `input`?"]],
  ["a misspelt source", ["run", "--config", "source.yaml"], 2, ["`sorce`", "did you mean `source`?"]],
  ["an unknown key of a stage", ["run", "--config", "nested.yaml"], 2, ["dedup.mincount", "did you mean `minCount`?"]],
  ["a wrong value", ["run", "--config", "value.yaml"], 2, ["dedup.minCount", '"many"', "expected number"]],
];

const READING: Case[] = [
  ["status of no run", ["status", "--output", "nowhere"], 2, ["nowhere/plan.json", "not found"]],
  ["status without any run", ["status"], 2, ["no run under output/", "--output"]],
  [
    "status of a broken plan",
    ["status", "--output", "odd"],
    2,
    ["odd/plan.json", "not a plan of this version of flipturn"],
  ],
  ["explain of no run", ["explain", "x", "--output", "nowhere"], 2, ["nowhere/plan.json", "not found"]],
  ["explain without an id", ["explain"], 2, ["missing required argument 'id'"]],
  ["inspect of a missing file", ["inspect", "nowhere.parquet"], 2, ["nowhere.parquet", "no such file"]],
  ["inspect of a folder", ["inspect", "folder.jsonl"], 2, ["folder.jsonl", "is a folder"]],
  [
    "inspect of raw rows",
    ["inspect", "good.parquet"],
    2,
    ["good.parquet", "not a file of samples", "conversation_hash"],
  ],
  ["inspect of text named .parquet", ["inspect", "text.parquet"], 1, ["text.parquet", "cannot be read"]],
  ["inspect of other JSON", ["inspect", "other.jsonl"], 1, ["other.jsonl", "not a row of a dataset"]],
  ["inspect of broken JSON", ["inspect", "half.jsonl"], 1, ["half.jsonl:1"]],
  [
    "a task without a plan",
    ["task", "--plan", "no.json", "--phase", "prepare.rows", "--element", "0"],
    2,
    ["no.json", "not found", "plan --write"],
  ],
  [
    "a task of a folder",
    ["task", "--plan", "folder.jsonl", "--phase", "prepare.rows", "--element", "0"],
    2,
    ["folder.jsonl", "is a folder", "folder.jsonl/plan.json"],
  ],
  [
    "a task without a number",
    ["task", "--plan", "p", "--phase", "prepare.rows", "--element", "one"],
    2,
    ["--element", '"one"', "expected number"],
  ],
  ["a task without anything", ["task"], 2, ["--plan <file>"]],
];

describe.each([
  ["input", INPUTS],
  ["flags", FLAGS],
  ["configuration", CONFIGS],
  ["reading", READING],
])("%s:", (kind, cases) => {
  test.each(cases)("%s", async (_name, args, code, parts) => {
    rmSync(file("out"), { recursive: true, force: true });
    const before = allFiles(folder);
    const result = await flipturn(args, { cwd: folder });
    checkMessage(result, parts);
    expect(result.code).toBe(code);
    checkNothingLeft(file("out"));
    // Wrong use is found before any work is done; the one look at what is there may leave the plan.
    if (code !== 1 || kind !== "input")
      expect(allFiles(folder).filter((path) => !before.includes(path) && path !== "out/plan.json")).toEqual([]);
  });
});

test("what fails on a worker thread is told in the same words", async () => {
  const args = [...chat, "--input", "beyond.jsonl", "--output", "threads"];
  const here = await flipturn(args, { cwd: folder });
  const there = await flipturn([...args, "--executor", "threads", "--threads", "2"], { cwd: folder });
  expect([there.code, message(there)]).toEqual([1, message(here)]);
  checkNothingLeft(file("threads"));
});

describe("a row that is broken, within the share allowed,", () => {
  const broken: [string, string | Buffer, Record<string, unknown>][] = [
    [
      "no JSON",
      "{oops",
      { field: "", expected: "one JSON object on the line", found: expect.stringContaining("no JSON") },
    ],
    ["cut off", '{"id":"c41","messages":[{"role":"us', { field: "", expected: "one JSON object on the line" }],
    ["bad UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), { found: "bytes that are not UTF-8" }],
    [
      "a number for text",
      '{"id":"c41","messages":[{"role":"user","content":5}]}',
      { field: "messages.0.content", found: "5", expected: "text, or a list of parts with text" },
    ],
    ["no messages", '{"id":"c41"}', { field: "messages", found: "nothing", expected: "array" }],
    ["null", "null", { found: "null", expected: "object" }],
  ];
  const cases = broken.map(([name, line, detail], at) => [name, 100 * at + 42, detail, line] as const);
  beforeAll(async () => {
    const lines = cases.map(([, row, , line]) => [row, line]);
    writeFileSync(file("some.jsonl"), chatLines(700, Object.fromEntries(lines)));
    await succeed([...chat, "--input", "some.jsonl", "--output", "kept"], { cwd: folder });
  });

  test.each(cases)("%s, becomes a rejection with file, row and field", async (_name, row, detail) => {
    const [found] = await select<{ detail: string }>(
      `SELECT * FROM ${shardsOf(file("kept"), "prepare", "rejections")} WHERE id = 'some.jsonl:${row}'`,
    );
    const told = JSON.parse(found?.detail ?? "");
    expect(told).toMatchObject({ file: "some.jsonl", row, ...detail });
    expect(Object.keys(told).sort()).toEqual(["expected", "field", "file", "found", "row"]);
  });

  test("leaves the others as they are, and the run goes on", () => {
    const { in: rows, kept, rejected } = manifest(file("kept"), "prepare");
    expect({ rows, kept, rejected }).toEqual({ rows: 700, kept: 694, rejected: { schema: 6 } });
    expect(manifest(file("kept"), "render").kept).toBeGreaterThan(0);
  });

  test("a byte-order mark, CR LF and blank lines are no fault", async () => {
    const text = chatLines(20).toString().replaceAll("\n", "\r\n\r\n");
    writeFileSync(file("windows.jsonl"), `\ufeff${text}`);
    await succeed([...chat, "--input", "windows.jsonl", "--output", file("windows")], { cwd: folder });
    expect(manifest(file("windows"), "prepare")).toMatchObject({ in: 20, kept: 20, rejected: {} });
  });
});

describe("file names are taken by the letter:", () => {
  test("an input with brackets in its name is that file, and not the one that it would match as a pattern", async () => {
    const place = file("brackets");
    mkdirSync(place);
    writeFileSync(join(place, "logs[1].jsonl"), chatLines(3));
    writeFileSync(join(place, "logs1.jsonl"), chatLines(7));
    await execute(`COPY (SELECT * FROM ${ROWS}) TO '${join(place, "rows1.parquet")}'`);
    cpSync(join(DEMO, "conversations-00000.parquet"), join(place, "rows[1].parquet"));
    await succeed([...chat, "--input", "logs[1].jsonl"], { cwd: place });
    expect(manifest(join(place, "out"), "prepare").in).toBe(3);
    await succeed([...wild, "--input", "rows[1].parquet", "--output", "wild"], { cwd: place });
    expect(manifest(join(place, "wild"), "prepare").in).toBe(50);
  });

  test("a run in a folder whose name would match another run's reads its own files", async () => {
    await succeed([...wild, "--input", "good.parquet", "--output", "run1"], { cwd: folder });
    await succeed([...wild, "--input", join(DEMO, "conversations-00000.parquet"), "--output", "run[1]"], {
      cwd: folder,
    });
    expect(manifest(file("run[1]"), "render").kept).toBeLessThan(manifest(file("run1"), "render").kept);
  });

  test("quotes, blanks, stars and other scripts in the folder of the run are letters like others", async () => {
    await succeed(["demo", ...alone, "--output", file("plain")], { cwd: folder });
    const odd = file('it\'s a "run" * ? {a,b} ünï 数据');
    await succeed(["demo", ...alone, "--output", odd], { cwd: folder });
    expect(tree(odd)).toEqual(tree(file("plain")));
  });
});

test("a folder of a dataset that flipturn did not write is not emptied", async () => {
  const place = join(file("mine"), "dataset", "samples");
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "thesis.txt"), "years of work\n");
  const result = await flipturn(["demo", ...alone, "--output", "mine"], { cwd: folder });
  expect(allFiles(file("mine"))).toEqual(["dataset/samples/thesis.txt"]);
  expect(result.code).toBe(2);
  checkMessage(result, [join("mine", "dataset", "samples")]);
  // Beside it there is room.
  await succeed(["demo", ...alone, "--output", "mine", "--form", "trl"], { cwd: folder });
  expect(readFileSync(join(place, "thesis.txt"), "utf8")).toBe("years of work\n");
});

test("a file where the folder of the run should be is refused", async () => {
  writeFileSync(file("taken"), "");
  const result = await flipturn([...good(), "--output", "taken"], { cwd: folder });
  checkMessage(result, ["taken"]);
  expect(result.code).toBe(2);
});

describe("permissions", () => {
  /** Somebody who may read the code and `folder`, and owns nothing. */
  const nobody = { cwd: folder, ...(isRoot && { uid: NOBODY }) };
  /** Why nobody can run the command here; null = that works. */
  let missing: string | null = null;
  beforeAll(async () => {
    if (process.getuid === undefined) missing = "no users on this system";
    else if ((await start(["--version"], nobody).done.catch(() => null))?.code !== 0)
      missing = `user ${NOBODY} cannot read ${CLI} or its packages`;
  });

  async function asNobody(args: string[], skip: (note: string) => never): Promise<Result> {
    if (missing !== null) skip(missing);
    return start(args, nobody).done;
  }

  test("an input that may not be read is named", async ({ skip }) => {
    cpSync(file("good.parquet"), file("secret.parquet"));
    chmodSync(file("secret.parquet"), 0o000);
    const result = await asNobody([...wild, "--input", "secret.parquet"], skip);
    chmodSync(file("secret.parquet"), 0o600);
    checkMessage(result, ["secret.parquet", "no permission to read it"]);
    expect(result.code).toBe(2);
  });

  test("a folder that may not be written to is named", async ({ skip }) => {
    mkdirSync(file("locked"), { mode: 0o555 });
    const result = await asNobody([...good(), "--output", "locked/out"], skip);
    chmodSync(file("locked"), 0o755);
    checkMessage(result, ["locked/out", "--output"]);
    expect(result.code).toBe(2);
    expect(allFiles(file("locked"))).toEqual([]);
  });

  test("a run that was begun and may no longer be written to stops with the name of the file", async ({ skip }) => {
    await succeed([...good(), "--output", "begun", "--to", "dedup"], { cwd: folder });
    const before = tree(file("begun"));
    if (isRoot)
      for (const path of ["begun", "begun/01-download", "begun/02-prepare"]) chownSync(file(path), NOBODY, NOBODY);
    mkdirSync(file("begun/04-split"), { mode: 0o555 });
    const result = await asNobody([...good(), "--output", "begun"], skip);
    chmodSync(file("begun/04-split"), 0o755);
    checkMessage(result, ["begun/04-split"]);
    expect(result.code).toBeGreaterThan(0);
    checkNothingLeft(file("begun"));
    expect(tree(file("begun"))).toEqual(before);
    await succeed([...good(), "--output", "begun"], { cwd: folder });
  });
});

describe("a full disk", () => {
  function system(program: string, args: string[]): void {
    execFileSync(program, args, { stdio: "pipe", timeout: 10_000 });
  }

  /** A file system of `kilobytes` in memory; skips with the reason where one cannot be had. */
  function smallDisk(name: string, kilobytes: number, skip: (note: string) => never): string {
    const disk = file(name);
    mkdirSync(disk);
    if (!isRoot) skip("only root can mount a small file system");
    try {
      system("mount", ["-t", "tmpfs", "-o", `size=${kilobytes}k`, "tmpfs", disk]);
    } catch (error) {
      skip(`a small file system cannot be mounted here: ${(error as Error).message.split("\n").at(1)}`);
    }
    return disk;
  }

  describe.each([
    ["a demo of one shard", [], alone, [0.02, 0.4, 0.7, 0.95]],
    ["a demo of six shards on two threads", ["--shards", "6"], ["--threads", "2"], [0.6]],
  ])("under %s", (name, flags, executor, shares) => {
    const roomy = file(`roomy ${name}`);
    /** Kilobytes that a finished demo takes, in pages of 4; while it runs it takes more. */
    let room = 0;
    beforeAll(async () => {
      await succeed(["demo", ...flags, ...alone, "--output", roomy], { cwd: folder });
      const pages = allFiles(roomy).map((path) => Math.ceil(statSync(join(roomy, path)).size / 4096));
      room = 4 * pages.reduce((sum, each) => sum + each, 0);
    });

    test.for(shares)(
      "with %f of the room needed stops the run in words, with nothing half-written; with more room it comes to its end",
      async (share, { skip }) => {
        const disk = smallDisk(`disk-${share}-${flags.length}`, Math.floor(share * room), skip);
        try {
          const run = join(disk, "run");
          const result = await flipturn(["demo", ...flags, ...executor, "--output", run], { cwd: folder });
          checkMessage(result, [disk, "The disk is full. Free some space and run the same command again"]);
          expect(result.code).toBe(1);
          expect(allFiles(run).filter((path) => /\.partial$|^lock$/.test(path))).toEqual([]);
          // What has its final name is whole.
          for (const path of allFiles(run).filter((each) => each.endsWith(".parquet")))
            await select(`SELECT count(*) FROM read_parquet('${join(run, path)}')`);
          system("mount", ["-o", "remount,size=64m", disk]);
          await succeed(["demo", ...flags, ...alone, "--output", run], { cwd: folder });
          expect(tree(run)).toEqual(tree(roomy));
        } finally {
          // Lazily: the engine lets go of a file that was not read to its end when it is next cleaned up.
          system("umount", [disk]);
        }
      },
    );
  });

  test("under stdout is an error in words", async ({ skip }) => {
    if (process.platform !== "linux") skip("there is no /dev/full here");
    const command = `exec "$0" "$@" > /dev/full`;
    const result = await startProcess(
      "sh",
      ["-c", command, process.execPath, CLI, "plan", ...DEMO_SETTINGS, "--input", "good.parquet"],
      {
        cwd: folder,
      },
    ).done;
    checkMessage(result, ["ENOSPC"]);
    expect(result.code).toBe(1);
  });
});

describe("a limit of the system that is too low", () => {
  test.each([
    ["of open files", "ulimit -n 40", "Raise the limit (`ulimit -n`"],
    ["of memory", "ulimit -v 1500000", "Raise the limit of the process (`ulimit -v`"],
  ])("%s is an error in words", async (_, limit, advice) => {
    if (process.platform !== "linux") return;
    const command = `${limit}; exec "$0" "$@"`;
    const result = await startProcess("sh", ["-c", command, process.execPath, CLI, "demo", "--output", "limited"], {
      cwd: folder,
    }).done;
    checkMessage(result, [advice]);
    expect(result.code).toBe(1);
  });
});
