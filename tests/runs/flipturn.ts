import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll } from "vitest";
import { Manifest } from "../../schemas/manifest.ts";

/** Root of the repository. */
export const ROOT = join(import.meta.dirname, "..", "..");
/** The command line as it is shipped. */
export const CLI = join(ROOT, "dist", "scripts", "flipturn.js");
/** Folder of the bundled conversations. */
export const DEMO = join(ROOT, "scripts", "demo");
/** What `flipturn demo` sets, for runs of the same conversations from other files. */
export const DEMO_SETTINGS = [
  ...["--source", "wildchat-1m", "--max-bad-rows", "0.05", "--min-count", "10"],
  ...["--intents", "recorded", "--recorded", join(DEMO, "intents.jsonl")],
];

/** How to start the command line. */
export interface Setting {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Run as this user and the group of the same number. */
  readonly uid?: number;
  /** Default: 60 seconds, after which it is killed and the test fails. */
  readonly timeoutMs?: number;
}

/** What came of it. */
export type Result = { code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string };

/** Starts `flipturn` as a process of its own, so that a signal hits it and nothing else. */
export function start(
  args: readonly string[],
  setting: Setting,
): { child: ChildProcess; done: Promise<Result>; line: (text: string) => Promise<void> } {
  return startProcess(process.execPath, [CLI, ...args], setting);
}

/** Starts any program the same way. `line` waits until a text has come on stderr, or the program has ended. */
export function startProcess(program: string, args: readonly string[], setting: Setting) {
  const { uid, timeoutMs = 60_000 } = setting;
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(FLIPTURN_|OPENAI_|HF_|NO_COLOR|FORCE_COLOR|NODE_OPTIONS|VITEST)/.test(name),
  );
  const child = spawn(program, args, {
    cwd: setting.cwd,
    env: { ...Object.fromEntries(inherited), ...setting.env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(uid !== undefined && { uid, gid: uid }),
  });
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (chunk: string) => {
      text[name] += chunk;
    });
  }
  const done = new Promise<Result>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`not done after ${timeoutMs} ms: ${args.join(" ")}\n${text.stderr}`));
    }, timeoutMs);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, ...text });
    });
  });
  const line = (wanted: string) =>
    new Promise<void>((resolve) => {
      const look = () => text.stderr.includes(wanted) && resolve();
      child.stderr.on("data", look);
      child.on("close", () => resolve());
      look();
    });
  return { child, done, line };
}

/** Runs `flipturn` to its end. */
export function flipturn(args: readonly string[], setting: Setting): Promise<Result> {
  return start(args, setting).done;
}

/** Runs `flipturn` and throws with everything it said unless it exits 0. */
export async function succeed(args: readonly string[], setting: Setting): Promise<Result> {
  const result = await flipturn(args, setting);
  if (result.code !== 0)
    throw new Error(
      `flipturn ${args.join(" ")}: exit ${result.code ?? result.signal}\n${result.stdout}${result.stderr}`,
    );
  return result;
}

/** A folder of its own for a test file, removed when the file is done. */
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), "flipturn-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Every file of a run by its relative path, with the sha256 of its bytes. Left out: what tells of time and progress. */
export function tree(folder: string): Record<string, string> {
  const found = allFiles(folder).filter(
    (path) => !/(^|\/)(timings\.json|tasks\/.*)$/.test(path) && !["plan.json", "lock"].includes(path),
  );
  return Object.fromEntries(found.map((path) => [path, sha256(join(folder, path))]));
}

/** The rows of a run, without manifests, plan and card, which name files and code: sha256 by relative path. */
export function artefacts(folder: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tree(folder)).filter(([path]) => /\.(parquet|jsonl)$/.test(path) && !path.includes("/raw/")),
  );
}

/** Relative paths of all files under a folder, sorted. */
export function allFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** sha256 (hex) of a file. */
function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

/** Stages by their number in front of the folder. */
const FOLDERS = ["download", "prepare", "dedup", "split", "intents", "flip", "write"] as const;
export type StageName = (typeof FOLDERS)[number];

/** Folder of a stage, relative to that of the run. */
export function stageFolder(stage: StageName): string {
  return `0${FOLDERS.indexOf(stage) + 1}-${stage}`;
}

/** The manifest of a stage. */
export function manifest(folder: string, stage: StageName): Manifest {
  return Manifest.parse(JSON.parse(readFileSync(join(folder, stageFolder(stage), "manifest.json"), "utf8")));
}

/** All manifests of a finished run, in order. */
export function manifests(folder: string): Manifest[] {
  return FOLDERS.map((stage) => manifest(folder, stage));
}

/** Rows of a query, as plain JSON values. The engine is not the one that wrote the files. */
export async function select<Row = Record<string, unknown>>(sql: string): Promise<Row[]> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    const result = await connection.runAndReadAll(`SELECT to_json(q)::VARCHAR FROM (${sql}) q`);
    return result.getRows().map(([row]) => JSON.parse(String(row)) as Row);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Runs a statement that gives no rows, such as COPY. */
export async function execute(sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    await connection.run(sql);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** SQL that reads all shards of an artefact of a run. */
export function shardsOf(folder: string, stage: StageName, artefact: string): string {
  return `read_parquet('${join(folder, stageFolder(stage), `${artefact}-*.parquet`)}')`;
}

/** Numbers in [0, 1) that are the same in every run (mulberry32, public domain). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
