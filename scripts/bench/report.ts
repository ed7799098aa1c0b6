import { readFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { join } from "node:path";
import { packageFolder } from "../../pipeline/code-identity.ts";
import type { ContenderRun } from "./contenders.ts";

/** One measured run. */
export type Raw = ContenderRun & {
  readonly contender: string;
  readonly conversations: number;
  readonly round: number;
  readonly threads: number;
  /** Size of the raw files. */
  readonly corpus_mb: number;
};

/** All that was measured, and on what. */
export interface BenchReport {
  readonly machine: Record<string, string | number>;
  readonly versions: Record<string, string>;
  readonly skipped: string | null;
  readonly runs: readonly Raw[];
}

/** What was measured, with the machine and the versions. The machine's name is left out. */
export function report(runs: readonly Raw[], skipped: string | null): BenchReport {
  const version = (name: string) =>
    (
      JSON.parse(readFileSync(join(packageFolder(), "node_modules", name, "package.json"), "utf8")) as {
        version: string;
      }
    ).version;
  const python = readFileSync(join(packageFolder(), "scripts", "bench", "python", "requirements.txt"), "utf8");
  return {
    machine: {
      cores: availableParallelism(),
      processor: cpus()[0]?.model ?? "not known",
      memory_gb: Math.round(totalmem() / 2 ** 30),
      // Of the last minute: above the number of cores others were at work too, and seconds of the clock say less.
      load_at_end: loadNow(),
    },
    versions: {
      node: process.version,
      duckdb: version("@duckdb/node-api"),
      "hyparquet-writer": version("hyparquet-writer"),
      ...Object.fromEntries(
        [...python.matchAll(/^(\w+)==(.+)$/gm)].map(([, name = "", number = ""]) => [name, number]),
      ),
    },
    skipped,
    runs,
  };
}

function loadNow(): number {
  return Number(readFileSync("/proc/loadavg", "utf8").split(" ")[0]);
}

/** The tables of the benchmark page. */
export function tables({ machine, versions, skipped, runs }: BenchReport): string {
  const about = (pairs: Record<string, string | number>) =>
    Object.entries(pairs)
      .map(([name, value]) => `${name} ${value}`)
      .join(", ");
  const ways = runs.map((run) => {
    const { contender, conversations, round, threads, wall_s, cpu_s, peak_mb, samples } = run;
    return [contender, conversations, round, threads, wall_s.toFixed(1), cpu_s.toFixed(1), peak_mb.toFixed(0), samples];
  });
  const stages = runs.flatMap(({ contender, conversations, threads, corpus_mb, stages: each = [] }) =>
    each
      .filter(({ ran, stage }) => ran && stage !== "download")
      .map(({ stage, rows, wall_s, cpu_s, peak_mb }) => [
        ...[contender, conversations, threads, stage, rows, wall_s.toFixed(1), cpu_s.toFixed(1)],
        ...[peak_mb.toFixed(0), Math.round(rows / wall_s), (corpus_mb / wall_s).toFixed(1)],
      ]),
  );
  return [
    `Machine: ${about(machine)}. Versions: ${about(versions)}.${skipped ? ` Skipped: ${skipped}.` : ""}`,
    table(["way", "conversations", "round", "threads", "wall s", "cores s", "peak MB", "samples"], ways),
    table(
      [
        "way",
        "conversations",
        "threads",
        "stage",
        "rows in",
        "wall s",
        "cores s",
        "peak MB",
        "rows/s",
        "MB/s of raw files",
      ],
      stages,
    ),
    "",
  ].join("\n\n");
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
