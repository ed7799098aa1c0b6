import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { realEnvironment } from "../../pipeline/environment.ts";
import { writeParquet } from "../../pipeline/files/parquet.ts";
import { Journal, journalFile } from "../../pipeline/models/journal.ts";
import { Conversation } from "../../schemas/conversation.ts";
import { dataset, runPlan } from "../../stages/index.ts";
import { makePlan } from "../../stages/plan.ts";

// `npm run bench:intents -- [conversations] [tmp folder]`: how fast intents are asked for at a server that takes 100 ms,
// in how much memory, what the journal costs, and how long a finished run takes to see that it is finished. The
// conversations are synthetic. The server and each measurement have a process of their own.

const LATENCY_MS = 100;
const CONCURRENCY = 128;

/** The settings of a run over the synthetic logs in a folder. */
function settings(folder: string, conversations: number, baseUrl: string) {
  const price = { input: 1, output: 1 };
  return {
    source: "chat",
    input: [join(folder, "logs.parquet")],
    output: join(folder, "run"),
    shards: Math.max(2, Math.round(conversations / 8000)),
    prepare: { language: "any", columns: { id: "id", messages: "turns" } },
    dedup: { templates: "keep" },
    intents: { provider: "openai" },
    models: { intents: { model: "bench", baseUrl, concurrency: CONCURRENCY, price } },
  };
}

const WORDS =
  "tomato basil window water light soil seed garden leaf root bread oven flour yeast train ticket lake boat".split(" ");

/** Synthetic logs: 2, 4 or 6 turns, about 1.4 KB of text a round. */
function* logs(conversations: number) {
  const text = (seed: number, length: number) =>
    Array.from({ length }, (_, at) => WORDS[(seed * 31 + at * 7 + ((seed * at) % 13)) % WORDS.length]).join(" ");
  for (let id = 0; id < conversations; id++) {
    const turns = Array.from({ length: 2 + 2 * (id % 3) }, (_, turn) => {
      const isUser = turn % 2 === 0;
      return { role: isUser ? "user" : "assistant", content: `${id} ${text(id + turn, isUser ? 40 : 180)}` };
    });
    yield { id: String(id), turns };
  }
}

/** What a child says of its work. */
type Measured = { seconds: number; cpuSeconds: number; peakMB: number; journalSeconds: number };

/** Runs the intents alone, in this process, and prints what it took. */
async function measure(folder: string, conversations: number, url: string): Promise<void> {
  let journalSeconds = 0;
  const add = Journal.prototype.add;
  Journal.prototype.add = function (entry) {
    const started = performance.now();
    add.call(this, entry);
    journalSeconds += (performance.now() - started) / 1000;
  };
  const { plan, folder: output } = await makePlan(settings(folder, conversations, url), dataset, realEnvironment());
  const started = performance.now();
  await runPlan(plan, output, { from: "intents", to: "intents", executor: { name: "in-process" } });
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage();
  const cpuSeconds = (user + system) / 1e6;
  console.log(JSON.stringify({ seconds, cpuSeconds, peakMB: process.resourceUsage().maxRSS / 1024, journalSeconds }));
}

function inChild(...args: string[]): Measured {
  const text = execFileSync(process.execPath, [import.meta.filename, "measure", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(text.toString()) as Measured;
}

async function main(conversations: number, root: string): Promise<void> {
  const folder = mkdtempSync(join(root, "flipturn-bench-"));
  const server = spawn(process.execPath, [join(import.meta.dirname, "server.js"), String(LATENCY_MS)]);
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  try {
    const url = String((await lines.next()).value);
    const Log = Conversation.pick({ id: true, turns: true });
    await writeParquet(join(folder, "logs.parquet"), Log, logs(conversations));
    const { plan, folder: output } = await makePlan(settings(folder, conversations, url), dataset, realEnvironment());
    await runPlan(plan, output, { to: "split" });
    const args = [folder, String(conversations), url];
    const first = inChild(...args);
    const again = inChild(...args);
    server.stdin.write("\n");
    const [requests, most] = String((await lines.next()).value).split(" ");
    const journal = join(folder, "run", "05-intents", "journal");
    const started = performance.now();
    Journal.read(journal)?.close();
    const opened = (performance.now() - started) / 1000;
    const megabytes = statSync(journalFile(journal)).size / 1e6;
    console.log(`${conversations} conversations, ${requests} requests, ${most} at a time, ${LATENCY_MS} ms each`);
    console.log(
      `  asked and judged in ${first.seconds.toFixed(1)} s: ${(conversations / first.seconds).toFixed(0)} requests/s`,
    );
    console.log(
      `  processor           ${first.cpuSeconds.toFixed(1)} s: ${((1000 * first.cpuSeconds) / conversations).toFixed(2)} ms a request, so ${(conversations / first.cpuSeconds).toFixed(0)} requests/s of one core`,
    );
    console.log(`  peak memory         ${first.peakMB.toFixed(0)} MB`);
    console.log(`  writing the journal ${first.journalSeconds.toFixed(2)} s: ${share(first)} of wall time`);
    console.log(`  finished run again  ${again.seconds.toFixed(2)} s`);
    console.log(`  journal opened      ${opened.toFixed(2)} s (${megabytes.toFixed(0)} MB)`);
  } finally {
    server.kill();
    rmSync(folder, { recursive: true });
  }
}

function share({ journalSeconds, seconds }: Measured): string {
  return `${((100 * journalSeconds) / seconds).toFixed(1)} %`;
}

const [mode = "20000", ...rest] = process.argv.slice(2);
if (mode === "measure") await measure(rest[0] ?? "", Number(rest[1]), rest[2] ?? "");
else await main(Number(mode), rest[0] ?? tmpdir());
