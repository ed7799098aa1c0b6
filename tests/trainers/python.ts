import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT, startProcess } from "../runs/flipturn.ts";

/** Where the Python environments are, one a trainer; they are made when they are missing (several GB each). */
const ENVIRONMENTS = process.env["FLIPTURN_TRAINERS"] ?? join(ROOT, "output", "trainers");
const HERE = import.meta.dirname;
const MINUTES = 60_000;

/** Nothing asks the Hub, and nobody is told that a test ran. */
const QUIET = {
  HF_HUB_OFFLINE: "1",
  AXOLOTL_DO_NOT_TRACK: "1",
  DO_NOT_TRACK: "1",
  DISABLE_VERSION_CHECK: "1",
  TOKENIZERS_PARALLELISM: "false",
  PYTHONPATH: join(HERE, "python"),
};

export type Trainer = "trl" | "axolotl" | "llama-factory" | "torchtune";

/** What `compare.py` says of one trainer and one form. */
export interface Report {
  readonly trainer: string;
  readonly rows: number;
  readonly ours: number;
  readonly got: number;
  readonly idsDiffer: readonly string[];
  readonly labelsDiffer: readonly string[];
  readonly trained: number;
}

async function succeed(
  program: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
  timeoutMs: number,
) {
  const result = await startProcess(program, args, { cwd, env, timeoutMs }).done;
  if (result.code === 0) return result;
  throw new Error(
    `${program} ${args.join(" ")}: exit ${result.code ?? result.signal}\n${result.stdout}\n${result.stderr}`,
  );
}

/** A program of a trainer's environment. */
export async function program(trainer: Trainer, name = "python"): Promise<string> {
  const folder = join(ENVIRONMENTS, trainer);
  const python = join(folder, "bin", "python");
  if (!existsSync(python)) {
    const requirements = join(HERE, "requirements", `${trainer}.txt`);
    await succeed("python3", ["-m", "venv", folder], HERE, {}, 5 * MINUTES);
    await succeed(python, ["-m", "pip", "install", "--quiet", "-r", requirements], HERE, {}, 60 * MINUTES);
  }
  return join(folder, "bin", name);
}

/** Runs a Python file in the environment of a trainer; gives what it prints on both streams. */
export async function python(trainer: Trainer, file: string, args: readonly string[], cwd: string): Promise<string> {
  const { stdout, stderr } = await succeed(await program(trainer), [file, ...args], cwd, QUIET, 20 * MINUTES);
  return stdout + stderr;
}

/** Runs one of the checks beside this file; gives its report. */
export async function check(trainer: Trainer, file: string, args: readonly string[], cwd: string): Promise<Report> {
  const said = await python(trainer, join(HERE, "python", file), args, cwd);
  const line = said.split("\n").find((each) => each.startsWith("REPORT "));
  if (!line) throw new Error(`${file}: no report\n${said}`);
  return JSON.parse(line.slice("REPORT ".length)) as Report;
}
