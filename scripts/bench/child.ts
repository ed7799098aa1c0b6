import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import type { Cost } from "./measure.ts";

/** How often a process and its children are looked at, in ms. What ends in between is missed by as much. */
const LOOK_MS = 100;
/** Linux counts the time of a process in this many parts of a second. */
const TICKS = 100;

/** How a program is run. */
export interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Kill it when it and its children together hold more than this. */
  readonly mostMb?: number;
}

/** What became of a program: what it cost, with its children, and the last line that it printed, as JSON. */
export type Ran<T> = Cost & { readonly told: T };

/** Runs a program to its end and watches it and its children in `/proc`. Throws if it fails or is killed. */
export async function runChild<T>(
  command: string,
  args: readonly string[],
  options: ChildOptions = {},
): Promise<Ran<T>> {
  const started = performance.now();
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const watch = new Watch(child.pid ?? 0);
  let tooMuch = false;
  const timer = setInterval(() => {
    if (watch.look() <= (options.mostMb ?? Number.POSITIVE_INFINITY)) return;
    tooMuch = true;
    child.kill("SIGKILL");
  }, LOOK_MS);
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-10_000);
  });
  const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  clearInterval(timer);
  if (tooMuch) throw new Error(`${command} ${args[0]}: killed: it held more than ${options.mostMb} MB`);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}: exit ${code}\n${stderr}`);
  const told = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "null") as T;
  return { wall_s: (performance.now() - started) / 1000, cpu_s: watch.cpuSeconds, peak_mb: watch.peakMb, told };
}

/** What a process and those that it started, and those that these started, take. */
class Watch {
  readonly #root: number;
  /** Ticks of each process that was ever seen, as last seen. */
  readonly #ticks = new Map<number, number>();
  peakMb = 0;

  constructor(root: number) {
    this.#root = root;
  }

  get cpuSeconds(): number {
    return [...this.#ticks.values()].reduce((sum, ticks) => sum + ticks, 0) / TICKS;
  }

  /** Looks once; returns the memory that all hold together now, pages that they share counted once. */
  look(): number {
    let megabytes = 0;
    for (const { pid, ticks } of family(this.#root)) {
      this.#ticks.set(pid, ticks);
      megabytes += memoryOf(pid);
    }
    this.peakMb = Math.max(this.peakMb, megabytes);
    return megabytes;
  }
}

type Process = { pid: number; parent: number; ticks: number };

function family(root: number): Process[] {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const found = all.map(Number).flatMap(processOf);
  const children = (pid: number): Process[] =>
    found.filter(({ parent }) => parent === pid).flatMap((each) => [each, ...children(each.pid)]);
  return [...found.filter(({ pid }) => pid === root), ...children(root)];
}

function processOf(pid: number): Process[] {
  try {
    // After the name, which is in brackets and may hold anything: state, parent, … user and system time.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return [{ pid, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }];
  } catch {
    return [];
  }
}

function memoryOf(pid: number): number {
  try {
    const [, kilobytes] = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")) ?? [];
    return Number(kilobytes ?? 0) / 1024;
  } catch {
    return 0;
  }
}
