import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { z } from "zod";
import type { Given } from "../../../pipeline/config.ts";
import { exitCode, LimitError, RemoteError, UsageError } from "../../../pipeline/errors.ts";
import { readParquet } from "../../../pipeline/parquet.ts";
import { Conversation, type Turn } from "../../../schemas/conversation.ts";
import { Intent } from "../../../schemas/intent.ts";
import { Rejection } from "../../../schemas/rejection.ts";
import { run } from "../../../stages/index.ts";
import { Journal } from "../../../stages/intents/journal.ts";
import { type OpenAIOptions, openai } from "../../../stages/intents/openai.ts";
import { DEFAULT_PROMPT, INTENT_PREFIX, loadPrompt } from "../../../stages/intents/prompt.ts";
import { type Behaviour, type ChatRequest, errors, type OpenAIServer, startOpenAI } from "../../servers/openai.ts";

const KEY = "sk-Very5ecretKeyOfSomeone";
const ROOT = join(import.meta.dirname, "..", "..", "..");
const DEMO = join(ROOT, "scripts", "demo");

let server: OpenAIServer;
let folder: string;

/** What the server answers: an intent that depends on the whole prompt. */
function intentFor({ messages }: ChatRequest): string {
  return `${INTENT_PREFIX} do thing ${createHash("sha256")
    .update(messages[0]?.content ?? "")
    .digest("hex")
    .slice(0, 8)}.`;
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "flipturn-intents-"));
  server = await startOpenAI({ answer: intentFor });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await server.close();
  rmSync(folder, { recursive: true });
});

/** Waits that nobody asked for are cut to nothing: the back-off is a random share of its length. */
function withoutBackOff(): void {
  vi.spyOn(Math, "random").mockReturnValue(0);
}

const failure = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => expect.fail("did not fail"),
    (error) => error,
  );

describe("the provider", () => {
  const plain: OpenAIOptions = {
    model: "gpt-4o",
    baseUrl: null,
    temperature: 0,
    maxOutputTokens: 200,
    tokenLimitName: "max_completion_tokens",
    intentPrefix: INTENT_PREFIX,
    concurrency: 4,
    tries: 2,
    timeoutSeconds: 10,
  };

  function conversation(...turns: string[]): { id: string; turns: Turn[] } {
    return {
      id: "chat:1",
      turns: turns.map((text) => {
        const [role, content] = text.split(/: (.*)/s) as [Turn["role"], string];
        return { role, content };
      }),
    };
  }
  const hello = conversation("user: hi", "assistant: hello");

  async function start(options: Partial<OpenAIOptions> = {}, env: NodeJS.ProcessEnv = { OPENAI_API_KEY: KEY }) {
    const journal = await Journal.open(join(folder, "journal"), "00000");
    const world = { env, fetch: globalThis.fetch };
    const { signal } = stop;
    return openai({ ...plain, baseUrl: server.url, ...options }, loadPrompt(null), journal, world, signal);
  }

  let stop: AbortController;
  beforeEach(() => {
    stop = new AbortController();
    withoutBackOff();
  });

  /** Asks once for one conversation, as a run that has just been started would. */
  async function ask(options: Partial<OpenAIOptions> = {}, about = hello) {
    const provider = await start(options);
    return provider.intentOf(about).finally(() => provider.close());
  }

  test("sends the instruction, the fixed beginning, and every turn of the conversation on a line of its role", async () => {
    const about = conversation(
      "user: $& it's [CONVERSATION]\n2nd line",
      "assistant: Ok\u2028🙂",
      "user: ",
      "assistant: ?",
    );
    const reply = await ask({}, about);
    const lines = "<user>: $& it's [CONVERSATION]\n2nd line\n<assistant>: Ok\u2028🙂\n<user>: \n<assistant>: ?";
    const [before, after] = DEFAULT_PROMPT.split("[CONVERSATION]");
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.prompt).toBe(`${before}${lines}${after}`);
    expect(before).toContain(`Start the sentence with "${INTENT_PREFIX}"`);
    expect(before?.match(/^Example \d$/gm)).toHaveLength(3);
    expect(reply).toMatchObject({ status: "ok", origin: "generated", truncated: false, model: "gpt-4o-2024-08-06" });
    expect(reply.intent).toMatch(/^You are a user chatting with an assistant language model to do thing/);
    expect(reply.input_tokens).toBeGreaterThan(400);
    expect(reply.output_tokens).toBe(Math.ceil((reply.intent ?? "").length / 4));
  });

  test("asks with the model, the limit of tokens and the temperature that it is given, and with nothing else", async () => {
    await ask();
    expect(server.requests[0]?.path).toBe("/v1/chat/completions");
    const { messages, ...parameters } = server.requests[0]?.body ?? {};
    expect(parameters).toEqual({ model: "gpt-4o", max_completion_tokens: 200, temperature: 0 });
    expect(messages).toHaveLength(1);
    await ask({ model: "local", tokenLimitName: "max_tokens", maxOutputTokens: 7, temperature: null });
    const { messages: _, ...others } = server.requests[1]?.body ?? {};
    expect(others).toEqual({ model: "local", max_tokens: 7 });
  });

  test("sends the key of the environment; a server of one's own needs none", async () => {
    await ask();
    expect(server.requests[0]?.authorization).toBe(`Bearer ${KEY}`);
    const keyless = await start({ model: "other" }, {});
    expect((await keyless.intentOf(hello).finally(() => keyless.close())).status).toBe("ok");
    const elsewhere = await start({ baseUrl: null, model: "third" }, { OPENAI_BASE_URL: server.url });
    expect((await elsewhere.intentOf(hello).finally(() => elsewhere.close())).status).toBe("ok");
  });

  test("sends equal requests once, even at the same time, and never again when started anew", async () => {
    const provider = await start();
    const same = { ...hello, id: "chat:2" };
    const replies = await Promise.all([provider.intentOf(hello), provider.intentOf(same), provider.intentOf(hello)]);
    await provider.close();
    expect(server.requests).toHaveLength(1);
    expect(replies[1]).toEqual(replies[0]);
    expect(await ask()).toEqual(replies[0]);
    expect(server.requests).toHaveLength(1);
    await ask({ model: "another" });
    await ask({ temperature: 1 });
    expect(server.requests).toHaveLength(3);
  });

  test("judges what was paid for anew when only the beginning that is wanted changes", async () => {
    server.script({ kind: "answer", text: "The user wants tea." });
    expect(await ask()).toMatchObject({ status: "wrong_prefix", intent: null });
    expect(await ask({ intentPrefix: "The user" })).toMatchObject({ status: "ok", intent: "The user wants tea." });
    expect(await ask({ intentPrefix: "" })).toMatchObject({ status: "ok" });
    expect(server.requests).toHaveLength(1);
  });

  describe("takes for the reply on one conversation, asked for once", () => {
    const good = `${INTENT_PREFIX} get help.`;
    test.for<[string, Behaviour, string, string | null]>([
      ["a quoted answer", { kind: "answer", text: `"${good}"\n` }, "ok", good],
      ["an answer in white space", { kind: "answer", text: `\n  ${good} ` }, "ok", good],
      ["another beginning", { kind: "answer", text: "The user wants to get help." }, "wrong_prefix", null],
      ["a label before it", { kind: "answer", text: `Summary: ${good}` }, "wrong_prefix", null],
      ["an empty answer", { kind: "answer", text: "" }, "empty", null],
      ["nothing but quotes", { kind: "answer", text: '""' }, "empty", null],
      ["null", { kind: "answer", text: null }, "empty", null],
      ["a refusal", { kind: "refusal", text: "I can't help with that." }, "refused", null],
      ["an answer stopped by the filter", { kind: "answer", text: good, finish: "content_filter" }, "refused", null],
      ["a prompt stopped by the filter", errors.contentFilter, "refused", null],
      ["a conversation that is too long", errors.tooLong, "too_long", null],
    ])("%s", async ([, behaviour, status, intent]) => {
      server.script(behaviour);
      expect(await ask()).toMatchObject({ status, intent });
      expect(await ask()).toMatchObject({ status, intent });
      expect(server.requests).toHaveLength(1);
    });
  });

  describe("stops the run at once, and writes nothing down, at", () => {
    test.for<[string, Behaviour, typeof UsageError | typeof LimitError, number, RegExp]>([
      ["a wrong key", errors.wrongKey("sk-…"), UsageError, 2, /HTTP 401/],
      ["an unknown model", errors.unknownModel, UsageError, 2, /HTTP 404.*model/],
      ["a parameter that it does not know", errors.badParameter, UsageError, 2, /HTTP 400.*max_completion_tokens/],
      ["a quota used up", errors.noQuota, LimitError, 3, /quota is used up.*run the same command again/],
    ])("%s", async ([, behaviour, kind, code, message]) => {
      server.script(behaviour);
      const error = await failure(ask({ tries: 5 }));
      expect(error).toBeInstanceOf(kind);
      expect(exitCode(error)).toBe(code);
      expect(error.message).toMatch(message);
      expect(error.message).toContain(server.url);
      expect(server.requests).toHaveLength(1);
      expect((await ask()).status).toBe("ok");
    });
  });

  describe("tries again, and gives up with RemoteError after its tries, at", () => {
    test.for<[string, Behaviour, RegExp]>([
      ["429 with Retry-After in seconds", errors.tooFast("0.01"), /HTTP 429/],
      ["429 with Retry-After as a date", errors.tooFast(new Date(0).toUTCString()), /HTTP 429/],
      ["429 with a Retry-After that is nonsense", errors.tooFast("soon"), /HTTP 429/],
      ["408", errors.broken(408), /HTTP 408/],
      ["500", errors.broken(500), /HTTP 500/],
      ["503", errors.broken(503), /HTTP 503/],
      ["a connection that closes before the answer", { kind: "cut", afterBytes: null }, /connection/i],
      ["an answer that is cut in the middle", { kind: "cut", afterBytes: 60 }, /./],
      ["a server that says nothing", { kind: "stall", afterBytes: null }, /no answer within 0.3 s/],
      ["an answer that stops in the middle", { kind: "stall", afterBytes: 60 }, /no answer within 0.3 s/],
      ["a web page", { kind: "body", body: "<html>sign in</html>", type: "text/html" }, /not a chat completion/],
      ["a web page that says it is JSON", { kind: "body", body: "<html>", type: "application/json" }, /not JSON/],
      ["JSON that is something else", { kind: "body", body: "{}", type: "application/json" }, /not a chat completion/],
      ["no choices", { kind: "body", body: '{"choices":[]}', type: "application/json" }, /not a chat completion/],
      ["JSON null", { kind: "body", body: "null", type: "application/json" }, /./],
      ["an empty body", { kind: "body", body: "", type: "application/json" }, /./],
    ])("%s", async ([, behaviour, message]) => {
      server.script(behaviour, null);
      expect((await ask({ timeoutSeconds: 0.3 })).status).toBe("ok");
      expect(server.requests).toHaveLength(2);
      server.script(behaviour, behaviour, behaviour);
      const error = await failure(ask({ timeoutSeconds: 0.3, model: "another", tries: 3 }));
      expect(error).toBeInstanceOf(RemoteError);
      expect(exitCode(error)).toBe(1);
      expect(error.message).toMatch(/gave up after 3 tries.*run the same command again/);
      expect(error.message).toMatch(message);
      expect(server.requests).toHaveLength(5);
    });

    test("a server that is not there", async () => {
      await server.close();
      const error = await failure(ask());
      expect(error).toBeInstanceOf(RemoteError);
      expect(error.message).toMatch(/gave up after 2 tries/);
      server = await startOpenAI({ answer: intentFor });
    });
  });

  test("leaves a wait and a silent server at once when the run is stopped", async () => {
    server.script(errors.tooFast("3000"));
    setTimeout(() => stop.abort(), 50);
    expect((await failure(ask())).name).toBe("AbortError");
    expect(server.requests).toHaveLength(1);
    stop = new AbortController();
    server.script({ kind: "stall", afterBytes: 10 });
    setTimeout(() => stop.abort(), 50);
    expect((await failure(ask())).name).toBe("AbortError");
    expect(server.requests).toHaveLength(2);
  });

  test("repeats the key in no error, whatever the server says", async () => {
    for (const behaviour of [errors.wrongKey(KEY), errors.broken(500), { kind: "cut", afterBytes: null } as const]) {
      server.script(behaviour, behaviour);
      const { message } = await failure(ask());
      expect(message).not.toContain(KEY);
    }
  });
});

type Outcome = { code: number; output: string };

/** Settings of a run over the demo's conversations, intents by the loopback server. */
function demo(name: string, intents: Given = {}, more: Given = {}): Given {
  return {
    source: "wildchat-1m",
    input: [join(DEMO, "conversations-*.parquet")],
    output: join(folder, name),
    dedup: { minCount: 10 },
    intents: { provider: "openai", baseUrl: server.url, tries: 2, timeoutSeconds: 10, ...intents },
    ...more,
    prepare: { maxBadRows: 0.05, ...(more["prepare"] as object | undefined) },
  };
}

/** Runs in this process, without waits between tries. */
function library(given: Given, env: NodeJS.ProcessEnv = { OPENAI_API_KEY: KEY }) {
  withoutBackOff();
  return run(given, { threads: 1, world: { env } });
}

/** The rows of the files of a run whose path matches, in the order of their names. */
async function rowsOf<T extends z.ZodObject>(name: string, pattern: RegExp, schema: T): Promise<z.infer<T>[]> {
  const paths = readdirSync(join(folder, name), { recursive: true, encoding: "utf8" }).filter((path) =>
    pattern.test(path),
  );
  const rows: z.infer<T>[] = [];
  for await (const row of readParquet(
    paths.sort().map((path) => join(folder, name, path)),
    schema,
  ))
    rows.push(row);
  return rows;
}

/** sha256 of the intents, the rejections and the dataset's rows of a run, by path. */
function digests(name: string): Record<string, string> {
  const paths = readdirSync(join(folder, name), { recursive: true, encoding: "utf8" });
  const wanted = paths.filter((path) => /^(0[4-7]-|dataset).*\.parquet$/.test(path)).sort();
  expect(wanted.length).toBeGreaterThan(5);
  const hash = (path: string) =>
    createHash("sha256")
      .update(readFileSync(join(folder, name, path)))
      .digest("hex");
  return Object.fromEntries(wanted.map((path) => [path, hash(path)]));
}

function journalLines(name: string): number {
  try {
    const path = join(folder, name, "05-intents", "journal", "00000.jsonl");
    return readFileSync(path, "utf8").split("\n").length - 1;
  } catch {
    return 0;
  }
}

/** No prompt that was answered has been asked again. */
function expectPaidOnce(): void {
  const answered = server.requests.filter((request) => request.answered).map((request) => request.prompt);
  expect(new Set(answered).size).toBe(answered.length);
  for (const [at, { prompt, answered: done }] of server.requests.entries())
    if (done) expect(server.requests.slice(at + 1).map((each) => each.prompt)).not.toContain(prompt);
}

function expectNowhere(secret: string, name: string): void {
  const files = readdirSync(join(folder, name), { recursive: true, withFileTypes: true }).filter((each) =>
    each.isFile(),
  );
  expect(files.length).toBeGreaterThan(10);
  for (const file of files)
    expect(readFileSync(join(file.parentPath, file.name)).includes(secret), file.name).toBe(false);
}

describe("a run over the demo's conversations", () => {
  test("asks about every conversation that dedup left, once, with all of its turns", async () => {
    const manifests = await library(demo("run"));
    const intentsManifest = manifests.find((each) => each.stage === "intents");
    expect(intentsManifest).toMatchObject({ in: 86, kept: 86, rejected: {} });
    const conversations = await rowsOf("run", /02-prepare.conversations-/, Conversation);
    const dropped = new Set((await rowsOf("run", /03-dedup.rejections-/, Rejection)).map((each) => each.id));
    const asked = conversations.filter((each) => !dropped.has(each.id));
    const prompts = asked.map(({ turns }) =>
      DEFAULT_PROMPT.replace("[CONVERSATION]", () => turns.map((turn) => `<${turn.role}>: ${turn.content}`).join("\n")),
    );
    expect(server.requests.map((request) => request.prompt).sort()).toEqual(prompts.sort());
    const intents = await rowsOf("run", /05-intents.intents-/, Intent);
    expect(intents.map((each) => each.conversation_id)).toEqual(asked.map((each) => each.id));
    const tokens = intents.reduce((sum, each) => sum + (each.input_tokens ?? 0), 0);
    expect(intentsManifest?.counts["input_tokens"]).toBe(tokens);
    expect(tokens).toBeGreaterThan(86 * 400);
    expectNowhere(KEY, "run");
    for (const request of server.requests) expect(request.authorization).toBe(`Bearer ${KEY}`);

    server.requests.length = 0;
    await library(demo("run"));
    expect(server.requests).toEqual([]);
  });

  test("sends requests that are equal once, though conversations keep ids of their own", async () => {
    const manifests = await library(demo("run", {}, { prepare: { repeats: "keep" } }));
    expect(manifests.find((each) => each.stage === "intents")).toMatchObject({ in: 89, kept: 89 });
    expect(server.requests).toHaveLength(86);
    expectPaidOnce();
  });

  test("gives the same bytes eight at a time, answered in any order, as one at a time", async () => {
    await server.close();
    const delays = Array.from(
      { length: 101 },
      (_, at) => Number.parseInt(createHash("md5").update(`${at}`).digest("hex").slice(0, 4), 16) % 25,
    );
    let next = 0;
    server = await startOpenAI({ answer: intentFor, delayMs: () => delays[next++ % delays.length] ?? 0 });
    await library(demo("eight", { concurrency: 8 }));
    expect(server.mostAtOnce()).toBe(8);
    await server.close();
    server = await startOpenAI({ answer: intentFor });
    await library(demo("one", { concurrency: 1 }));
    expect(server.mostAtOnce()).toBe(1);
    expect(digests("eight")).toEqual(digests("one"));
    const intents = await rowsOf("eight", /05-intents.intents-/, Intent);
    expect(intents.map((each) => each.intent)).not.toContain(null);
    expect(intents.map((each) => each.conversation_id)).toEqual(intents.map((each) => each.conversation_id).sort());
  });

  test("rejects each conversation without an intent under its reason, and keeps count", async () => {
    const odd: Behaviour[] = [
      { kind: "refusal", text: "No." },
      errors.tooLong,
      errors.contentFilter,
      { kind: "answer", text: " " },
      { kind: "answer", text: "The user wants it." },
      { kind: "answer", text: `“${INTENT_PREFIX} learn.”` },
    ];
    server.script(...odd);
    const manifests = await library(demo("run", { concurrency: 1 }));
    const rejected = { empty: 1, refused: 2, too_long: 1, wrong_prefix: 1 };
    expect(manifests.find((each) => each.stage === "intents")).toMatchObject({ in: 86, kept: 81, rejected });
    const rejections = await rowsOf("run", /05-intents.rejections-/, Rejection);
    expect(rejections.map((each) => each.reason)).toEqual(["refused", "too_long", "refused", "empty", "wrong_prefix"]);
    const samples = manifests.find((each) => each.stage === "flip");
    expect(samples?.in).toBe((samples?.kept ?? 0) + Object.values(samples?.rejected ?? {}).reduce((a, b) => a + b, 0));
  });

  test("asks nothing again when stages before it, the shards or the speed change; all again for another model", async () => {
    await library(demo("run"));
    expect(server.requests).toHaveLength(86);
    await library(demo("run", { concurrency: 3, tries: 5, timeoutSeconds: 60 }));
    await library(demo("run", {}, { shards: 3 }));
    await library(demo("run", {}, { dedup: { minCount: 10, coverage: 0.4 }, seed: "9" }));
    expect(server.requests).toHaveLength(86);
    await library(demo("run", { model: "other" }));
    expect(server.requests).toHaveLength(172);
  });

  test("with --intent-prompt sends that file as it is, the conversation in its place", async () => {
    const path = join(folder, "prompt.txt");
    const text = "\ufeffSay what <they> want \u2028 $1 $& 🙂\r\n\r\n[CONVERSATION]\t\r\nAnswer:  \n\n";
    writeFileSync(path, text);
    await library(demo("run", { intentPrompt: path }));
    const conversations = await rowsOf("run", /02-prepare.conversations-/, Conversation);
    const [before = "", after = ""] = text.split("[CONVERSATION]");
    const bodies = new Set(
      conversations.map(({ turns }) => turns.map((turn) => `<${turn.role}>: ${turn.content}`).join("\n")),
    );
    expect(server.requests).toHaveLength(86);
    for (const { prompt } of server.requests) {
      expect(prompt.startsWith(before) && prompt.endsWith(after)).toBe(true);
      expect(bodies).toContain(prompt.slice(before.length, prompt.length - after.length));
    }
    writeFileSync(path, `${text}\n`);
    await library(demo("run", { intentPrompt: path }));
    expect(server.requests).toHaveLength(172);
  });

  describe("is refused before any work when", () => {
    const run = (intents: Given, env: NodeJS.ProcessEnv) =>
      failure(library(demo("run", { tries: 1, ...intents }), { OPENAI_API_KEY: KEY, ...env }));

    /** A wrong use that says `hint`, leaves no file, asks nobody and repeats no secret. */
    function expectRefused(error: Error, hint: string): void {
      expect(error.message).not.toMatch(/5ecret/);
      expect(exitCode(error), error.message).toBe(2);
      expect(error.message).toContain(hint);
      expect(existsSync(join(folder, "run"))).toBe(false);
      expect(server.requests).toEqual([]);
    }

    test.for([
      ["no place", "Say what they want."],
      ["two places", "[CONVERSATION] and [CONVERSATION]"],
    ])("the --intent-prompt has %s for the conversation", async ([, text]) => {
      const path = join(folder, "prompt.txt");
      writeFileSync(path, text ?? "");
      const error = await run({ intentPrompt: path }, {});
      expectRefused(error, "[CONVERSATION]");
      expect(error.message).toContain(path);
    });

    test("there is neither a key nor a server that needs none", async () => {
      const error = await run({ baseUrl: null }, { OPENAI_API_KEY: "" });
      expectRefused(error, "OPENAI_API_KEY");
      expect(error.message).toContain("--base-url");
    });

    test.for([`${KEY}\nand more`, `${KEY}\u201c`])("the key is one that no header can hold: %j", async (key) => {
      expectRefused(await run({}, { OPENAI_API_KEY: key }), "OPENAI_API_KEY");
    });

    test.for(["http://me:5ecret@127.0.0.1:9/v1", "localhost:9/v1"])("the server's address is %s", async (baseUrl) => {
      expectRefused(await run({ baseUrl }, {}), "http");
    });
  });

  test("stopped by a quota used up goes on from there", async () => {
    server.script(...Array.from({ length: 40 }, () => null), ...Array.from({ length: 20 }, () => errors.noQuota));
    const error = await failure(library(demo("run", { concurrency: 4 })));
    expect(exitCode(error)).toBe(3);
    expect(journalLines("run")).toBe(40);
    const [refused, more] = [server.requests.length - 40, 86 - 40];
    expect(refused).toBeLessThanOrEqual(4);
    await server.close();
    const before = server.requests;
    server = await startOpenAI({ answer: intentFor });
    await library(demo("run", { concurrency: 4, baseUrl: server.url }));
    expect(server.requests).toHaveLength(more);
    const paid = new Set(before.filter((request) => request.answered).map((request) => request.prompt));
    for (const { prompt } of server.requests) expect(paid.has(prompt)).toBe(false);
  });
});

describe("the command line", () => {
  const env = { ...process.env, OPENAI_API_KEY: KEY, FLIPTURN_DEBUG: "1" };

  function command(name: string, ...more: string[]): string[] {
    const input = join(DEMO, "conversations-*.parquet");
    const where = ["--source", "wildchat-1m", "--input", input, "--output", join(folder, name), "--intents", "openai"];
    const how = ["--base-url", server.url, "--max-bad-rows", "0.05", "--min-count", "10", "--concurrency", "4"];
    return [join(ROOT, "dist", "scripts", "flipturn.js"), "run", ...where, ...how, "--threads", "1", ...more];
  }

  function start(name: string, ...more: string[]) {
    const child = spawn(process.execPath, command(name, ...more), { env, cwd: folder });
    const texts: Buffer[] = [];
    child.stdout.on("data", (text) => texts.push(text));
    child.stderr.on("data", (text) => texts.push(text));
    const outcome = new Promise<Outcome>((resolve) => {
      child.on("close", (code) => resolve({ code: code ?? -1, output: Buffer.concat(texts).toString() }));
    });
    return { child, outcome };
  }

  let undisturbed: Record<string, string>;
  let reference: string;

  beforeAll(async () => {
    reference = mkdtempSync(join(tmpdir(), "flipturn-intents-"));
    const reliable = await startOpenAI({ answer: intentFor });
    [folder, server] = [reference, reliable];
    await library(demo("reference"));
    undisturbed = digests("reference");
    await reliable.close();
  });
  afterAll(() => rmSync(reference, { recursive: true }));

  test("stopped by a server that begins to refuse the key exits with 2, and goes on where it was", async () => {
    server.script(...Array.from({ length: 30 }, () => null));
    server.always(errors.wrongKey("sk-…"));
    const stopped = await start("run").outcome;
    expect(stopped.code).toBe(2);
    expect(stopped.output).toContain("HTTP 401");
    expect(journalLines("run")).toBe(30);
    server.always(null);
    const resumed = await start("run").outcome;
    expect(resumed.code, resumed.output).toBe(0);
    expect(server.requests.filter((request) => request.answered)).toHaveLength(86);
    expectPaidOnce();
    expect(digests("run")).toEqual(undisturbed);
    expectNowhere(KEY, "run");
    expect(stopped.output + resumed.output).not.toContain(KEY);
  });

  test("killed in the middle asks for nothing again that was answered, and gives the same bytes", async () => {
    server.script(...Array.from({ length: 25 }, () => null));
    server.always({ kind: "stall", afterBytes: 10 });
    const { child, outcome } = start("run");
    await vi.waitFor(() => expect(journalLines("run")).toBe(25), { timeout: 30_000, interval: 20 });
    await vi.waitFor(() => expect(server.requests).toHaveLength(29), { timeout: 30_000, interval: 20 });
    child.kill("SIGKILL");
    await outcome;
    server.always(null);
    const resumed = await start("run").outcome;
    expect(resumed.code, resumed.output).toBe(0);
    expect(server.requests).toHaveLength(29 + 86 - 25);
    expectPaidOnce();
    expect(digests("run")).toEqual(undisturbed);
    expectNowhere(KEY, "run");
    expect(resumed.output).not.toContain(KEY);
  });

  test("with a torn last line in the journal asks again for that answer alone", async () => {
    expect((await start("run").outcome).code).toBe(0);
    const path = join(folder, "run", "05-intents", "journal", "00000.jsonl");
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.slice(0, -30));
    server.requests.length = 0;
    const again = await start("run", "--force", "--from", "intents").outcome;
    expect(again.code, again.output).toBe(0);
    expect(server.requests).toHaveLength(1);
    expect(digests("run")).toEqual(undisturbed);
  });

  test("exits with 2 at an --intent-prompt without its mark, and says which file and what is missing", async () => {
    const path = join(folder, "prompt.txt");
    writeFileSync(path, "Say what they want.");
    const { code, output } = await start("run", "--intent-prompt", path).outcome;
    expect(code).toBe(2);
    expect(output).toContain(`${path}: has [CONVERSATION] 0 times`);
    expect(server.requests).toEqual([]);
  });
});
