/**
 * How fast conversations become rows of token ids with their labels and masks, in both layouts, on one thread and on two:
 *
 *     node dist/scripts/bench/rows.js <JSONL files of WildChat rows…>
 *
 * Every round begins with a new tokenizer, so with an empty cache. Nothing is written. "distinct": tokens of the turns.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { loadText } from "../../pipeline/text/load-text.ts";
import type { Turn } from "../../schemas/conversation.ts";
import type { Sample } from "../../schemas/sample.ts";
import { flip } from "../../stages/flip/flip.ts";
import { formNamed } from "../../stages/forms/index.ts";
import { DatasetWriter } from "../../stages/render/dataset-writer.ts";
import { RenderOptions, textOptions } from "../../stages/render/options.ts";
import { syntheticTexts } from "./synthetic.ts";

const ROUNDS = 3;
const LAYOUTS = ["samples", "conversations"] as const;

type Work = { readonly dialogues: readonly Turn[][]; readonly layout: (typeof LAYOUTS)[number] };
type Done = { readonly rows: number; readonly tokens: number };
type Measured = Done & { readonly ms: number; readonly cpuMs: number };

async function main(paths: string[]): Promise<void> {
  const dialogues = dialoguesOf(paths);
  const units = dialogues.flat().reduce((sum, { content }) => sum + content.length, 0);
  console.log(
    `${count(dialogues.length)} conversations, ${count(dialogues.flat().length)} turns, ${count(units)} UTF-16 units; Node ${process.version}\n`,
  );
  for (const layout of LAYOUTS)
    for (const threads of [1, 2]) {
      const rounds: Measured[] = [];
      for (let round = 1; round <= ROUNDS; round++) rounds.push(await measure(dialogues, layout, threads));
      const rates = (key: "ms" | "cpuMs") =>
        rounds.map((each) => (each.tokens / each[key] / 1e3).toFixed(2).padStart(5)).join("");
      const { rows, tokens } = rounds[0] as Measured;
      const made = `${count(rows)} rows, ${count(tokens)} tokens`;
      console.log(
        `${layout.padEnd(13)} ${threads} thread${threads === 1 ? " " : "s"} ${rates("ms")} M/s,${rates("cpuMs")} M per CPU second (${made})`,
      );
    }
  console.log(`\npeak memory ${count(process.resourceUsage().maxRSS / 1000)} MB, all threads together`);
}

/** The conversations of JSONL files with WildChat's column `conversation`. */
function dialoguesOf(paths: readonly string[]): Turn[][] {
  if (paths.length > 0) return paths.flatMap(dialoguesIn);
  console.log("SYNTHETIC TEXT, made up here: no file was named. Real text has other speeds; name files of it.\n");
  const texts = syntheticTexts(8_000);
  const roles = ["user", "assistant"] as const;
  return Array.from({ length: 2_000 }, (_, at) =>
    texts.slice(4 * at, 4 * at + 4).map((content, turn) => ({ role: roles[turn % 2] as Turn["role"], content })),
  );
}

function dialoguesIn(path: string): Turn[][] {
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  const rows = lines.map((line) => JSON.parse(line) as { conversation?: Turn[] });
  return rows.flatMap(({ conversation }) =>
    conversation ? [conversation.map(({ role, content }) => ({ role, content: content ?? "" }))] : [],
  );
}

/** What was made, and how long it took from the word go to the last answer; other programs only slow the clock, not the CPU's. */
async function measure(dialogues: Turn[][], layout: Work["layout"], threads: number): Promise<Measured> {
  const workers = Array.from({ length: threads }, (_, part) => {
    const workerData: Work = { dialogues: dialogues.filter((_, at) => at % threads === part), layout };
    return new Worker(new URL(import.meta.url), { workerData });
  });
  await Promise.all(workers.map((worker) => once(worker, "message")));
  const [start, startCpu] = [performance.now(), process.cpuUsage()];
  for (const worker of workers) worker.postMessage("go");
  const done = (await Promise.all(workers.map((worker) => once(worker, "message")))) as [Done][];
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(startCpu);
  await Promise.all(workers.map((worker) => worker.terminate()));
  const sum = (key: keyof Done) => done.reduce((total, [each]) => total + each[key], 0);
  return { rows: sum("rows"), tokens: sum("tokens"), ms, cpuMs: (user + system) / 1000 };
}

/** In a worker thread: gets ready, waits, and answers with what it made. */
async function work({ dialogues, layout }: Work): Promise<void> {
  const options = RenderOptions.parse({ form: "tokens", layout });
  const text = await loadText(textOptions(options), (path) => path);
  const settings = { ...text, ...options, form: formNamed("tokens"), isWeighted: false };
  parentPort?.once("message", async () => {
    let [rows, tokens] = [0, 0];
    const file = {
      write: async (row: Record<string, unknown>) => {
        rows++;
        tokens += row["length"] as number;
      },
      commit: async () => ({ rows, bytes: 0, sha256: "" }),
      discard: () => {},
    };
    const output = new DatasetWriter(["train"], () => file, settings);
    const from = { source: "bench", language: "English", country: null, model: null, user_id: null };
    for (const [at, turns] of dialogues.entries()) {
      const samples = flip({ id: `bench:${at}`, turns }, { split: "train" }).filter(
        (each): each is Sample => "kind" in each,
      );
      await output.add(
        { ...from, turns },
        "You are a user chatting with an assistant language model to get help.",
        samples,
      );
    }
    parentPort?.postMessage({ rows, tokens });
  });
  parentPort?.postMessage("ready");
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}

await (isMainThread ? main(process.argv.slice(2)) : work(workerData));
