/**
 * Measures `dedup` and `split` on made-up conversations: `node dist/scripts/bench/dedup.js [templates|near|groups] [folder]`.
 * Each part prepares its conversations first, then runs the stages in a process of its own with two threads, and prints
 * seconds by phase, of the clock and of the processors (all threads together), and the most memory (resident, of the
 * whole process) that was seen during it.
 */
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Given } from "../../pipeline/config.ts";
import { run } from "../../stages/index.ts";
import { count, table } from "../cli/terminal.ts";

/** What is measured: so many conversations of about so many words, and how the stages are set. */
type Part = { name: string; conversations: number; words: number; to: string; phases: readonly string[]; given: Given };

const PARTS: readonly Part[] = [
  {
    name: "templates",
    conversations: 838_000,
    words: 69,
    to: "dedup",
    phases: ["dedup count", "dedup merge", "dedup mark"],
    given: { dedup: { nearDuplicates: "off" } },
  },
  {
    name: "near",
    conversations: 100_000,
    words: 69,
    to: "dedup",
    phases: ["dedup sign", "dedup pair", "dedup cluster"],
    given: { shards: 4, dedup: { templates: "keep" } },
  },
  {
    name: "groups",
    conversations: 1_000_000,
    words: 12,
    to: "split",
    phases: ["split collect", "split draw", "split place", "split audit"],
    given: { split: { by: "groups" } },
  },
];

/** What a phase took: seconds of the clock, seconds of all processors together, the most memory. */
type Taken = { seconds: number; processors: number; megabytes: number };
const NOTHING: Taken = { seconds: 0, processors: 0, megabytes: 0 };

const COUNTRIES = 190;
const THREADS = 2;

/** Numbers in [0, 1) that are the same in every run (mulberry32, public domain). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Writes made-up conversations. Word frequencies fall as in text, lengths vary by a factor of ten about their mean, one
 * conversation in ten is made from one of 20 templates, one in twenty repeats an earlier opening with a word changed, and
 * few users have many conversations.
 */
function writeConversations(path: string, conversations: number, words: number): void {
  const random = seeded(1);
  const word = () => `w${Math.floor(60_000 ** random()).toString(36)}`;
  const text = (length: number) => Array.from({ length }, word).join(" ");
  const templates = Array.from({ length: 20 }, () => [text(40), text(20)] as const);
  const earlier: string[] = [];
  const opening = (): string => {
    const which = random();
    const [start, end] = templates[Math.floor(20 * random())] ?? ["", ""];
    if (which < 0.1) return `${start} ${text(4)} ${end}`;
    const known = earlier[Math.floor(random() * earlier.length)];
    if (which < 0.15 && known !== undefined) return known.replace(/ \S+$/, ` ${word()}`);
    return text(1 + Math.floor(words * 10 ** (random() * 2 - 1) * 0.465));
  };
  const file = openSync(path, "w");
  for (let at = 0; at < conversations; at++) {
    const said = opening();
    if (earlier.length < 5000) earlier.push(said);
    const user = Math.floor((conversations / 4) * random() ** 2);
    const row = {
      id: `c${at}`,
      user: `u${user}`,
      country: `country ${Math.floor(COUNTRIES * seeded(user)() ** 3)}`,
      time: new Date(Date.UTC(2023, 4, 1) + at * 30_000).toISOString(),
      messages: [
        { role: "user", content: said },
        { role: "assistant", content: "Here you are." },
      ],
    };
    writeSync(file, `${JSON.stringify(row)}\n`);
  }
  closeSync(file);
}

/** Runs one part up to a stage; gives what each phase took. */
async function measure(part: Part, folder: string, to: string): Promise<Map<string, Taken>> {
  const measured = new Map<string, Taken>();
  let current = "";
  let since = { clock: performance.now(), processors: process.cpuUsage() };
  const look = () => {
    const before = measured.get(current) ?? NOTHING;
    const { user, system } = process.cpuUsage(since.processors);
    measured.set(current, {
      seconds: before.seconds + (performance.now() - since.clock) / 1000,
      processors: before.processors + (user + system) / 1e6,
      megabytes: Math.max(before.megabytes, process.memoryUsage.rss() / 1e6),
    });
    since = { clock: performance.now(), processors: process.cpuUsage() };
  };
  const timer = setInterval(look, 50);
  const columns = { id: "id", user: "user", country: "country", time: "time" };
  const given = {
    source: "chat",
    input: [join(folder, "rows.jsonl")],
    output: join(folder, "run"),
    threads: { count: THREADS },
    prepare: { columns },
    ...part.given,
  };
  await run(given, {
    to,
    onEvent(event) {
      look();
      if (event.type === "phase") current = `${event.stage} ${event.phase}`;
    },
  });
  clearInterval(timer);
  return measured;
}

function print(part: Part, measured: ReadonlyMap<string, Taken>): void {
  const rows = [...measured].filter(([phase]) => phase !== "");
  const own = rows.filter(([phase]) => part.phases.includes(phase)).map(([, taken]) => taken);
  const add = (sum: Taken, each: Taken): Taken => ({
    seconds: sum.seconds + each.seconds,
    processors: sum.processors + each.processors,
    megabytes: Math.max(sum.megabytes, each.megabytes),
  });
  const all = own.reduce(add, NOTHING);
  const line = (name: string, { seconds, processors, megabytes }: Taken) => {
    return [name, seconds.toFixed(1), processors.toFixed(1), count(Math.round(megabytes))];
  };
  const lines = rows.map(([name, taken]) => line(name, taken));
  console.log(`${part.name}: ${count(part.conversations)} conversations, ${THREADS} threads, Node ${process.version}`);
  console.log(table([["phase", "seconds", "of processors", "MB"], ...lines, line("measured", all)], [1, 2, 3]));
}

/** Each part in two processes: what prepared the conversations must not count as memory of what is measured. */
async function main([wanted, place, step]: readonly string[]): Promise<void> {
  for (const part of PARTS.filter((each) => !wanted || wanted === "all" || each.name === wanted)) {
    if (step === "measure") {
      print(part, await measure(part, join(place as string, part.name), part.to));
      continue;
    }
    const root = place ?? mkdtempSync(join(tmpdir(), "flipturn-bench-"));
    const folder = join(root, part.name);
    mkdirSync(folder, { recursive: true });
    writeConversations(join(folder, "rows.jsonl"), part.conversations, part.words);
    await measure(part, folder, "prepare");
    spawnSync(process.execPath, [fileURLToPath(import.meta.url), part.name, root, "measure"], { stdio: "inherit" });
    rmSync(folder, { recursive: true });
  }
}

await main(process.argv.slice(2));
