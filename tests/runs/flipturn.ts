import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Readable } from "node:stream";
import { realEnvironment } from "../../pipeline/environment.ts";
import { Manifest } from "../../schemas/manifest.ts";
import type * as Main from "../../scripts/cli/main.ts";

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

/** Where the command line is used. */
export interface Setting {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** The same for a process. */
export interface ProcessSetting extends Setting {
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
  setting: ProcessSetting,
): { child: ChildProcess; done: Promise<Result>; line: (text: string) => Promise<void> } {
  return startProcess(process.execPath, [CLI, ...args], setting);
}

/** Starts any program the same way. `line` waits until a text has come on stderr, or the program has ended. */
export function startProcess(program: string, args: readonly string[], setting: ProcessSetting) {
  const { uid, timeoutMs = 60_000 } = setting;
  const child = spawn(program, args, {
    cwd: setting.cwd,
    env: environmentOf(setting),
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

/** The environment of the tests without what would change what flipturn does. */
function environmentOf({ env }: Setting): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(FLIPTURN_|OPENAI_|HF_|SLURM_|AWS_|NO_COLOR|FORCE_COLOR|NODE_OPTIONS|VITEST)/.test(name),
  );
  return { ...Object.fromEntries(inherited), ...env };
}

/** Runs `flipturn` to its end, in this process; several at a time must be in one folder. */
export async function flipturn(args: readonly string[], setting: Setting): Promise<Result> {
  const text = { stdout: "", stderr: "" };
  const output = (name: keyof typeof text) => ({
    write: (chunk: string) => {
      text[name] += chunk;
    },
  });
  const { main }: typeof Main = await import(join(ROOT, "dist", "scripts", "cli", "main.js"));
  const before = process.cwd();
  process.chdir(setting.cwd);
  try {
    const code = await main(args, {
      stdin: Readable.from([]),
      stdout: output("stdout"),
      stderr: output("stderr"),
      environment: realEnvironment({ env: environmentOf(setting) }),
      signal: new AbortController().signal,
    });
    return { code, signal: null, ...text };
  } finally {
    process.chdir(before);
  }
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
const STAGES = ["download", "prepare", "dedup", "split", "intents", "flip", "render", "describe"] as const;
export type StageName = (typeof STAGES)[number];

/** Folder of a stage, relative to that of the run; `form` is that of the dataset, for the stages that make it. */
export function stageFolder(stage: StageName, form = "samples"): string {
  const name = stage === "render" || stage === "describe" ? `${stage}-${form}` : stage;
  return `0${STAGES.indexOf(stage) + 1}-${name}`;
}

/** The manifest of a stage. */
export function manifest(folder: string, stage: StageName, form?: string): Manifest {
  return Manifest.parse(JSON.parse(readFileSync(join(folder, stageFolder(stage, form), "manifest.json"), "utf8")));
}

/** All manifests of a finished run, in order. */
export function manifests(folder: string, form?: string): Manifest[] {
  return STAGES.map((stage) => manifest(folder, stage, form));
}

/** SQL that reads all shards of an artefact of a run. */
export function shardsOf(folder: string, stage: StageName, artefact: string, form?: string): string {
  return `read_parquet('${join(folder, stageFolder(stage, form), `${artefact}-*.parquet`)}', hive_partitioning = false)`;
}
