/**
 * Runs flipturn once in this process, all its threads included, and prints as JSON what each stage took. A process of
 * its own for every measurement, so that none begins warm or with another's memory:
 *
 *     node dist/scripts/bench/measure.js '{"threads":2,"given":{"source":"wildchat-1m", …}}'
 */
import { readFileSync, writeFileSync } from "node:fs";
import type { Given } from "../../pipeline/config.ts";
import type { RunEvent } from "../../pipeline/events.ts";
import { run } from "../../stages/index.ts";

/** What is to be run. */
export type Order = { readonly threads: number; readonly given: Given; readonly to?: string };

/** What something took: seconds of the clock, seconds of all cores, and the most memory that the process held. */
export type Cost = { readonly wall_s: number; readonly cpu_s: number; readonly peak_mb: number };

/** What a stage took, with the rows that went in; one that was up to date took nothing. */
type StageCost = Cost & { readonly stage: string; readonly rows: number; readonly ran: boolean };

/** A run as it was measured. */
export type Measured = Cost & { readonly stages: readonly StageCost[] };

/** Starts a clock; the function that it returns reads it. */
function clock(): () => Cost {
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  forgetPeak();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return { wall_s: (performance.now() - wall) / 1000, cpu_s: (user + system) / 1e6, peak_mb: peakMb() };
  };
}

/** Lets Linux count the peak of this process's memory anew. */
function forgetPeak(): void {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // Elsewhere the peak is that of the process so far.
  }
}

function peakMb(): number {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    return Number(kilobytes) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}

async function measure({ threads, given, to }: Order): Promise<Measured> {
  const stages: StageCost[] = [];
  let read = clock();
  const onEvent = (event: RunEvent) => {
    if (event.type !== "stage") return;
    if (event.state === "running") read = clock();
    else stages.push({ stage: event.stage, rows: event.manifest?.in ?? 0, ran: event.state === "done", ...read() });
  };
  const started = performance.now();
  await run({ ...given, threads: { count: threads } }, { onEvent, ...(to && { to }) });
  const { user, system } = process.cpuUsage();
  return {
    // With the start of Node itself, which a person waits for too.
    wall_s: (performance.now() - started) / 1000 + started / 1000,
    cpu_s: (user + system) / 1e6,
    peak_mb: Math.max(peakMb(), ...stages.map((stage) => stage.peak_mb)),
    stages,
  };
}

console.log(JSON.stringify(await measure(JSON.parse(process.argv[2] ?? "{}") as Order)));
