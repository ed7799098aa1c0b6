import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { dataset } from "../../stages/index.ts";
import { select } from "../helpers/engine.ts";
import { temporary } from "../helpers/folder.ts";
import { seeded } from "../helpers/random.ts";
import {
  allFiles,
  CLI,
  DEMO,
  flipturn,
  manifest,
  type Result,
  stageFolder,
  start,
  startProcess,
  succeed,
  tree,
} from "./flipturn.ts";

const folder = temporary();
const input = join(folder, "many.jsonl");
/** Templates A and B of the demo are over this many conversations, its shared opening is not. */
const SETTINGS = [
  ...["run", "--source", "wildchat-1m", "--input", input, "--max-bad-rows", "0.05", "--min-count", "30"],
  ...["--intents", "none", "--shards", "3", "--threads", "2"],
  // Rows are made the same way without counts, and the tables of tokens take longer to load than the rows to write.
  ...["--tokenizer", "none", "--max-tokens", "null"],
];
const undisturbed = join(folder, "undisturbed");
let steps = 0;
let whole: Record<string, string> = {};

/** The demo's rows twice under other ids, by other people, with another end of every first turn: 304 rows. */
async function writeInput(): Promise<void> {
  type Row = { conversation_hash: string; hashed_ip: string; conversation: { content: string | null }[] | null };
  const rows = await select<Row>(
    `SELECT conversation_hash, model, timestamp,
       list_transform(conversation, lambda m: {'role': m.role, 'content': m.content, 'timestamp': m.timestamp}) AS conversation,
       language, toxic, redacted, country, hashed_ip FROM read_parquet('${DEMO}/*.parquet')`,
  );
  const copies = Array.from({ length: 2 }, (_, copy) =>
    rows.map((row) => {
      const [first, ...others] = row.conversation ?? [];
      const conversation = first && [{ ...first, content: first.content && `${first.content} no ${copy}` }, ...others];
      const hashed_ip = `${row.hashed_ip}-${copy}`;
      const conversation_hash = `${row.conversation_hash}${copy}`;
      return `${JSON.stringify({ ...row, conversation_hash, hashed_ip, conversation: conversation ?? null })}\n`;
    }),
  );
  writeFileSync(input, copies.flat().join(""));
}

beforeAll(async () => {
  await writeInput();
  await succeed([...SETTINGS, "--output", undisturbed], { cwd: folder });
  whole = tree(undisturbed);
  steps = stepsIn(undisturbed);
});

/** How far a run is: the markers and manifests that it has. Moments are counted in these, not in seconds. */
function stepsIn(output: string): number {
  return allFiles(output).filter((path) => /tasks\/\d+\.json$|manifest\.json$/.test(path)).length;
}

/** Starts a run and sends it a signal when it has come so many steps, or a moment later. */
async function stopAt(step: number, how: NodeJS.Signals, output: string, ...more: string[]): Promise<Result> {
  const { child, done } = start([...SETTINGS, ...more, "--output", output], { cwd: folder });
  let isOver = false;
  const result = done.finally(() => {
    isOver = true;
  });
  while (!isOver && stepsIn(output) < step) await delay(20);
  child.kill(how);
  return result;
}

/** Kills a run at a step. True if it was killed, false if it had ended before. */
async function killAt(step: number, output: string): Promise<boolean> {
  const { code, signal, stderr } = await stopAt(step, "SIGKILL", output);
  if (signal !== "SIGKILL") expect([code, stderr]).toEqual([0, expect.any(String)]);
  return signal === "SIGKILL";
}

/** Files that look finished in a killed run, but for those that a stage removes at its end: each must be what the undisturbed run has under that name. */
function finishedFiles(output: string): [string, string][] {
  const passing = dataset.stages.flatMap(({ writes }) => Object.values(writes).filter(({ isKept }) => !isKept));
  const isPassing = (file: string) => passing.some(({ name }) => file.startsWith(`${name}-`));
  return Object.entries(tree(output)).filter(([path]) => !path.endsWith(".partial") && !isPassing(basename(path)));
}

async function resume(output: string): Promise<void> {
  // By another executor, which changes nothing.
  await succeed([...SETTINGS, "--executor", "in-process", "--output", output], { cwd: folder });
  expect(tree(output)).toEqual(whole);
  expect(allFiles(output).filter((path) => path.endsWith(".partial"))).toEqual([]);
  expect(existsSync(join(output, "lock"))).toBe(false);
}

describe("kill -9", () => {
  test("the undisturbed run is one that uses every stage and every shard", () => {
    const { in: rows } = manifest(undisturbed, "prepare");
    expect(rows).toBe(304);
    expect(Object.keys(manifest(undisturbed, "dedup").rejected)).toEqual(["template"]);
    expect(manifest(undisturbed, "render").kept).toBeGreaterThan(300);
    expect(allFiles(undisturbed).filter((path) => path.includes("samples-"))).toHaveLength(3);
  });

  test("at five random steps: what is under a final name is right, and the same command goes on to the same bytes", async () => {
    const random = seeded(2026);
    const reached = new Set<number>();
    for (let kill = 0; kill < 5; kill++) {
      const output = join(folder, `killed-${kill}`);
      // One in each fifth of the run. Where it ended before it was looked at, somewhat earlier.
      let step = Math.floor(((kill + random()) / 5) * steps);
      while (!(await killAt(step, output))) {
        rmSync(output, { recursive: true });
        step = Math.floor(step * 0.8);
      }
      for (const [path, sha256] of finishedFiles(output)) expect([path, sha256]).toEqual([path, whole[path]]);
      reached.add(allFiles(output).filter((path) => path.endsWith("manifest.json")).length);
      await resume(output);
      rmSync(output, { recursive: true });
    }
    // The moments were spread over the run, not all in one stage.
    expect(reached.size).toBeGreaterThanOrEqual(3);
  }, 900_000);

  test("again and again in one run: it still comes to its end with the same bytes", async () => {
    const output = join(folder, "again-and-again");
    for (let kills = 0; kills < 3; kills++) await killAt(stepsIn(output) + 3, output);
    await resume(output);
  }, 400_000);

  test.each([
    ["that is empty", ""],
    ["as versions before wrote it", `999999999 ${hostname()}\n`],
  ])("leaves a lock %s: the next run takes over", async (_name, lock) => {
    writeFileSync(join(undisturbed, "lock"), lock);
    await resume(undisturbed);
  });

  test("leaves a lock with the number that the next process has, as in a container: the next run takes over", async () => {
    // The lock of a killed run, with the number of the process that goes on.
    const output = join(folder, "container");
    await killAt(3, output);
    const lock = join(output, "lock");
    const { pid: _, ...owner } = JSON.parse(readFileSync(lock, "utf8"));
    const command = 'printf \'%s"pid":%s}\' "$1" "$$" > "$0"; shift; exec "$@"';
    const start = `${JSON.stringify(owner).slice(0, -1)},`;
    const args = ["-c", command, lock, start, process.execPath, CLI, ...SETTINGS, "--output", output];
    const { code, stderr } = await startProcess("sh", args, { cwd: folder }).done;
    expect([code, stderr]).toEqual([0, expect.stringContaining("up to date")]);
    expect(tree(output)).toEqual(whole);
  });
});

describe("Ctrl-C", () => {
  test.each([
    ["on worker threads", "2"],
    ["in one process", "1"],
  ])(
    "%s ends with 130, in words, with nothing half-written; the same command then comes to the same bytes",
    async (_name, threads) => {
      const output = join(folder, `interrupted-${threads}`);
      const middle = Math.floor(steps / 2);
      const { code, signal, stdout, stderr } = await stopAt(middle, "SIGINT", output, "--threads", threads);
      expect([code, signal, stderr]).toEqual([130, null, expect.stringContaining("goes on where this stops")]);
      expect(stdout).toBe("");
      expect(stderr).not.toMatch(/^\s+at |terminate called/m);
      expect(allFiles(output).filter((path) => /\.partial$|^lock$/.test(path))).toEqual([]);
      await resume(output);
    },
  );
});

test("a run whose progress nobody reads any more comes to its end", async () => {
  const output = join(folder, "unheard");
  const first = start([...SETTINGS, "--output", output, "--to", "dedup"], { cwd: folder });
  await first.line("download ");
  first.child.stderr?.destroy();
  expect((await first.done).code).toBe(0);
  expect(existsSync(join(output, stageFolder("dedup"), "manifest.json"))).toBe(true);
});

test("a second process on the same folder is refused in words, and the first comes to its end", async () => {
  const output = join(folder, "shared");
  const first = start([...SETTINGS, "--output", output], { cwd: folder });
  await first.line("download ");
  // Another plan must not take the place of the one that is being done either.
  for (const args of [SETTINGS, ["plan", "--write", ...SETTINGS.slice(1), "--shards", "7"]]) {
    const second = await flipturn([...args, "--output", output], { cwd: folder });
    expect(second.code).toBe(2);
    expect(second.stderr).toBe(
      `flipturn: ${output}: process ${first.child.pid} is working on this run; wait for it or use another --output\n`,
    );
  }
  expect((await first.done).code).toBe(0);
  expect(tree(output)).toEqual(whole);
});
