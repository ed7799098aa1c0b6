import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Given, layer, resolveConfig, settingsOf } from "../../pipeline/config.ts";
import { Manifest } from "../../schemas/manifest.ts";
import { commands } from "../../scripts/cli/commands/index.ts";
import { choicesOf, unwrap } from "../../scripts/cli/typed-text.ts";
import { dataset } from "../../stages/index.ts";
import { INTENT_PREFIX } from "../../stages/intents/prompt.ts";
import { sources } from "../../stages/sources/index.ts";
import { temporary } from "../helpers/folder.ts";
import { type BatchServer, startBatch } from "../servers/batch.ts";
import { type Hub, startHub } from "../servers/hub.ts";
import { startWriteHub, type WriteHub } from "../servers/hub-write.ts";
import { type OpenAIServer, startOpenAI } from "../servers/openai.ts";
import { flipturn, type Result } from "./flipturn.ts";

// Every command, and every value of every setting, is used here at least once; the last tests see to it. What each of them
// does is tested where it is done.

const folder = temporary();
const env: NodeJS.ProcessEnv = { OPENAI_API_KEY: "sk-Very5ecretKeyOfSomeone", HF_TOKEN: "hf_x" };
const seen = new Map<string, Set<string>>();
const used = new Set<string>();
let [openai, batch, hub, writeHub]: [OpenAIServer, BatchServer, Hub, WriteHub] = [] as never;

/** Notes which values a run has, its defaults too. */
function note(given: Given): void {
  const { run, options, models, executors } = resolveConfig(given, dataset);
  const all: Record<string, unknown> = { ...run, models, ...Object.fromEntries([...options, ...executors]) };
  for (const { path } of settingsOf(dataset)) {
    const value = path.reduce<unknown>((each, name) => (each as Record<string, unknown> | undefined)?.[name], all);
    const key = path.join(".");
    for (const each of Array.isArray(value) ? [value, ...value] : [value])
      seen.set(key, (seen.get(key) ?? new Set()).add(JSON.stringify(each)));
  }
}

async function tell(...args: string[]): Promise<Result> {
  const result = await flipturn(args, { cwd: folder, env: { ...env, HF_ENDPOINT: hub.url } });
  const name = commands.map((command) => command.name).find((each) => args.join(" ").startsWith(each));
  if (name && result.code === 0) used.add(name);
  return result;
}

async function succeed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await tell(...args);
  if (code !== 0) throw new Error(`flipturn ${args.join(" ")}: exit ${code}\n${stderr}`);
  return stdout;
}

/** Runs with a configuration file, and checks that nothing was lost. */
async function run(name: string, given: Given): Promise<void> {
  const all = layer({ executor: "in-process", output: name }, given);
  note(all);
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(all));
  const stdout = await succeed("run", "--config", file, "--json");
  const manifests = Manifest.array().parse(JSON.parse(stdout));
  expect(manifests.length).toBeGreaterThanOrEqual(8);
  for (const { stage, in: taken, kept, rejected } of manifests)
    expect([stage, taken]).toEqual([stage, kept + Object.values(rejected).reduce((sum, count) => sum + count, 0)]);
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

/** Made-up logs with a little of all that rules are about. */
function logs(): object[] {
  const talk = (text: string, ...more: string[]) =>
    [text, "Here you are.", ...more].map((said, turn) => ({ who: turn % 2 === 0 ? "user" : "assistant", said }));
  const rows = numbers(24).map((at) => ({
    key: `c${at}`,
    person: `p${at % 9}`,
    land: ["Chile", "Peru", null][at % 3],
    tongue: at % 6 === 5 ? null : "English",
    machine: "gpt-x",
    when: `2024-01-0${1 + (at % 9)}T10:00:00Z`,
    log: talk(
      at % 4 === 0 ? `please write a long and friendly letter about topic ${at}` : `question ${at}`,
      "thanks",
      "Bye.",
    ),
  }));
  const odd = { ...rows[0], key: "odd", person: "p9" };
  return [
    ...rows,
    { ...odd, key: "c0" },
    { ...odd, key: "system", log: [{ who: "system", said: "be kind" }, ...talk("hello there my friend")] },
    { ...odd, key: "empty", log: talk("what", " ", "Pardon?") },
    { ...odd, key: "unanswered", log: talk("why", "and so?") },
    { ...odd, key: "control", log: talk("what is <|eot_id|> for  ") },
  ];
}

const columns = {
  ...{ id: "key", user: "person", country: "land", language: "tongue", model: "machine", time: "when" },
  ...{ messages: "log", role: "who", content: "said" },
};
const jsonl = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
const chat = (more: Given = {}): Given =>
  layer({ source: "chat", input: ["logs.jsonl"], prepare: { columns }, intents: { provider: "none" } }, more);

beforeAll(async () => {
  writeFileSync(join(folder, "logs.jsonl"), jsonl(logs()));
  writeFileSync(join(folder, "prompt.txt"), "What is wanted?\n\n[CONVERSATION]\n");
  writeFileSync(join(folder, "chat.jinja"), TEMPLATE);
  openai = await startOpenAI({ answer: () => `${INTENT_PREFIX} get help.` });
  batch = await startBatch(() => `${INTENT_PREFIX} get help.`, 1);
  hub = await startHub({ files: { "data/logs.jsonl": { content: jsonl(logs()) } }, revisions: ["main"] });
  writeHub = await startWriteHub({ token: "hf_x" });
});
afterAll(async () => {
  await Promise.all([openai, batch, hub, writeHub].map((server) => server?.close()));
});

const TEMPLATE =
  "{% for message in messages %}<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n{{ message['content'] }}<|eot_id|>{% endfor %}";

describe("runs", () => {
  test("that keep all there is, in every form", async () => {
    await run("all", {
      ...{ seed: "s", shards: 2 },
      ...chat({
        prepare: {
          ...{ language: "any", unknownLanguage: "keep", toxic: "keep", redacted: "drop", roles: "repair" },
          ...{ repeats: "keep", paths: "leaves", maxBadRows: 0.5, maxRowBytes: 1_000_000 },
        },
        dedup: { templates: "keep", minCount: 2, nearDuplicates: "mark", nearText: "user-side" },
        split: { ratios: [60, 20, 20], by: "user-and-country" },
        flip: { emptyTargets: "keep", endAfterUser: "keep", endLabels: "weighted" },
        render: {
          form: ["samples", "tokens", "trl", "axolotl", "llama-factory", "torchtune", "openai", "messages"],
          ...{ fileFormat: "jsonl", chatTemplate: "llama3", overflow: "keep", maxTokens: 64, bos: "always" },
          ...{ newlineInLoss: false, stopInLoss: false, whitespace: "trim", controlTokens: "escape" },
        },
      }),
    });
  });

  test("that keep little, on threads, a row for each conversation", async () => {
    await run("little", {
      ...{ executor: "threads", threads: { count: 2 } },
      ...chat({
        prepare: { unknownLanguage: "drop", roleMap: { caller: "user" } },
        dedup: {
          ...{ minCount: 3, coverage: 0.2, keep: "first", shortPrompts: "drop", nearDuplicates: "drop" },
          ...{ jaccard: 0.6, shingle: 2, bands: 16, bandRows: 2 },
        },
        split: { by: "groups", leaks: "fail" },
        flip: { endLabels: "confident" },
        render: { layout: "conversations", form: ["openai"], chatTemplate: "chatml", overflow: "drop", bos: "never" },
      }),
    });
  });

  test("to packed rows of tokens in Arrow, by a template of one's own", async () => {
    const render = {
      form: ["tokens"],
      fileFormat: "arrow",
      packing: true,
      chatTemplate: "chat.jinja",
      overflow: "cut-right",
    };
    await run(
      "packed",
      chat({ dedup: { keep: "per-user-first", minCount: 3, nearDuplicates: "off" }, split: { by: "user" }, render }),
    );
  });

  test.each([
    ["train", { by: "hash" }],
    ["validation", { by: "user-in-country" }],
    ["test", { by: "user-in-country" }],
  ])("all of which is one split: %s", async (fixedSplit, split) => {
    const names = { bosToken: "<bos>", eosToken: "<eos>", templateDate: "2025-01-02" };
    const render = { tokenizer: "none", maxTokens: null, overflow: "keep", controlTokens: "keep", ...names };
    await run(fixedSplit, chat({ split: { ...split, fixedSplit }, render }));
  });

  test("that ask a language model, with everything that can be said of it", async () => {
    const price = { input: 1, output: 2, cached: 0.5, batch: 0.4 };
    const asked = {
      ...{
        model: "gpt-x",
        baseUrl: openai.url,
        temperature: null,
        maxOutputTokens: 100,
        tokenLimitName: "max_tokens",
        request: { seed: 7 },
      },
      ...{ contextTokens: 4000, budget: 5, price, concurrency: 3, requestsPerMinute: 60_000, tokensPerMinute: 1e9 },
      ...{ tries: 2, maxFailures: 9, timeoutSeconds: 60 },
    };
    const intents = {
      ...{ provider: "openai", intentPrompt: "prompt.txt", intentPrefix: "You are a user", maxIntentWords: 40 },
      ...{ specified: "drop", specifiedCopy: 5, specifiedShare: 0.7, specifiedWords: 4, unanswered: "reject" },
    };
    await run("asked", chat({ intents, models: { intents: asked } }));
    expect(openai.requests.length).toBeGreaterThan(10);
  });

  test("that ask by batch", async () => {
    const asked = {
      baseUrl: batch.url,
      batchRequests: 10,
      batchMegabytes: 1,
      enqueuedTokens: 1e6,
      batchTail: 2,
      batchFiles: "keep",
      price: { input: 1, output: 2 },
    };
    await run(
      "batch",
      chat({ intents: { provider: "batch", answers: ["asked"] }, models: { intents: { ...asked, budget: 5 } } }),
    );
  });

  test("whose intents others have written, or are in a file", async () => {
    const written = logs().map((_, at) => ({ chat: `c${at}`, goal: `${INTENT_PREFIX} ask ${at}.` }));
    writeFileSync(join(folder, "published.jsonl"), jsonl(written));
    const importColumns = { id: "chat", intent: "goal" };
    await run("imported", chat({ intents: { provider: "import", import: ["published.jsonl"], importColumns } }));
    const own = written.map(({ chat: id, goal }) => ({ conversation_id: `chat:${id}`, intent: goal }));
    writeFileSync(join(folder, "own.jsonl"), jsonl(own));
    await run("recorded", chat({ intents: { provider: "recorded", recorded: "own.jsonl" } }));
  });

  test("whose rows come from the Hub", async () => {
    const download = { repo: hub.repo, revision: "main", files: ["data/*.jsonl"], parallel: 2 };
    const { input: _, ...given } = chat({ download });
    await run("hub", given);
  });

  const conversation = [
    { role: "user", content: "how do I grow basil" },
    { role: "assistant", content: "In the sun." },
  ];
  const ROWS: Record<string, object> = {
    wildchat: {
      ...{ conversation_id: "a", model: "m", timestamp: "2023-05-01T10:00:00", conversation, language: "English" },
      ...{ toxic: false, redacted: false },
    },
    "lmsys-chat-1m": { conversation_id: "a", model: "m", conversation, language: "English" },
    oasst2: {
      message_tree_id: "a",
      prompt: {
        ...{ message_id: "a", text: "how do I grow basil", role: "prompter", lang: "en", created_date: "2023-02-01" },
        replies: [
          {
            message_id: "b",
            text: "In the sun.",
            role: "assistant",
            lang: "en",
            created_date: "2023-02-02",
            replies: [],
          },
        ],
      },
    },
    prism: {
      ...{
        conversation_id: "c0",
        user_id: "u",
        conversation_type: "unguided",
        generated_datetime: "2023-11-22 15:55:46",
      },
      conversation_history: [
        { turn: 0, role: "user", content: "how do I grow basil" },
        {
          turn: 0,
          role: "model",
          content: "In the sun.",
          model_name: "m",
          score: 50,
          if_chosen: true,
          within_turn_id: 0,
        },
      ],
    },
  };
  const wildchat = {
    conversation_hash: "a",
    hashed_ip: "i",
    country: "Chile",
    model: "m",
    timestamp: "2023-05-01T10:00:00",
  };
  for (const name of ["wildchat-1m", "wildchat-4.8m"])
    ROWS[name] = { ...wildchat, conversation, language: "English", toxic: false, redacted: false };

  /** A log of each kind of row. */
  const KINDS: Record<string, { rows: object[]; columns: object }> = {
    conversation: { rows: [{ id: "a", messages: conversation, day: "01/03/2025" }], columns: { time: "day" } },
    message: {
      rows: conversation.map(({ role, content }, at) => ({ k: "a", at, by: role, says: content })),
      columns: { id: "k", turn: "at", role: "by", content: "says" },
    },
    pair: {
      rows: [{ p: "Shorter!", about: "a text", r: "ok" }],
      columns: { prompt: "p", input: "about", response: "r" },
    },
    exchange: { rows: [{ k: "a", p: "hi", r: "hello" }], columns: { id: "k", prompt: "p", response: "r" } },
  };

  test.each(Object.keys(KINDS))("of logs whose row is a %s", async (rows) => {
    writeFileSync(join(folder, `${rows}.jsonl`), jsonl(KINDS[rows]?.rows ?? []));
    const prepare = { rows, columns: KINDS[rows]?.columns, timeFormat: "%d/%m/%Y" };
    await run(`of-${rows}`, { source: "chat", input: [`${rows}.jsonl`], prepare, intents: { provider: "none" } });
  });

  test.each(sources.filter(({ name }) => name !== "chat").map(({ name }) => name))("of the source %s", async (name) => {
    writeFileSync(join(folder, `${name}.jsonl`), jsonl([ROWS[name] ?? {}]));
    await run(`from-${name}`, { source: name, input: [`${name}.jsonl`], intents: { provider: "none" } });
  });
});

describe("commands", () => {
  const about = (name: string) => ["--output", name];

  test("that look at a run", async () => {
    expect(await succeed("status", ...about("all"))).toContain("render:trl");
    expect(await succeed("explain", "chat:c1", ...about("all"))).toContain("chat:c1");
    expect(await succeed("report", ...about("all"), "--form", "trl")).toContain("report.html");
    expect(await succeed("inspect", "all/dataset/trl/data/train-00000-of-00002.jsonl")).toContain("in the loss");
    expect(await succeed("settings")).toContain("dedup.minCount");
    expect(await succeed("split", "audit", ...about("all"))).toContain("near_duplicate");
    expect(await succeed("split", "sweep", "--seeds", "5", ...about("all"))).toContain("conversations");
    expect(await succeed("intents", "ledger", ...about("asked"))).toContain("gpt-x");
    expect(await succeed("intents", "review", ...about("asked"))).toContain("user: ");
    const drawn = await succeed("dedup", "sweep", ...about("all"), "--svg", "sweep.svg");
    expect(drawn).toContain("Drawn: sweep.svg");
    // As it was first called.
    expect(await succeed("dedup", "curve", ...about("all"), "--svg", "sweep.svg")).toBe(drawn);
    expect(readFileSync(join(folder, "sweep.svg"), "utf8")).toContain("<svg");
  });

  test("whose files the next run reads", async () => {
    await succeed("dedup", "review", ...about("little"), "--file", "templates.yaml", "--all");
    writeFileSync(join(folder, "evaluation.jsonl"), '{"question": "question 3"}\n');
    await succeed(
      ...["decontaminate", "--against", "evaluation.jsonl", "--min-words", "1", ...about("all")],
      ...["--file", "found.jsonl", "--drop"],
    );
    expect(readFileSync(join(folder, "found.jsonl"), "utf8")).toContain('"chat:c3"');
    const dedup = {
      review: "templates.yaml",
      contaminated: "found.jsonl",
      minCount: 3,
      coverage: 0.2,
      shortPrompts: "drop",
    };
    await run("reviewed", chat({ dedup, prepare: { unknownLanguage: "drop" } }));
  });

  test("that plan, do a task, publish and show the demo", async () => {
    expect(await succeed("plan", "--config", "all.json", "--output", "planned", "--write")).toContain(
      "Written: planned",
    );
    expect(
      await succeed("task", "--plan", "planned/plan.json", "--phase", "download.fetch", "--element", "0"),
    ).toContain("download.fetch 0: done");
    env["HF_ENDPOINT"] = writeHub.url;
    const published = await flipturn(["publish", ...about("recorded"), "--repo", "me/chats", "--yes", "--tag", "v1"], {
      cwd: folder,
      env,
    });
    expect([published.code, published.stdout]).toEqual([0, expect.stringContaining("files are there")]);
    used.add("publish");
    expect(await succeed("demo", "--to", "download")).toContain("Stopped after download");
  });
});

describe("nothing is left out:", () => {
  test.each(commands.map(({ name }) => name))("the command %s", (name) => {
    expect(used).toContain(name);
  });

  const free = settingsOf(dataset).filter(({ type }) => choicesOf(unwrap(type).inner).length === 0);
  const chosen = settingsOf(dataset).filter(({ type }) => choicesOf(unwrap(type).inner).length > 0);

  test.each(chosen.map(({ path, type }) => [path.join("."), type] as const))("every value of %s", (name, type) => {
    const values = [...(seen.get(name) ?? [])].map((value) => JSON.parse(value));
    expect(values).toEqual(expect.arrayContaining(choicesOf(unwrap(type).inner)));
  });

  test.each(free.map(({ path }) => path.join(".")))("the default of %s, and another value", (name) => {
    expect(seen.get(name)?.size ?? 0).toBeGreaterThanOrEqual(2);
  });

  test("every source", () => {
    const values = [...(seen.get("source") ?? [])].map((value) => JSON.parse(value));
    expect(values).toEqual(expect.arrayContaining(sources.map(({ name }) => name)));
  });
});
