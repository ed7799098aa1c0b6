import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Clock } from "../../../../../pipeline/clock.ts";
import { exitCode, LimitError, RemoteError, UsageError } from "../../../../../pipeline/errors.ts";
import { fillByBatch } from "../../../../../pipeline/models/batch/fill.ts";
import { Journal } from "../../../../../pipeline/models/journal.ts";
import { ledger } from "../../../../../pipeline/models/ledger.ts";
import { replay } from "../../../../../pipeline/models/request.ts";
import { type Price, ServerOptions } from "../../../../../pipeline/models/server-options.ts";
import { IntentsOptions } from "../../../../../stages/intents/options.ts";
import { intentProgram } from "../../../../../stages/intents/program.ts";
import { INTENT_PREFIX, loadPrompt } from "../../../../../stages/intents/prompt.ts";
import { conversation } from "../../../../helpers/conversation.ts";
import { type BatchServer, startBatch } from "../../../../servers/batch.ts";

const KEY = "sk-Very5ecretKeyOfSomeone";
const PRICE: Price = { input: 2, output: 8, batch: 0.5 };

let server: BatchServer;
let folder: string;
let stop: AbortController;
let ahead: number;
/** Files that could not be deleted. */
let left: number;

const clock: Clock = {
  now: () => ahead,
  async sleep(ms, signal) {
    signal.throwIfAborted();
    ahead += ms;
    await new Promise((resolve) => setImmediate(resolve));
  },
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "flipturn-batch-"));
  server = await startBatch(
    ({ messages }) => `${INTENT_PREFIX} do thing ${messages[0]?.content.match(/question (\d+)/)?.[1]}.`,
  );
  stop = new AbortController();
  ahead = 0;
  vi.spyOn(Math, "random").mockReturnValue(0);
});

afterEach(async () => {
  vi.restoreAllMocks();
  await server.close();
  rmSync(folder, { recursive: true });
});

/** Conversations over three shards. */
const SHARDS = 3;
const turnsOf = (at: number) => conversation(`user: question ${at}`, "assistant: an answer that is longer").turns;

/** Fills the journal for `count` conversations, as a run that has just been started would. Returns what has no answer. */
async function fill(count: number, given: Partial<ServerOptions> = {}): Promise<number[]> {
  const options = ServerOptions.parse({ model: "gpt-4o", batchTail: 0, tries: 3, timeoutSeconds: 5, ...given });
  const journal = await Journal.open(folder);
  const question = { ...IntentsOptions.parse({}), ...options, prompt: loadPrompt(null) };
  const client = new OpenAI({ apiKey: KEY, baseURL: server.url, maxRetries: 0 });
  const open = () =>
    Array.from({ length: count }, (_, at) => at).flatMap((at) => {
      const step = replay(intentProgram(turnsOf(at), question), (key) => journal.get(key));
      return "request" in step ? [{ ...step.request, at }] : [];
    });
  async function* unanswered() {
    for (let shard = 0; shard < SHARDS; shard++)
      for (const { at, request, key } of open()) if (at % SHARDS === shard) yield { request, key, shard };
  }
  try {
    const state = join(folder, "batches");
    const filled = await fillByBatch({
      ...{ options, price: PRICE, journal, folder: state, client, clock, signal: stop.signal, unanswered },
      report: () => {},
    });
    left = filled.leftFiles;
    return open().map(({ at }) => at);
  } finally {
    journal.close();
  }
}

const failure = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => expect.fail("did not fail"),
    (error) => error,
  );

const parts = () => readdirSync(join(folder, "batches", "parts"));
const journalText = () => readFileSync(join(folder, "answers.jsonl"), "utf8");

/** Nothing was paid for twice. */
const expectPaidOnce = () => expect(new Set(server.answered).size).toBe(server.answered.length);

describe("a round trip", () => {
  test("asks for every conversation by its key, a file for each shard, and takes every answer", async () => {
    expect(await fill(30)).toEqual([]);
    expect(server.uploads.map(({ lines }) => lines.length)).toEqual([10, 10, 10]);
    const all = server.uploads.flatMap(({ lines }) => lines);
    for (const { method, url, body, custom_id } of all) {
      expect([method, url, body.model]).toEqual(["POST", "/v1/chat/completions", "gpt-4o"]);
      expect(custom_id).toMatch(/^[0-9a-f]{64}$/);
    }
    expect(server.batches.map(({ metadata }) => metadata["flipturn_shard"])).toEqual(["0", "1", "2"]);
    expect(new Set(server.batches.map(({ metadata }) => metadata["flipturn_run"])).size).toBe(1);
    expectPaidOnce();
    expect(parts()).toEqual([]);
    const row = ledger(Journal.read(folder) as Journal)[0];
    expect(row).toMatchObject({ mode: "batch", answered: 30, lost: 0 });
    const usage = server.uploads.flatMap(({ lines }) => lines).length;
    expect(usage).toBe(30);
    expect(row?.usd).toBeCloseTo((((row?.input_tokens ?? 0) * 2 + (row?.output_tokens ?? 0) * 8) / 1e6) * 0.5, 12);
  });

  test("sends nothing for answers that are there", async () => {
    await fill(30);
    server.uploads.length = 0;
    await fill(30);
    expect(server.uploads).toEqual([]);
  });

  test("cuts files at the most requests and the most bytes", async () => {
    await fill(30, { batchRequests: 4 });
    expect(server.uploads.every(({ lines }) => lines.length <= 4)).toBe(true);
    expect(server.uploads).toHaveLength(9);
    await fill(60, { model: "other", batchMegabytes: 0.01 });
    const more = server.uploads.slice(9);
    expect(more.length).toBeGreaterThan(9);
    for (const { bytes, lines } of more) {
      expect(bytes <= 10_000 || lines.length === 1).toBe(true);
      expect(new Set(lines.map(({ body }) => body.model))).toEqual(new Set(["other"]));
    }
  });

  test("uploads a file under a name that says whose it is, and no key or text of a person in its metadata", async () => {
    await fill(3);
    for (const { filename } of server.uploads) expect(filename).toMatch(/^flipturn-\d+-[0-9a-f]{16}\.jsonl$/);
    for (const { metadata } of server.batches) {
      expect(Object.keys(metadata)).toEqual(["flipturn_run", "flipturn_shard", "flipturn_part"]);
      for (const value of Object.values(metadata)) expect(value).toMatch(/^[0-9a-f]+$/);
    }
    expect(journalText()).not.toContain(KEY);
  });
});

describe("what a batch leaves undone is pending again, what it did is kept:", () => {
  test.each([
    ["expired", { end: "expired", done: 0.4 }],
    ["cancelled", { end: "cancelled", done: 0.6 }],
    ["expired before anything was done", { end: "expired", done: 0 }],
    ["with lines in neither file", { missing: 0.3 }],
    ["cancelled, with lines in neither file", { end: "cancelled", done: 0.5, missing: 0.3 }],
    [
      "with server errors",
      {
        errors: {
          0: { status: 500, code: null, message: "broken" },
          3: { status: 429, code: "rate_limit_exceeded", message: "busy" },
        },
      },
    ],
  ] as const)("%s", async (_, manner) => {
    server.script(manner);
    expect(await fill(30)).toEqual([]);
    expect(server.batches.length).toBeGreaterThan(3);
    expectPaidOnce();
  });

  test("lines that come twice, in any order, and those of somebody else are taken once or not at all", async () => {
    server.script({ isDoubled: true, foreign: 3 }, { isDoubled: true }, { isDoubled: true });
    expect(await fill(30)).toEqual([]);
    expect(journalText().split('"status":"answered"').length - 1).toBe(30);
    expect(journalText()).not.toContain("somebody else");
  });

  test("files of results that break off are read again from the beginning", async () => {
    server.script({ breaks: 2 });
    expect(await fill(30)).toEqual([]);
    expect(server.batches).toHaveLength(3);
  });

  test("errors that are about a conversation are its reason", async () => {
    const long = { status: 400, code: "context_length_exceeded", message: "maximum context length" };
    const filtered = { status: 400, code: "content_filter", message: "no" };
    server.script({ errors: { 0: long, 1: filtered } });
    await fill(30);
    const statuses = [...(Journal.read(folder) as Journal).entries()].map(({ status }) => status);
    expect(statuses.filter((status) => status === "refused")).toHaveLength(1);
    expect(statuses.filter((status) => status === "too_long")).toHaveLength(1);
    // The one that is too long was asked about again without its middle.
    expect(server.uploads.flatMap(({ lines }) => lines)).toHaveLength(31);
  });

  test("a whole round without one answer stops the run", async () => {
    server.script(...Array.from({ length: 9 }, () => ({ end: "expired", done: 0 }) as const));
    const error = await failure(fill(30));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error.message).toMatch(/30 requests came back.*batchTail 30/);
    server.script();
    while (server.batches.length < 9) server.batches.push({ ...server.batches[0] } as never);
  });

  test("few requests are left to be asked for one by one", async () => {
    server.script({ end: "expired", done: 0.8 });
    expect((await fill(30, { batchTail: 5 })).length).toBe(2);
    expect(server.batches).toHaveLength(3);
  });
});

describe("a batch that is not admitted", () => {
  const full = (limit: string) => ({
    refusal: {
      code: "token_limit_exceeded",
      message: `Enqueued token limit reached for gpt-4o. Limit: ${limit} enqueued tokens.`,
    },
  });

  test("because too many tokens are enqueued is cut to the limit that the server tells, and waits its turn", async () => {
    server.script(full("4,000"));
    expect(await fill(30)).toEqual([]);
    for (const { lines } of server.uploads.slice(3)) expect(lines.length).toBeLessThan(6);
    expectPaidOnce();
  });

  test("for a day stops the run, which can go on", async () => {
    server.script(...Array.from({ length: 3000 }, () => full("1,000,000")));
    const error = await failure(fill(1));
    expect(error).toBeInstanceOf(LimitError);
    expect(ahead).toBeGreaterThanOrEqual(24 * 3_600_000);
  });

  test("because of the account's quota ends with exit code 3; for another reason with 2, in the server's words", async () => {
    server.script({ refusal: { code: "billing_hard_limit_reached", message: "no money" } });
    expect(exitCode(await failure(fill(3)))).toBe(3);
    const { length } = server.batches;
    server.script(
      ...Array.from({ length: 5 }, () => ({
        refusal: { code: "model_not_found", message: `no such model for ${KEY}` },
      })),
    );
    const error = await failure(fill(3, { model: "nothing" }));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(/model_not_found: no such model for \(key\)/);
    expect(server.batches.length).toBeGreaterThan(length);
  });

  test("tokens that are enqueued stay under a cap of one's own", async () => {
    let most = 0;
    const tokens = (lines: { body: object }[]) => JSON.stringify(lines.map(({ body }) => body)).length / 3.3;
    server.onCall = () => {
      const open = server.batches.filter(({ status }) => !["completed", "failed"].includes(status));
      most = Math.max(
        most,
        open.reduce((sum, { lines }) => sum + tokens(lines), 0),
      );
    };
    expect(await fill(60, { enqueuedTokens: 15_000 })).toEqual([]);
    expect(most).toBeLessThan(16_500);
    expect(most).toBeGreaterThan(5000);
  });
});

describe("a budget", () => {
  test("is never exceeded by what batches can cost; reached, it ends with exit code 3, and more money goes on", async () => {
    const error = await failure(fill(60, { budget: 0.03 }));
    expect(exitCode(error)).toBe(3);
    expect(error.message).toMatch(/budget of \$0.0300 is reached/);
    const spent = (Journal.read(folder) as Journal).spent;
    expect(spent).toBeLessThanOrEqual(0.03);
    expect(server.answered.length).toBeGreaterThan(20);
    expect(server.answered.length).toBeLessThan(60 * 3);
    expect(await fill(60, { budget: 5 })).toEqual([]);
    expectPaidOnce();
  });
});

describe("calls that fail", () => {
  test.each([408, 429, 500, 503])("with %d are made again", async (status) => {
    server.fail(status, 2);
    expect(await fill(9)).toEqual([]);
  });

  test("again and again stop the run, which goes on", async () => {
    server.fail(503, 3);
    expect(await failure(fill(9))).toBeInstanceOf(RemoteError);
    expect(await fill(9)).toEqual([]);
    expectPaidOnce();
  });

  test("with 401 stop the run at once, without the key in the message", async () => {
    server.fail(401, 1);
    const error = await failure(fill(9));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).not.toContain(KEY);
    expect(await fill(9)).toEqual([]);
  });

  test("to make a batch, though it was made, find it instead of making another", async () => {
    server.script({ isCreatedUnheard: true });
    expect(await fill(30)).toEqual([]);
    expect(server.batches).toHaveLength(3);
    expectPaidOnce();
  });
});

describe("files at the server", () => {
  test("are deleted, results too, once their answers are on the disk", async () => {
    const there: number[] = [];
    server.onCall = (call) => {
      if (call.startsWith("DELETE")) there.push(journalText().match(/"(answered|invalid_request)"/g)?.length ?? 0);
    };
    server.script({ errors: { 0: { status: 400, code: null, message: "odd" } } });
    expect(await fill(6)).toEqual([]);
    expect(server.files()).toEqual([]);
    // The files of a batch of two requests, its errors too, then those of the next.
    expect(there).toEqual([2, 2, 2, 4, 4, 6, 6]);
  });

  test("stay where that is wanted", async () => {
    await fill(6, { batchFiles: "keep" });
    expect(server.files()).toHaveLength(6);
    expect(server.calls.filter((call) => call.startsWith("DELETE"))).toEqual([]);
  });

  test("that cannot be deleted are counted and tried again by the next run, and stop nothing", async () => {
    server.undeletable = true;
    expect(await fill(6)).toEqual([]);
    expect(server.files()).toHaveLength(6);
    expect(left).toBe(6);
    server.undeletable = false;
    await fill(6);
    expect([server.files(), left]).toEqual([[], 0]);
  });
});

describe("a run that is cut off", () => {
  test("before any call of any kind goes on: no answer is paid for twice, no file or batch is made twice", async () => {
    await fill(6, { model: "count" });
    const calls = [...server.calls];
    const kinds = calls.map((call) => call.replaceAll(/[-_]?\d+/g, ""));
    for (let cut = 1; cut <= calls.length; cut++) {
      // Of each kind the first two and the last: what comes between them is done in the same way.
      const alike = kinds.flatMap((kind, at) => (kind === kinds[cut - 1] ? [at + 1] : []));
      if (alike.indexOf(cut) > 1 && alike.at(-1) !== cut) continue;
      await server.close();
      server = await startBatch(() => `${INTENT_PREFIX} help.`);
      rmSync(folder, { recursive: true });
      folder = mkdtempSync(join(tmpdir(), "flipturn-batch-"));
      stop = new AbortController();
      let seen = 0;
      server.onCall = () => {
        if (++seen === cut) stop.abort();
      };
      await failure(fill(6)).catch(() => {});
      stop = new AbortController();
      server.onCall = null;
      expect(await fill(6), `cut at ${cut}: ${calls[cut - 1]}`).toEqual([]);
      expectPaidOnce();
      expect(server.batches).toHaveLength(3);
      expect(new Set(server.uploads.map(({ filename }) => filename)).size).toBe(server.uploads.length);
      expect(server.files(), `cut at ${cut}: ${calls[cut - 1]}`).toEqual([]);
    }
  });
});
