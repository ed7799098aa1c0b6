import { type SpawnSyncOptions, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A Python with the packages in it, or why there is none. */
export type Python = { path: string } | { missing: string };

/** What pip says when it cannot reach the index at all, however its own tries went. */
const UNREACHABLE =
  /NewConnectionError|ConnectTimeoutError|NameResolutionError|ReadTimeoutError|ProxyError|Connection refused/;

/**
 * A virtual environment with the packages of a requirements file, made on first use and kept under `cache` for as long as
 * that file and Python stay the same. One that was not finished is made again.
 */
export function virtualEnvironment(requirements: string, cache: string): Python {
  const version = spawnSync("python3", ["--version"], { encoding: "utf8" });
  if (version.status !== 0) return { missing: "no python3" };
  const key = createHash("sha256").update(version.stdout).update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const folder = join(cache, `venv-${key}`);
  const python = { path: join(folder, "bin", "python") };
  if (existsSync(join(folder, "complete"))) return python;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  console.log(`making ${folder}`);
  must(["python3", "-m", "venv", folder]);
  const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements];
  const { status, stderr } = spawnSync(python.path, install, { encoding: "utf8" });
  if (status !== 0 && UNREACHABLE.test(stderr)) return { missing: "PyPI cannot be reached" };
  if (status !== 0) throw new Error(`pip install: exit ${status}\n${stderr}`);
  writeFileSync(join(folder, "complete"), "");
  return python;
}

/** Runs a command with its output shown, unless told otherwise. Throws if it fails. */
export function must([command = "", ...args]: readonly string[], options: SpawnSyncOptions = {}): void {
  const { status, error } = spawnSync(command, args, { stdio: "inherit", ...options });
  if (status !== 0) throw new Error(`${[command, ...args].join(" ")}: exit ${status}`, { cause: error });
}
