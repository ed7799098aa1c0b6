/**
 * How long a run takes and what it holds in memory, against other ways to do the same work on the same files:
 *
 *     npm run bench -- [--conversations 100000,400000,1000000] [--rounds 1] [--threads 2] [--work <folder>] [--report <file>]
 *     npm run bench -- --quick
 *     npm run bench -- --soak 2048 --conversations 1000000
 *
 * The corpora are synthetic (`bench:corpus`) and are kept in the folder of the work. Every run is a process of its own;
 * in every round each way has its turn. Raw runs and a table go to <file>.json and <file>.md. `--quick` is what CI runs:
 * it compares outputs over numbers of threads and holds memory to a limit, and asks nothing about time. `--soak` kills
 * the run once it holds more than so many MB.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeJson, writeText } from "../../pipeline/files/atomic-file.ts";
import { type Contender, type ContenderRun, contenders, inFolder, orderOf, runFlipturn } from "./contenders.ts";
import { makeCorpus } from "./corpus.ts";
import type { Order } from "./measure.ts";
import { quick } from "./quick.ts";
import { type BenchReport, type Raw, report, tables } from "./report.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    soak: { type: "string" },
    conversations: { type: "string", default: "100000,400000,1000000" },
    rounds: { type: "string", default: "1" },
    threads: { type: "string", default: "2" },
    work: { type: "string", default: join("output", "bench") },
    report: { type: "string", default: join("output", "bench", "report") },
  },
});
const sizes = values.conversations.split(",").map(Number);
const threads = Number(values.threads);

/** The folder of a corpus, which is made if it is not there. */
async function corpusOf(conversations: number): Promise<string> {
  const folder = join(values.work, `SYNTHETIC-${conversations}`);
  if (!existsSync(join(folder, "complete"))) {
    await makeCorpus(folder, { conversations, seed: "1" }, threads);
    writeText(join(folder, "complete"), "");
  }
  return folder;
}

function sizeMb(folder: string): number {
  const names = readdirSync(folder).filter((name) => name.endsWith(".parquet"));
  return names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0) / 1e6;
}

async function compare(): Promise<void> {
  const { all, skipped } = contenders();
  const raw: Raw[] = [];
  for (const conversations of sizes) {
    const corpus = await corpusOf(conversations);
    const corpus_mb = sizeMb(corpus);
    for (let round = 1; round <= Number(values.rounds); round++) {
      const note = (contender: string, width: number, run: ContenderRun) => {
        raw.push({ contender, conversations, round, threads: width, corpus_mb, ...run });
        console.log(
          `${contender}, ${conversations}: ${run.wall_s.toFixed(1)} s, ${run.cpu_s.toFixed(1)} s of cores, ${run.peak_mb.toFixed(0)} MB`,
        );
        save(raw, skipped);
      };
      for (const contender of all) note(contender.name, threads, await turn(contender, corpus));
      note("flipturn, one thread, runs side by side", 1, await sideBySide(corpus));
      await oneThreadAndAgain(corpus, note);
    }
  }
  console.log(`\n${tables(report(raw, skipped))}`);
}

function turn(contender: Contender, corpus: string): Promise<ContenderRun> {
  return inFolder(values.work, (folder) => contender.run(corpus, folder, threads));
}

/**
 * As many runs of one thread at a time as there are threads, the slowest of them: what the machine gives to work that shares
 * nothing. Against one run alone it is what threads can come to at most.
 */
async function sideBySide(corpus: string): Promise<ContenderRun> {
  const one = () => inFolder(values.work, (folder) => runFlipturn(alone(corpus, folder)));
  const runs = await Promise.all(Array.from({ length: threads }, one));
  return runs.reduce((slowest, run) => (run.wall_s > slowest.wall_s ? run : slowest));
}

/** A run of one thread, tokens not counted. */
function alone(corpus: string, folder: string): Order {
  return orderOf(corpus, join(folder, "run"), 1, { tokenizer: "none" });
}

/** One thread; then, in the same folder, again with nothing changed, and with another option of `flip`. */
function oneThreadAndAgain(
  corpus: string,
  note: (name: string, width: number, run: ContenderRun) => void,
): Promise<void> {
  return inFolder(values.work, async (folder) => {
    const order = alone(corpus, folder);
    note("flipturn, one thread", 1, await runFlipturn(order));
    note("flipturn, nothing changed", threads, await runFlipturn({ ...order, threads }));
    const flip = { endAfterUser: "keep", emptyTargets: "keep" };
    note(
      "flipturn, an option of flip changed",
      threads,
      await runFlipturn({ threads, given: { ...order.given, flip } }),
    );
  });
}

function save(raw: readonly Raw[], skipped: string | null): void {
  const made: BenchReport = report(raw, skipped);
  writeJson(`${values.report}.json`, made);
  writeText(`${values.report}.md`, tables(made));
}

async function soak(mostMb: number): Promise<void> {
  for (const conversations of sizes) {
    const corpus = await corpusOf(conversations);
    const order = (folder: string) => orderOf(corpus, join(folder, "run"), threads);
    const run = await inFolder(values.work, (folder) => runFlipturn(order(folder), { mostMb }));
    console.log(
      `soak: ${conversations} conversations under ${mostMb} MB: done in ${run.wall_s.toFixed(0)} s, peak ${run.peak_mb.toFixed(0)} MB`,
    );
  }
}

if (values.quick) await quick(values.work);
else if (values.soak !== undefined) await soak(Number(values.soak));
else await compare();
