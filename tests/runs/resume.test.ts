import { existsSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { stages } from "../../stages/index.ts";
import {
  allFiles,
  CLI,
  DEMO,
  flipturn,
  manifest,
  seeded,
  select,
  start,
  startProcess,
  succeed,
  temporary,
  tree,
} from "./flipturn.ts";

const folder = temporary();
const input = join(folder, "many.jsonl");
/** Templates A and B of the demo are over this many conversations, its shared opening is not. */
const SETTINGS = [
  ...["run", "--source", "wildchat-1m", "--input", input, "--max-bad-rows", "0.05", "--min-count", "180"],
  ...["--intents", "none", "--shards", "4", "--threads", "2"],
];
const undisturbed = join(folder, "undisturbed");
let durationMs = 0;
let whole: Record<string, string> = {};

/** The demo's rows 12 times under other ids, by other people, with another end of every first turn: 1,824 rows. */
async function writeInput(): Promise<void> {
  type Row = { conversation_hash: string; hashed_ip: string; conversation: { content: string | null }[] | null };
  const rows = await select<Row>(
    `SELECT conversation_hash, model, timestamp,
       list_transform(conversation, lambda m: {'role': m.role, 'content': m.content, 'timestamp': m.timestamp}) AS conversation,
       language, toxic, redacted, country, hashed_ip FROM read_parquet('${DEMO}/*.parquet')`,
  );
  const copies = Array.from({ length: 12 }, (_, copy) =>
    rows.map((row) => {
      const [first, ...others] = row.conversation ?? [];
      const conversation = first && [{ ...first, content: first.content && `${first.content} no ${copy}` }, ...others];
      const hashed_ip = `${row.hashed_ip}-${copy % 8}`;
      const conversation_hash = `${row.conversation_hash}${copy}`;
      return `${JSON.stringify({ ...row, conversation_hash, hashed_ip, conversation: conversation ?? null })}\n`;
    }),
  );
  writeFileSync(input, copies.flat().join(""));
}

beforeAll(async () => {
  await writeInput();
  const started = performance.now();
  await succeed([...SETTINGS, "--output", undisturbed], { cwd: folder });
  durationMs = performance.now() - started;
  whole = tree(undisturbed);
});

/** Starts a run and kills it after `ms`. True if it was killed, false if it had ended before. */
async function killAfter(ms: number, output: string): Promise<boolean> {
  const { child, done } = start([...SETTINGS, "--output", output], { cwd: folder });
  const timer = setTimeout(() => child.kill("SIGKILL"), ms);
  const { code, signal, stderr } = await done;
  clearTimeout(timer);
  if (signal !== "SIGKILL") expect([code, stderr]).toEqual([0, expect.any(String)]);
  return signal === "SIGKILL";
}

/** Files that look finished in a killed run, but for those that a stage removes at its end: each must be what the undisturbed run has under that name. */
function finishedFiles(output: string): [string, string][] {
  const isPassing = (name: string) => stages.some(({ isIntermediate }) => isIntermediate?.(name));
  return Object.entries(tree(output)).filter(([path]) => !path.endsWith(".partial") && !isPassing(basename(path)));
}

async function resume(output: string): Promise<void> {
  await succeed([...SETTINGS, "--output", output], { cwd: folder });
  expect(tree(output)).toEqual(whole);
  expect(allFiles(output).filter((path) => path.endsWith(".partial"))).toEqual([]);
  expect(existsSync(join(output, "lock"))).toBe(false);
}

describe("kill -9", () => {
  test("the undisturbed run is one that uses every stage and every shard", () => {
    const { in: rows } = manifest(undisturbed, "prepare");
    expect(rows).toBe(1824);
    expect(Object.keys(manifest(undisturbed, "dedup").rejected)).toEqual(["template"]);
    expect(manifest(undisturbed, "write").kept).toBeGreaterThan(2_000);
    expect(allFiles(undisturbed).filter((path) => path.includes("samples-"))).toHaveLength(4);
  });

  test("at ten random moments: what is under a final name is right, and the same command goes on to the same bytes", async () => {
    const random = seeded(2026);
    const reached = new Set<number>();
    for (let kill = 0; kill < 10; kill++) {
      const output = join(folder, `killed-${kill}`);
      // One in each tenth of the run. Where the machine was faster than measured, somewhat earlier.
      let moment = ((kill + random()) / 10) * durationMs;
      while (!(await killAfter(moment, output))) {
        rmSync(output, { recursive: true });
        moment *= 0.8;
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
    const random = seeded(7);
    const output = join(folder, "again-and-again");
    let kills = 0;
    for (let tries = 0; tries < 6; tries++) if (await killAfter((0.15 + 0.35 * random()) * durationMs, output)) kills++;
    expect(kills).toBeGreaterThanOrEqual(2);
    await resume(output);
  }, 400_000);

  test.each([
    ["that is empty", ""],
    ["without the name of a machine", "999999999 "],
    ["of a process that is gone", `999999999 ${hostname()}\n`],
  ])("leaves a lock %s: the next run takes over", async (_name, lock) => {
    writeFileSync(join(undisturbed, "lock"), lock);
    await resume(undisturbed);
  });

  test("leaves a lock with the number that the next process has, as in a container: the next run takes over", async () => {
    const command = `echo "$$ $(hostname)" > "$0"; exec "$@"`;
    const args = [
      "-c",
      command,
      join(undisturbed, "lock"),
      process.execPath,
      CLI,
      ...SETTINGS,
      "--output",
      undisturbed,
    ];
    const { code, stderr } = await startProcess("sh", args, { cwd: folder }).done;
    rmSync(join(undisturbed, "lock"), { force: true });
    expect([code, stderr]).toEqual([0, expect.stringContaining("up to date")]);
  });

  test("a lock of another machine is refused with the name of the machine and the file to remove", async () => {
    writeFileSync(join(undisturbed, "lock"), "17 another.example\n");
    const { code, stderr } = await flipturn([...SETTINGS, "--output", undisturbed], { cwd: folder });
    rmSync(join(undisturbed, "lock"));
    expect(code).toBe(2);
    expect(stderr).toContain("another.example");
    expect(stderr).toContain(join(undisturbed, "lock"));
  });
});

describe("Ctrl-C", () => {
  test.each([
    ["on worker threads", "2", 6],
    ["in one process", "1", 2],
  ])(
    "%s ends with 130, in words, with nothing half-written; the same command then comes to the same bytes",
    async (_name, threads, times) => {
      const random = seeded(times);
      const output = join(folder, `interrupted-${threads}`);
      for (let time = 0; time < times; time++) {
        rmSync(output, { recursive: true, force: true });
        const { child, done, line } = start([...SETTINGS, "--threads", threads, "--output", output], { cwd: folder });
        await line("download ");
        const timer = setTimeout(() => child.kill("SIGINT"), ((time + random()) / times) * 0.6 * durationMs);
        const { code, signal, stdout, stderr } = await done;
        clearTimeout(timer);
        // The machine may have been faster than measured, and the run over.
        if (code === 0) continue;
        expect([code, signal, stderr]).toEqual([130, null, expect.stringContaining("goes on where this stops")]);
        expect(stdout).toBe("");
        expect(stderr).not.toMatch(/^\s+at |terminate called/m);
        expect(allFiles(output).filter((path) => /\.partial$|^lock$/.test(path))).toEqual([]);
      }
      await resume(output);
    },
  );
});

test("a second process on the same folder is refused in words, and the first comes to its end", async () => {
  const output = join(folder, "shared");
  const first = start([...SETTINGS, "--output", output], { cwd: folder });
  await first.line("download ");
  const second = await flipturn([...SETTINGS, "--output", output], { cwd: folder });
  expect(second.code).toBe(2);
  expect(second.stderr).toBe(
    `flipturn: ${output}: process ${first.child.pid} is working on this run; wait for it or use another --output\n`,
  );
  expect((await first.done).code).toBe(0);
  expect(tree(output)).toEqual(whole);
});
