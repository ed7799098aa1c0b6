import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { z } from "zod";
import type { Given } from "../../pipeline/config.ts";
import { exitCode } from "../../pipeline/errors.ts";
import { readParquet } from "../../pipeline/files/parquet.ts";
import { Conversation } from "../../schemas/conversation.ts";
import { Intent } from "../../schemas/intent.ts";
import { Rejection } from "../../schemas/rejection.ts";
import { run } from "../../stages/index.ts";
import { DEFAULT_PROMPT, INTENT_PREFIX } from "../../stages/intents/prompt.ts";
import { type Behaviour, type ChatRequest, errors, type OpenAIServer, startOpenAI } from "../servers/openai.ts";

const KEY = "sk-Very5ecretKeyOfSomeone";
const ROOT = join(import.meta.dirname, "..", "..");
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

type Outcome = { code: number; output: string };

/** Settings of a run over the demo's conversations, intents by the loopback server. */
function demo(name: string, model: Given = {}, more: Given = {}): Given {
  return {
    source: "wildchat-1m",
    input: [join(DEMO, "conversations-*.parquet")],
    output: join(folder, name),
    dedup: { minCount: 10 },
    models: { intents: { baseUrl: server.url, tries: 2, timeoutSeconds: 60, ...model } },
    threads: { count: 1 },
    ...more,
    intents: { provider: "openai", ...(more["intents"] as object | undefined) },
    prepare: { maxBadRows: 0.05, ...(more["prepare"] as object | undefined) },
  };
}

/** Runs in this process, without waits between tries. */
function library(given: Given, env: NodeJS.ProcessEnv = { OPENAI_API_KEY: KEY }) {
  withoutBackOff();
  return run(given, { environment: { env } });
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
  const wanted = paths.filter((path) => /^(0[4-8]-|dataset).*\.parquet$/.test(path)).sort();
  expect(wanted.length).toBeGreaterThan(5);
  const hash = (path: string) =>
    createHash("sha256")
      .update(readFileSync(join(folder, name, path)))
      .digest("hex");
  return Object.fromEntries(wanted.map((path) => [path, hash(path)]));
}

/** Answers in the journal of a run. */
function journalLines(name: string): number {
  try {
    const path = join(folder, name, "05-intents", "journal", "answers.jsonl");
    return readFileSync(path, "utf8").split('"status":"answered"').length - 1;
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
    expect(server.mostAtOnce()).toBeGreaterThan(1);
    expect(server.mostAtOnce()).toBeLessThanOrEqual(8);
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
    const answer = (text: string): Behaviour => ({ kind: "answer", text });
    const odd: Behaviour[] = [
      { kind: "refusal", text: "No." },
      ...[errors.tooLong, errors.tooLong, errors.tooLong, errors.tooLong],
      errors.contentFilter,
      ...[answer(" "), answer(" ")],
      ...[answer("The user wants it."), answer("The user wants it still.")],
      answer(`“${INTENT_PREFIX} learn.”`),
    ];
    server.script(...odd);
    const manifests = await library(demo("run", { concurrency: 1 }));
    const rejected = { invalid: 2, refused: 2, too_long: 1 };
    expect(manifests.find((each) => each.stage === "intents")).toMatchObject({ in: 86, kept: 81, rejected });
    const rejections = await rowsOf("run", /05-intents.rejections-/, Rejection);
    expect(rejections.map((each) => each.reason)).toEqual(["refused", "too_long", "refused", "invalid", "invalid"]);
    const details = rejections.map((each) => JSON.parse(each.detail));
    expect(details[3]).toMatchObject({ fault: "empty" });
    expect(details[4]).toMatchObject({ fault: "wrong_prefix", answer: "The user wants it still." });
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
    await library(demo("run", {}, { intents: { intentPrompt: path } }));
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
    await library(demo("run", {}, { intents: { intentPrompt: path } }));
    expect(server.requests).toHaveLength(172);
  });

  describe("is refused before any work when", () => {
    const run = (model: Given, env: NodeJS.ProcessEnv, more: Given = {}) =>
      failure(library(demo("run", { tries: 1, ...model }, more), { OPENAI_API_KEY: KEY, ...env }));

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
      const error = await run({}, {}, { intents: { intentPrompt: path } });
      expectRefused(error, "[CONVERSATION]");
      expect(error.message).toContain(path);
    });

    test("there is neither a key nor a server that needs none", async () => {
      const error = await run({ baseUrl: null }, { OPENAI_API_KEY: "" });
      expectRefused(error, "OPENAI_API_KEY");
      expect(error.message).toContain("models.intents.baseUrl");
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
    await vi.waitFor(() => expect(journalLines("run")).toBe(25), { timeout: 120_000, interval: 20 });
    await vi.waitFor(() => expect(server.requests).toHaveLength(29), { timeout: 120_000, interval: 20 });
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
    const path = join(folder, "run", "05-intents", "journal", "answers.jsonl");
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
