/**
 * Makes a synthetic corpus in the shape of WildChat-1M, to measure speed and memory with:
 *
 *     npm run bench:corpus -- --conversations 1000000 --seed 1 --output <folder>
 *
 * Columns and nesting, sizes, languages, users, templates and quirks are like those of the real data as far as public
 * descriptions tell; every word is made up. The same numbers give the same bytes, on any number of threads.
 */
import { mkdirSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { UsageError } from "../../pipeline/errors.ts";
import { writeText } from "../../pipeline/files/atomic-file.ts";
import { type CorpusSettings, fileName, filesOf, writeFile } from "./corpus/file.ts";

type Work = { settings: CorpusSettings; folder: string };

/** Writes a corpus into a folder that holds no other; returns its size in bytes. */
export async function makeCorpus(folder: string, settings: CorpusSettings, threads: number): Promise<number> {
  mkdirSync(folder, { recursive: true });
  const names = Array.from({ length: filesOf(settings) }, (_, index) => fileName(settings, index));
  const others = readdirSync(folder).filter((name) => name.endsWith(".parquet") && !names.includes(name));
  if (others.length > 0)
    throw new UsageError(`${folder}: holds ${others[0]}, which is not of this corpus; choose another --output`);
  writeText(join(folder, "README.md"), readme(settings));
  const queue = [...names.keys()];
  const sizes = await Promise.all(Array.from({ length: threads }, () => oneThread({ settings, folder }, queue)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function readme({ conversations, seed }: CorpusSettings): string {
  return `# SYNTHETIC

Nothing in this folder is real. These are ${conversations} made-up conversations of made-up words by made-up people, written by
flipturn's \`npm run bench:corpus -- --conversations ${conversations} --seed ${seed}\` in the shape of WildChat-1M, to measure speed
and memory with. Countries, models and languages are named as in the real data; hashes begin with \`synthetic\`. Do not
train on it and do not take its statistics for those of anything.
`;
}

/** Does files of the queue on a thread of its own until none is left; returns the bytes written. */
function oneThread(work: Work, queue: number[]): Promise<number> {
  if (queue.length === 0) return Promise.resolve(0);
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: work });
    let total = 0;
    const next = () => {
      const index = queue.shift();
      if (index !== undefined) worker.postMessage(index);
      else worker.terminate().then(() => resolve(total), reject);
    };
    worker.on("message", (bytes: number) => {
      total += bytes;
      next();
    });
    worker.on("error", reject);
    next();
  });
}

function serve({ settings, folder }: Work): void {
  parentPort?.on("message", (index: number) => {
    writeFile(join(folder, fileName(settings, index)), settings, index).then(
      (bytes) => parentPort?.postMessage(bytes),
      (error: unknown) => {
        throw error;
      },
    );
  });
}

/** What was asked for. Throws UsageError. */
function asked(): { settings: CorpusSettings; folder: string; threads: number } {
  const { values } = parseArgs({
    options: {
      conversations: { type: "string" },
      seed: { type: "string", default: "1" },
      output: { type: "string" },
      threads: { type: "string", default: String(availableParallelism()) },
    },
  });
  const conversations = Number(values.conversations);
  const threads = Number(values.threads);
  if (!Number.isSafeInteger(conversations) || conversations < 2)
    throw new UsageError("--conversations N is missing; N is a whole number from 2");
  if (!Number.isSafeInteger(threads) || threads < 1) throw new UsageError("--threads needs a whole number from 1");
  return {
    settings: { conversations, seed: values.seed },
    folder: values.output ?? defaultFolder(conversations),
    threads,
  };
}

function defaultFolder(conversations: number): string {
  return join("output", `SYNTHETIC-${conversations}`);
}

async function main(): Promise<void> {
  const { settings, folder, threads } = asked();
  const started = performance.now();
  const bytes = await makeCorpus(folder, settings, threads);
  const seconds = (performance.now() - started) / 1000;
  const memory = process.resourceUsage().maxRSS / 1024;
  console.log(
    `${folder}: SYNTHETIC corpus, ${settings.conversations} conversations, ${filesOf(settings)} files, ${(bytes / 1e6).toFixed(0)} MB (${Math.round(bytes / settings.conversations)} bytes each), ${seconds.toFixed(1)} s, peak ${memory.toFixed(0)} MB`,
  );
}

if (!isMainThread) serve(workerData as Work);
else if (process.argv[1] === import.meta.filename) {
  await main().catch((error: unknown) => {
    if (!(error instanceof UsageError)) throw error;
    console.error(`bench:corpus: ${error.message}`);
    process.exitCode = 2;
  });
}
