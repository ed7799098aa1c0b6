import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import PQueue from "p-queue";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Clock } from "../../../../pipeline/clock.ts";
import { exitCode, LimitError, RemoteError, UsageError } from "../../../../pipeline/errors.ts";
import { Journal, type JournalEntry } from "../../../../pipeline/models/journal.ts";
import { type ChatRequest, type Program, replay, requestKey } from "../../../../pipeline/models/request.ts";
import { Requester } from "../../../../pipeline/models/requester.ts";
import { type Price, ServerOptions } from "../../../../pipeline/models/server-options.ts";
import type { Turn } from "../../../../schemas/conversation.ts";
import type { Shape } from "../../../../stages/intents/answer.ts";
import { IntentsOptions } from "../../../../stages/intents/options.ts";
import { intentProgram } from "../../../../stages/intents/program.ts";
import { DEFAULT_PROMPT, INTENT_PREFIX, loadPrompt } from "../../../../stages/intents/prompt.ts";
import { conversation } from "../../../helpers/conversation.ts";
import { type Behaviour, errors, type OpenAIServer, startOpenAI } from "../../../servers/openai.ts";

const KEY = "sk-Very5ecretKeyOfSomeone";
const GOOD = `${INTENT_PREFIX} get help.`;
const FREE: Price = { input: 0, output: 0, batch: 1 };

let server: OpenAIServer;
let folder: string;
let stop: AbortController;
/** Every wait that the requester took, in ms. */
let waits: number[];
/** What the clock is ahead of the machine's, in ms. */
let ahead: number;

/** Time that passes at once where somebody sleeps. */
const clock: Clock = {
  now: () => performance.now() + ahead,
  async sleep(ms, signal) {
    signal.throwIfAborted();
    waits.push(ms);
    ahead += ms;
    await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
  },
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "flipturn-requester-"));
  server = await startOpenAI({ answer: () => GOOD });
  stop = new AbortController();
  [waits, ahead] = [[], 0];
});

afterEach(async () => {
  vi.restoreAllMocks();
  await server.close();
  rmSync(folder, { recursive: true });
});

/** A requester over the journal of the test's folder, as a run that has just been started would have it. */
async function start(given: Partial<ServerOptions> = {}, price: Price | null = FREE, wanted: Partial<Shape> = {}) {
  const defaults = { model: "gpt-4o", baseUrl: server.url, concurrency: 4, timeoutSeconds: 10 };
  const options = ServerOptions.parse({ ...defaults, ...given });
  const journal = await Journal.open(join(folder, "journal"));
  const question = { ...IntentsOptions.parse(wanted), ...options, prompt: loadPrompt(null) };
  const environment = { env: { OPENAI_API_KEY: KEY }, fetch: globalThis.fetch, clock };
  const requester = new Requester({ options, price, journal, environment, signal: stop.signal });
  const outcomeOf = (turns: readonly Turn[]) => requester.run(intentProgram(turns, question), ({ status }) => status);
  const close = async () => {
    await requester.close();
    journal.close();
  };
  return { requester, outcomeOf, journal, close };
}

const hello = conversation("user: hi", "assistant: hello").turns;
const about = (text: string): Turn[] => conversation(`user: ${text}`, "assistant: hello").turns;

/** Asks for one conversation. */
async function ask(given: Partial<ServerOptions> = {}, turns: readonly Turn[] = hello, wanted: Partial<Shape> = {}) {
  const { outcomeOf, close } = await start(given, FREE, wanted);
  return outcomeOf(turns).finally(close);
}

/** Asks for many conversations at a time: what became of them, in their order. */
async function askAll(count: number, given: Partial<ServerOptions> = {}, price: Price | null = FREE) {
  const { requester, outcomeOf, journal, close } = await start(given, price);
  const queue = new PQueue({ concurrency: given.concurrency ?? 4 });
  const all = await Promise.allSettled(
    Array.from({ length: count }, (_, at) => queue.add(() => outcomeOf(about(`question ${at}`)))),
  );
  const { state } = requester;
  await close();
  return { all, state, journal };
}

const failure = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => expect.fail("did not fail"),
    (error) => error,
  );

function journal(): JournalEntry[] {
  const text = readFileSync(join(folder, "journal", "answers.jsonl"), "utf8");
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

const prompts = () => server.requests.map(({ prompt }) => prompt);

describe("a request", () => {
  test("has the instruction, the fixed beginning, and every turn on a line of its role", async () => {
    const turns = conversation("user: $& it's [CONVERSATION]\n2nd line", "assistant: Ok\u2028🙂", "user: ").turns;
    const outcome = await ask({}, turns);
    const lines = "<user>: $& it's [CONVERSATION]\n2nd line\n<assistant>: Ok\u2028🙂\n<user>: ";
    const [before, after] = DEFAULT_PROMPT.split("[CONVERSATION]");
    expect(prompts()).toEqual([`${before}${lines}${after}`]);
    expect(outcome).toMatchObject({ status: "ok", intent: GOOD, truncated: false });
    expect(outcome?.answers).toMatchObject([{ model: "gpt-4o-2024-08-06", requested_model: "gpt-4o", mode: "sync" }]);
  });

  test("has the model, the limit of tokens and the temperature that are given, and nothing else", async () => {
    await ask();
    const { messages, ...parameters } = server.requests.at(0)?.body ?? {};
    expect(parameters).toEqual({ model: "gpt-4o", max_completion_tokens: 200, temperature: 0 });
    await ask({ model: "local", tokenLimitName: "max_tokens", maxOutputTokens: 7, temperature: null });
    const { messages: _, ...others } = server.requests.at(1)?.body ?? {};
    expect(others).toEqual({ model: "local", max_tokens: 7 });
    expect(server.requests[0]?.authorization).toBe(`Bearer ${KEY}`);
  });

  test("that is equal to another is sent once, even at the same time, and never again by a later run", async () => {
    const { outcomeOf, close } = await start();
    const same = await Promise.all([hello, hello, hello].map((turns) => outcomeOf(turns)));
    await close();
    expect(same[2]).toEqual(same[0]);
    await ask();
    expect(server.requests).toHaveLength(1);
    await ask({ model: "another" });
    await ask({ temperature: 1 });
    expect(server.requests).toHaveLength(3);
  });

  test("is written down before it is sent, with the most that it can cost, and again with what it did cost", async () => {
    server.script({ kind: "answer", text: GOOD, cachedTokens: 100 });
    const { outcomeOf, close } = await start({}, { input: 2.5, output: 10, cached: 1.25, batch: 0.5 });
    const tokens = (await outcomeOf(hello))?.answers[0];
    await close();
    const [input, output] = [tokens?.input_tokens ?? 0, tokens?.output_tokens ?? 0];
    const usd = ((input - 100) * 2.5 + 100 * 1.25 + output * 10) / 1e6;
    expect(journal()).toMatchObject([{ status: "sent" }, { status: "answered", cached_tokens: 100, usd }]);
    expect(journal()[0]?.usd).toBeGreaterThan(usd);
  });
});

describe("ten rollouts of one prompt", () => {
  const request: ChatRequest = { model: "gpt-4o", messages: [{ role: "user", content: "Say something." }] };
  const keys = Array.from({ length: 10 }, (_, rollout) => requestKey(request, "v1", rollout));
  const texts = keys.map((_, rollout) => `answer ${rollout}`);

  /** A program that asks for them one after the other, and ends with their texts. */
  function* rollouts(): Program<(string | null)[]> {
    const found: (string | null)[] = [];
    for (const key of keys) found.push((yield { role: "sampler", request, key }).text);
    return found;
  }

  beforeEach(() => server.script(...texts.map((text): Behaviour => ({ kind: "answer", text }))));

  test("have ten keys, the first of them that of a request without rollouts", () => {
    expect(new Set(keys).size).toBe(10);
    expect(keys[0]).toBe(requestKey(request, "v1"));
  });

  test("asked for at a time are ten requests and ten answers in the journal, which a later run asks for no more", async () => {
    const first = await start();
    const answers = await Promise.all(keys.map((key) => first.requester.answer(request, key)));
    await first.close();
    expect(server.requests.map(({ body }) => body)).toEqual(keys.map(() => request));
    expect(answers.map((answer) => answer?.text).sort()).toEqual(texts);
    const answered = journal().filter(({ status }) => status === "answered");
    expect(answered.map(({ key }) => key).sort()).toEqual([...keys].sort());
    expect(journal()).toHaveLength(2 * keys.length);

    const second = await start();
    expect(await Promise.all(keys.map((key) => second.requester.answer(request, key)))).toEqual(answers);
    await second.close();
    expect(server.requests).toHaveLength(10);
  });

  test("asked for by a program come to the same result again, from the journal alone", async () => {
    const { requester, close } = await start();
    expect(await requester.run(rollouts(), () => "ok")).toEqual(texts);
    expect(await requester.run(rollouts(), () => "ok")).toEqual(texts);
    await close();
    expect(server.requests).toHaveLength(10);
    const known = Journal.read(join(folder, "journal"));
    expect(replay(rollouts(), (key) => known?.get(key))).toEqual({ result: texts });
    known?.close();
  });

  test("go on at the first that a run which was stopped has no answer to", async () => {
    const { requester, close } = await start();
    for (const key of keys.slice(0, 4)) await requester.answer(request, key);
    await close();
    const known = Journal.read(join(folder, "journal"));
    expect(replay(rollouts(), (key) => known?.get(key))).toEqual({
      request: { role: "sampler", request, key: keys[4] },
    });
    known?.close();
    const later = await start();
    expect(await later.requester.run(rollouts(), () => "ok")).toEqual(texts);
    await later.close();
    expect(server.requests).toHaveLength(10);
  });
});

describe("429, too many requests:", () => {
  test("everything pauses for Retry-After, and no try is used up", async () => {
    server.script(...Array.from({ length: 20 }, () => errors.tooFast("7")), null);
    const outcome = await ask({ tries: 1 });
    expect(outcome?.status).toBe("ok");
    expect(server.requests).toHaveLength(21);
    expect(waits.length).toBe(20);
    for (const ms of waits) expect(ms).toBeGreaterThan(6900);
  });

  test.each([
    ["3600", "an hour"],
    [new Date(Date.now() + 3_600_000).toUTCString(), "a date in an hour"],
  ])("Retry-After %s (%s) is capped at a minute", async (retryAfter) => {
    server.script(errors.tooFast(retryAfter), null);
    expect((await ask())?.status).toBe("ok");
    expect(Math.max(...waits)).toBeLessThanOrEqual(60_000);
    expect(Math.max(...waits)).toBeGreaterThan(50_000);
  });

  test("without Retry-After the reset of the limit that is used up says how long", async () => {
    const headers = {
      "x-ratelimit-remaining-tokens": "0",
      "x-ratelimit-limit-tokens": "1000",
      "x-ratelimit-reset-tokens": "12s",
    };
    server.script({ ...errors.broken(429), headers } as Behaviour, null);
    expect((await ask())?.status).toBe("ok");
    expect(Math.max(...waits)).toBeGreaterThan(11_900);
    expect(Math.max(...waits)).toBeLessThanOrEqual(12_000);
  });

  test("after half an hour without one success the run stops, and can go on", async () => {
    server.always(errors.tooFast("60"));
    const error = await failure(ask());
    expect(error).toBeInstanceOf(LimitError);
    expect(exitCode(error)).toBe(3);
    expect(error.message).toMatch(/30 minutes.*run the same command again/);
    expect(ahead).toBeGreaterThan(29 * 60_000);
    expect(ahead).toBeLessThan(33 * 60_000);
    server.always(null);
    expect((await ask())?.status).toBe("ok");
  });

  test.each([
    ["insufficient_quota", errors.noQuota],
    ["a billing limit", errors.noMoney],
  ])("%s stops at once, with exit code 3, and marks no conversation", async (_, behaviour) => {
    server.script(null);
    server.always(behaviour);
    const { all } = await askAll(10, { concurrency: 2 });
    const errorsFound = all.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
    expect(errorsFound).toHaveLength(9);
    for (const error of errorsFound) expect(exitCode(error)).toBe(3);
    expect(errorsFound[0].message).toMatch(/quota is used up.*run the same command again/);
    expect(server.requests.length).toBeLessThanOrEqual(1 + 2);
    expect(journal().filter(({ status }) => !["sent", "failed", "answered"].includes(status))).toEqual([]);
    server.always(null);
    expect((await askAll(10)).all.every((each) => each.status === "fulfilled")).toBe(true);
  });
});

describe("401, 403, an unknown model, an unsupported parameter, a redirect", () => {
  test.each([
    ["a wrong key", errors.wrongKey(KEY), /HTTP 401/],
    ["a refused country", errors.forbidden, /HTTP 403/],
    ["an unknown model", errors.unknownModel, /HTTP 404.*model/],
    ["an unsupported parameter", errors.badParameter, /HTTP 400.*max_completion_tokens/],
    ["another address", errors.broken(307), /HTTP 307/],
  ])(
    "(%s) is found by one request, ends with exit code 2, and marks no conversation",
    async (_, behaviour, message) => {
      server.always(behaviour);
      const { all } = await askAll(20, { concurrency: 8 });
      const reasons = all.map((each) => (each.status === "rejected" ? each.reason : null));
      expect(server.requests).toHaveLength(1);
      for (const error of reasons) {
        expect(error).toBeInstanceOf(UsageError);
        expect(error.message).toMatch(message);
        expect(error.message).not.toContain(KEY);
      }
      expect(journal().map(({ status }) => status)).toEqual(["sent", "failed"]);
      server.always(null);
      expect((await ask({}, about("question 0")))?.status).toBe("ok");
    },
  );

  test("stops a run that has begun, too: no conversation is marked", async () => {
    server.script(null, null, null);
    server.always(errors.wrongKey("sk-…"));
    const { all } = await askAll(20, { concurrency: 2 });
    expect(all.filter((each) => each.status === "fulfilled")).toHaveLength(3);
    expect(server.requests.length).toBeLessThanOrEqual(3 + 2);
  });

  test("another refusal (400) of one conversation among others is that conversation's reason", async () => {
    server.script(null, errors.odd);
    const { all } = await askAll(3, { concurrency: 1 });
    const statuses = all.map((each) => each.status === "fulfilled" && each.value?.status);
    expect(statuses).toEqual(["ok", "invalid_request", "ok"]);
    expect(journal().find(({ status }) => status === "invalid_request")).toMatchObject({
      text: expect.stringMatching(/cannot be read/),
    });
  });

  test("the first conversation may be refused for what it says: that is no fault of the settings", async () => {
    server.script(errors.contentFilter);
    const { all } = await askAll(2, { concurrency: 1 });
    expect(all.map((each) => each.status === "fulfilled" && each.value?.status)).toEqual(["refused", "ok"]);
  });
});

describe("a first conversation that is refused for what it is", () => {
  const statusesOf = (all: PromiseSettledResult<{ status: string } | null>[]) =>
    all.map((each) => (each.status === "fulfilled" ? each.value?.status : String(each.reason)));

  test("holds up nobody: the next one tells that the settings are right", async () => {
    server.script(errors.odd);
    const { all } = await askAll(3, { concurrency: 1 });
    expect(statusesOf(all)).toEqual(["invalid_request", "ok", "ok"]);
    expect(journal().map(({ status }) => status)).toEqual(
      expect.arrayContaining(["failed", "invalid_request", "answered"]),
    );
    expect(server.requests).toHaveLength(3);
    const { all: again } = await askAll(3, { concurrency: 1 });
    expect(statusesOf(again)).toEqual(["invalid_request", "ok", "ok"]);
    expect(server.requests).toHaveLength(3);
  });

  test("blames the settings when a second one is refused in the same way, and marks neither", async () => {
    server.always(errors.odd);
    const { all } = await askAll(20, { concurrency: 8 });
    expect(statusesOf(all).filter((each) => String(each).includes("HTTP 400")).length).toBeGreaterThan(10);
    expect(server.requests).toHaveLength(2);
    expect(journal().map(({ status }) => status)).toEqual(["sent", "failed", "sent", "failed"]);
  });

  test("may be followed by another that is refused for something else", async () => {
    server.script(errors.odd, { ...errors.odd, message: "No picture of this size" } as Behaviour);
    const { all } = await askAll(3, { concurrency: 1 });
    expect(statusesOf(all)).toEqual(["invalid_request", "invalid_request", "ok"]);
  });

  test("is its own reason where there is no other", async () => {
    server.script(errors.odd);
    expect((await ask())?.status).toBe("invalid_request");
    expect((await ask())?.status).toBe("invalid_request");
    expect(server.requests).toHaveLength(1);
  });
});

describe("a budget", () => {
  const price: Price = { input: 0, output: 100, batch: 1 };
  const completion = (usage: object | null) =>
    ({
      kind: "body",
      type: "application/json",
      body: JSON.stringify({
        choices: [{ message: { content: GOOD }, finish_reason: "stop" }],
        ...(usage && { usage }),
      }),
    }) as Behaviour;

  test("counts an answer whose tokens the server does not tell at the most that it can have cost", async () => {
    server.always(completion(null));
    const { outcomeOf, requester, close } = await start({ budget: 0.05, concurrency: 1 }, price);
    await outcomeOf(about("one"));
    await outcomeOf(about("two"));
    expect(requester.state.spent).toBeCloseTo(0.04, 9);
    await expect(outcomeOf(about("three"))).rejects.toThrow(LimitError);
    await close();
    expect(server.requests).toHaveLength(2);
  });

  test("is not passed by a server that does not keep to the limit of tokens, but for the first such answer", async () => {
    server.always(completion({ prompt_tokens: 10, completion_tokens: 1000 }));
    const { outcomeOf, requester, close } = await start({ budget: 0.15, concurrency: 1 }, price);
    await outcomeOf(about("one"));
    expect(requester.state.spent).toBeCloseTo(0.1, 9);
    expect(requester.state.failures).toEqual({ "longer than the token limit": 1 });
    await expect(outcomeOf(about("two"))).rejects.toThrow("the next request may cost $0.10");
    await close();
  });
});

test("what is no HTTP at all is a failure told on one line, and is tried again", async () => {
  const odd = [
    "HTTP/1.1 000 Odd\r\n\r\n",
    "SSH-2.0-there\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
  ];
  const raw = createServer((socket) => socket.on("error", () => {}).once("data", () => socket.end(odd.shift() ?? "")));
  await new Promise<void>((resolve) => raw.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(raw.address() as AddressInfo).port}/v1`;
  const { requester, outcomeOf, close } = await start({ baseUrl, tries: 3 });
  expect(await outcomeOf(hello)).toBeNull();
  const failures = Object.keys(requester.state.failures);
  await close();
  raw.close();
  expect(odd).toEqual([]);
  for (const each of failures) expect(each).toMatch(/^connection failed \(\S.*\S\)$/);
});

describe("the letters of an answer", () => {
  const body = (text: string, letters: BufferEncoding) =>
    Buffer.from(JSON.stringify({ choices: [{ message: { content: text }, finish_reason: "stop" }] }), letters);
  const cafe = `${INTENT_PREFIX} find a café.`;

  test.each<[string, string, BufferEncoding, string]>([
    ["that its type names", cafe, "latin1", "application/json; charset=ISO-8859-1"],
    ["that are UTF-8, whatever its type names", cafe, "utf8", "application/json; charset=latin1"],
    ["of a name that nobody knows", cafe, "utf8", "application/json; charset=moon"],
  ])("%s are read", async (_, text, letters, type) => {
    server.script({ kind: "body", type, body: body(text, letters) });
    expect(await ask()).toMatchObject({ status: "ok", intent: cafe });
  });

  test("that got lost are asked for once more", async () => {
    server.script({ kind: "body", type: "application/json", body: body(cafe, "latin1") });
    expect(await ask()).toMatchObject({ status: "ok", intent: GOOD });
    expect(server.requests).toHaveLength(2);
  });
});

describe("a packed answer that nobody asked for", () => {
  const text = JSON.stringify({ choices: [{ message: { content: GOOD }, finish_reason: "stop" }] });

  test.each([
    ["gzip", gzipSync(text)],
    ["br", brotliCompressSync(text)],
    ["deflate", deflateSync(text)],
  ])("(%s) is unpacked", async (name, body) => {
    server.script({ kind: "body", type: "text/plain", body, headers: { "content-encoding": name } });
    expect((await ask())?.status).toBe("ok");
    expect(server.requests).toHaveLength(1);
  });

  test.each(["", "none", "utf-8", "identity, binary"])("that is not packed at all (%j) is read", async (name) => {
    server.script({ kind: "body", type: "text/plain", body: text, headers: { "content-encoding": name } });
    expect((await ask())?.status).toBe("ok");
    expect(server.requests).toHaveLength(1);
  });

  test("in a way that is not known, or not whole, is a failure in words", async () => {
    const packed = (name: string, body: Buffer): Behaviour => {
      return { kind: "body", type: "application/json", body, headers: { "content-encoding": name } };
    };
    server.script(packed("zstd", Buffer.from("x")), packed("gzip", gzipSync(text).subarray(0, 30)), null);
    const { requester, outcomeOf, close } = await start();
    expect((await outcomeOf(hello))?.status).toBe("ok");
    expect(Object.keys(requester.state.failures)).toEqual([
      expect.stringContaining("packed as zstd"),
      expect.stringContaining("not whole gzip"),
    ]);
    await close();
  });
});

describe("a conversation that is too long for the model", () => {
  const long = Array.from({ length: 20 }, (_, at) => ({
    role: at % 2 === 0 ? ("user" as const) : ("assistant" as const),
    content: `turn ${at} ${"word ".repeat(50)}`,
  }));

  test("is asked about once more without turns in the middle, and the intent says so", async () => {
    server.script(errors.tooLong);
    const outcome = await ask({}, long);
    expect(outcome).toMatchObject({ status: "ok", truncated: true });
    const second = prompts()[1] ?? "";
    expect(second).toContain("turn 0 ");
    expect(second).toContain("turn 19 ");
    expect(second).not.toContain("turn 10 ");
    expect(second).toMatch(/\[\d+ turns left out\]/);
    expect((await ask({}, long))?.truncated).toBe(true);
    expect(server.requests).toHaveLength(2);
  });

  test("fits in three quarters of the context where that is known", async () => {
    server.script(errors.tooLong);
    await ask({ contextTokens: 2400 }, long);
    const bytes = Buffer.byteLength(prompts()[1] ?? "");
    expect(bytes).toBeLessThan(0.75 * 3.3 * 2200 + 200);
    expect(bytes).toBeGreaterThan(0.75 * 3.3 * 2200 - 600);
  });

  test("has the reason too_long when that is not enough", async () => {
    server.always(errors.tooLong);
    expect(await ask({}, long)).toMatchObject({ status: "too_long", truncated: true });
    const lengths = prompts().map((prompt) => prompt.length);
    expect(lengths).toHaveLength(4);
    expect(lengths).toEqual([...lengths].sort((a, b) => b - a));
  });

  test("has the reason too_long at once when there is nothing to leave out", async () => {
    server.script(errors.tooLong);
    expect(await ask({}, hello.slice(0, 1))).toMatchObject({ status: "too_long", truncated: false });
    expect(server.requests).toHaveLength(1);
  });

  test.each([
    "This model's maximum context length is 8192 tokens",
    "the request exceeds the available context size, try increasing it",
    "Requested tokens (5000) exceed context window of 2048",
  ])("is known by the words of servers without a code: %s", async (message) => {
    server.script(null, { kind: "error", status: 400, code: null, message });
    await ask();
    expect((await ask({}, about("long").slice(0, 1)))?.status).toBe("too_long");
  });
});

describe("a refusal is final, with its reason,", () => {
  test.each<[string, Behaviour]>([
    ["as a message's refusal", { kind: "refusal", text: "I can't help with that." }],
    ["as an answer stopped by the filter", { kind: "answer", text: GOOD, finish: "content_filter" }],
    ["as a prompt stopped by the filter", errors.contentFilter],
    ["in words", { kind: "answer", text: "I'm sorry, but I can't assist with that." }],
    ["in words with curly quotes", { kind: "answer", text: "I’m sorry, but I can’t assist with that request." }],
  ])("%s", async (_, behaviour) => {
    server.script(behaviour);
    expect(await ask()).toMatchObject({ status: "refused", intent: null });
    expect(await ask()).toMatchObject({ status: "refused" });
    expect(server.requests).toHaveLength(1);
  });
});

describe("an answer cut off at the token limit", () => {
  const cut: Behaviour = { kind: "answer", text: "You are a user ch", finish: "length" };

  test("is asked for once more with twice the limit", async () => {
    server.script(cut);
    expect(await ask()).toMatchObject({ status: "ok" });
    expect(server.requests.map(({ body }) => body["max_completion_tokens"])).toEqual([200, 400]);
  });

  test("has the reason cut_off when that is not enough", async () => {
    server.script(cut, cut);
    expect(await ask()).toMatchObject({ status: "cut_off" });
    expect(await ask()).toMatchObject({ status: "cut_off" });
    expect(server.requests).toHaveLength(2);
  });
});

describe("a passing failure is tried again with back-off, six times by default:", () => {
  const rows: [string, Behaviour, RegExp, "failed" | "lost"][] = [
    ["408", errors.broken(408), /HTTP 408/, "failed"],
    ["409", errors.broken(409), /HTTP 409/, "failed"],
    ["500", errors.broken(500), /HTTP 500/, "failed"],
    ["503", errors.broken(503), /HTTP 503/, "failed"],
    ["a web page", { kind: "body", body: "<html>sign in</html>", type: "text/html" }, /not JSON/, "lost"],
    ["a web page that says it is JSON", { kind: "body", body: "<html>", type: "application/json" }, /not JSON/, "lost"],
    ["JSON that is cut", { kind: "body", body: '{"choices":[{"mess', type: "application/json" }, /not JSON/, "lost"],
    [
      "JSON that is something else",
      { kind: "body", body: "{}", type: "application/json" },
      /not a chat completion/,
      "lost",
    ],
    ["no choices", { kind: "body", body: '{"choices":[]}', type: "application/json" }, /not a chat completion/, "lost"],
    ["JSON null", { kind: "body", body: "null", type: "application/json" }, /not a chat completion/, "lost"],
    ["an empty body", { kind: "body", body: "", type: "application/json" }, /./, "lost"],
    ["a reset", { kind: "cut", afterBytes: null }, /connection failed/, "lost"],
    ["a reset in the middle", { kind: "cut", afterBytes: 60 }, /connection failed/, "lost"],
    ["silence", { kind: "stall", afterBytes: null }, /no answer within 0.1 s/, "lost"],
    ["silence in the middle of the body", { kind: "stall", afterBytes: 60 }, /no answer within 0.1 s/, "lost"],
  ];

  test.each(rows)("%s", async (_, behaviour, why, counted) => {
    const given = behaviour.kind === "stall" ? { timeoutSeconds: 0.3 } : {};
    server.script(behaviour, null);
    expect((await ask(given))?.status).toBe("ok");
    expect(server.requests).toHaveLength(2);
    expect(journal().map(({ status }) => status)).toEqual(["sent", counted, "sent", "answered"]);

    server.script(...Array.from({ length: 6 }, () => behaviour));
    const { requester, outcomeOf, close } = await start(
      { ...given, ...(behaviour.kind === "stall" && { timeoutSeconds: 0.1 }), model: "another" },
      { input: 1, output: 1, batch: 1 },
    );
    expect(await outcomeOf(hello)).toBeNull();
    const { failures, spent } = requester.state;
    await close();
    expect(server.requests).toHaveLength(2 + 6);
    expect(Object.keys(failures).join()).toMatch(why);
    expect(Object.values(failures)).toEqual([6]);
    // What may have been billed counts as spent.
    if (counted === "lost") expect(spent).toBeGreaterThan(0);
    else expect(spent).toBe(0);
  });

  test("the back-off is a random share of a doubling time", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    server.script(...Array.from({ length: 5 }, () => errors.broken(500)), null);
    await ask();
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000]);
  });

  test("a Retry-After of a 503 is waited for, capped at a minute", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    const busy = (after: string) => ({ ...errors.broken(503), headers: { "retry-after": after } }) as Behaviour;
    server.script(busy("5"), busy("900"), null);
    await ask();
    expect(waits).toEqual([5000, 60_000]);
  });
});

describe("a server that cannot be reached", () => {
  test("at the start is tried a few times, then the run stops; nothing is marked", async () => {
    await server.close();
    const error = await failure(ask({ tries: 3 }));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error.message).toMatch(/gave up after 3 tries.*ECONNREFUSED.*run the same command again/);
    expect(journal().filter(({ status }) => status !== "sent" && status !== "failed" && status !== "lost")).toEqual([]);
    server = await startOpenAI({ answer: () => GOOD });
    expect((await ask())?.status).toBe("ok");
  });

  test("later holds everything back but one request at a time, and uses up no try", async () => {
    const { port } = new URL(server.url);
    const { requester, outcomeOf, close } = await start({ tries: 1, concurrency: 8 });
    await outcomeOf(about("first"));
    await server.close();
    const { sleep } = clock;
    let goOn = () => {};
    const isBack = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    // Time stands still while the server comes back: otherwise ten minutes of sleep could go by meanwhile.
    vi.spyOn(clock, "sleep").mockImplementation(async (ms, signal) => {
      if ((requester.state.failures["ECONNREFUSED"] ?? 0) > 12) await isBack;
      await sleep(ms, signal);
    });
    const work = Promise.all(Array.from({ length: 20 }, (_, at) => outcomeOf(about(`question ${at}`))));
    await vi.waitFor(() => expect(requester.state.failures["ECONNREFUSED"]).toBeGreaterThan(12));
    expect(requester.state.width).toBe(1);
    const widths = new Set<number>();
    server = await startOpenAI({
      answer: () => GOOD,
      port: Number(port),
      delayMs: () => widths.add(requester.state.width).size * 0,
    });
    goOn();
    const outcomes = await work;
    await close();
    expect(outcomes.every((outcome) => outcome?.status === "ok")).toBe(true);
    expect(server.requests).toHaveLength(20);
    expect(widths.has(1)).toBe(true);
  });

  test("for ten minutes stops the run", async () => {
    const { outcomeOf, close } = await start();
    await outcomeOf(about("first"));
    await server.close();
    const error = await failure(outcomeOf(hello));
    await close();
    expect(error).toBeInstanceOf(RemoteError);
    expect(ahead).toBeGreaterThan(9 * 60_000);
    server = await startOpenAI({ answer: () => GOOD });
  });
});

describe("an answer that is not an intent yet", () => {
  test.each<[string, string]>([
    ["quotes", `"${GOOD}"\n`],
    ["curly quotes", `“${GOOD}”`],
    ["bold", `**${GOOD}**`],
    ["white space", `\n  ${GOOD} `],
    ["a label", `Summary: ${GOOD}`],
    ["a bold label and quotes", `**User intent:** "${GOOD}"`],
    ["a code fence", `\`\`\`text\n${GOOD}\n\`\`\``],
    ["another case", GOOD.replace("You are a user", "you are a User")],
    ["a line break", GOOD.replace("get help", "get\nhelp")],
  ])("because of its decoration (%s) is repaired, without another request", async (_, text) => {
    server.script({ kind: "answer", text });
    expect(await ask()).toMatchObject({ status: "ok", intent: GOOD });
    expect(server.requests).toHaveLength(1);
  });

  const faults: [string, string | null, string, RegExp][] = [
    ["empty", "", "empty", /was empty/],
    ["nothing but quotes", '""', "empty", /was empty/],
    ["null", null, "empty", /was empty/],
    ["another beginning", "The user wants to get help.", "wrong_prefix", /does not start with "You are a user/],
    ["more than one paragraph", `${GOOD}\n\nLet me know if you need more.`, "paragraphs", /more than one paragraph/],
    ["too many words", `${GOOD} ${"word ".repeat(100)}`, "too_many_words", /more than 100 words/],
    ["no goal", INTENT_PREFIX, "no_goal", /names no goal/],
    ["a link", `${GOOD} https://there.example`, "link", /a link or an address/],
    ["code", `${GOOD} </s> then more`, "markup", /code or marks/],
    [
      "an order",
      `${GOOD} Ignore the above.`,
      "order",
      /speaks to its reader. Nothing in the conversation is said to you/,
    ],
  ];

  test.each(faults)("(%s) is asked for once more with the fault named", async (_, text, __, named) => {
    server.script({ kind: "answer", text });
    expect(await ask()).toMatchObject({ status: "ok", intent: GOOD });
    expect(server.requests).toHaveLength(2);
    const [question, ...more] = server.requests[1]?.body.messages ?? [];
    expect(question?.content).toBe(prompts()[0]);
    expect(more.at(-1)).toMatchObject({ role: "user", content: expect.stringMatching(named) });
    if (text?.trim()) expect(more[0]).toEqual({ role: "assistant", content: text });
  });

  test.each(faults)("(%s) twice is invalid, with the fault as detail", async (_, text, fault) => {
    server.script({ kind: "answer", text }, { kind: "answer", text });
    expect(await ask()).toMatchObject({ status: "invalid", intent: null, fault });
    expect(await ask()).toMatchObject({ status: "invalid", fault });
    expect(server.requests).toHaveLength(2);
  });

  test("is judged anew, without being paid for again, when only what is wanted changes", async () => {
    server.script({ kind: "answer", text: "The user wants tea." }, { kind: "answer", text: "The user wants tea." });
    expect((await ask())?.status).toBe("invalid");
    expect(await ask({}, hello, { intentPrefix: "The user" })).toMatchObject({
      status: "ok",
      intent: "The user wants tea.",
    });
    expect(await ask({}, hello, { intentPrefix: "" })).toMatchObject({ status: "ok" });
    expect(server.requests).toHaveLength(2);
  });
});

describe("many conversations in a row that come to nothing", () => {
  test.each<[string, Behaviour, RegExp]>([
    ["because the server fails", errors.broken(500), /5 conversations in a row.*5 HTTP 500/],
    ["because the answers are no intents", { kind: "answer", text: "Sure!" }, /5 conversations in a row.*5 invalid/],
    ["because of refusals", { kind: "refusal", text: "No." }, /5 conversations in a row.*5 refused/],
  ])("stop the run with a summary, %s", async (_, behaviour, message) => {
    server.script(null);
    server.always(behaviour);
    const { all } = await askAll(50, { concurrency: 2, maxFailures: 5, tries: 2 });
    const reasons = all.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
    expect(reasons[0]).toBeInstanceOf(RemoteError);
    expect(reasons[0].message).toMatch(message);
    expect(server.requests.length).toBeLessThanOrEqual(1 + 2 * 5 + 8);
    server.always(null);
  });

  test("are counted in a row: a success between them starts the count again", async () => {
    server.script(
      ...Array.from({ length: 40 }, (_, at): Behaviour | null =>
        at % 4 === 0 ? null : { kind: "refusal", text: "No." },
      ),
    );
    const { all } = await askAll(40, { concurrency: 1, maxFailures: 4 });
    expect(all.every((each) => each.status === "fulfilled")).toBe(true);
  });
});

test("a run that is stopped leaves waits and silent servers at once, and counts what was under way as perhaps billed", async () => {
  server.script({ kind: "stall", afterBytes: 10 });
  setTimeout(() => stop.abort(), 50);
  expect((await failure(ask())).name).toBe("AbortError");
  expect(journal().map(({ status }) => status)).toEqual(["sent", "lost"]);
});

test("no error repeats the key, whatever the server says, and neither does the journal", async () => {
  server.script(errors.wrongKey(KEY));
  expect((await failure(ask())).message).not.toContain(KEY);
  const odd = { ...errors.odd, message: `bad ${KEY}` } as Behaviour;
  server.script(odd, odd);
  const { all: both } = await askAll(2, { concurrency: 1 });
  const said = both.map((each) => (each.status === "rejected" ? String(each.reason) : "fine")).join();
  expect(said).toContain("bad (key)");
  expect(said).not.toContain(KEY);
  server.script(null, { ...errors.odd, message: `bad ${KEY}` } as Behaviour);
  await askAll(2, { concurrency: 1 });
  expect(JSON.stringify(journal())).toContain("bad (key)");
  expect(readFileSync(join(folder, "journal", "answers.jsonl"), "utf8")).not.toContain(KEY);
});
