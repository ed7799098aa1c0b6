import { describe, expect, test } from "vitest";
import { exitCode, LimitError, UsageError } from "../../../../pipeline/errors.ts";
import { Journal } from "../../../../pipeline/models/journal.ts";
import { ledger } from "../../../../pipeline/models/ledger.ts";
import type { ChatRequest } from "../../../../pipeline/models/request.ts";
import { requestKey } from "../../../../pipeline/models/request.ts";
import { Requester } from "../../../../pipeline/models/requester.ts";
import { type Attempt, readHttpAnswer } from "../../../../pipeline/models/server-answer.ts";
import { ServerOptions } from "../../../../pipeline/models/server-options.ts";
import { useFolder } from "../../../helpers/folder.ts";
import { seeded } from "../../../helpers/random.ts";

const server = { baseURL: "http://there/v1", apiKey: "sk-Very5ecret" };
const USAGE = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 };

function read(
  body: unknown,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return readHttpAnswer({ status, headers: new Headers(headers), body: text }, server);
}

/** A chat completion, with what is odd about it. */
function completion(message: unknown, choice: object = {}, more: object = {}): object {
  return { model: "m", choices: [{ index: 0, message, finish_reason: "stop", ...choice }], usage: USAGE, ...more };
}
const says = (content: unknown, choice: object = {}, more: object = {}) =>
  completion({ role: "assistant", content }, choice, more);

/** A final answer in short: its status and text. */
function answer(got: Attempt): [string, string | null] | string {
  if (got.kind === "answer") return [got.answer.status, got.answer.text];
  if (got.kind === "again") return `again: ${got.why}`;
  return got.kind === "odd" ? `odd: ${got.said}` : got.kind;
}

describe("an answer is read whatever its shape:", () => {
  test.each<[string, unknown]>([
    ["as OpenAI has it", says("hello")],
    ["with a mark and blank lines before it", `\ufeff\n\n  \n${JSON.stringify(says("hello"))}`],
    ["wrapped in a list", [says("hello")]],
    [
      "as parts",
      says([
        { type: "text", text: "hel" },
        { type: "text", text: "lo" },
      ]),
    ],
    [
      "as parts with thoughts",
      says([
        { type: "thinking", thinking: [{ type: "text", text: "hm" }] },
        { type: "text", text: "hello" },
      ]),
    ],
    ["as parts of strings", says(["hel", "lo"])],
    ["as parts with a value", says([{ type: "output_text", text: { value: "hello" } }])],
    ["that ended with a word of Anthropic's", says("hello", { finish_reason: "end_turn" })],
    ["that ended with a word of Gemini's", says("hello", { finish_reason: "STOP" })],
    ["that ended with a word of TGI's", says("hello", { finish_reason: "eos_token" })],
    ["beside an error that is none", says("hello", {}, { error: { message: "", code: 0, type: null } })],
    ["beside an error without a word", says("hello", {}, { error: "" })],
  ])("%s", (_, body) => {
    expect(answer(read(body))).toEqual(["answered", "hello"]);
  });
});

describe("an answer that did not come to its own end is none:", () => {
  test.each<[string, unknown, unknown]>([
    ["cut at the limit", says("hel", { finish_reason: "length" }), ["cut_off", "hel"]],
    ["cut at the limit, in other words", says("hel", { finish_reason: "MAX_TOKENS" }), ["cut_off", "hel"]],
    ["cut before anything was said", { choices: [{ finish_reason: "length" }], usage: USAGE }, ["cut_off", null]],
    ["stopped by a filter", says("hel", { finish_reason: "content_filter" }), ["refused", null]],
    ["stopped by a filter, without a message", { choices: [{ finish_reason: "SAFETY" }] }, ["refused", null]],
    ["refused in its own field", completion({ refusal: "no" }), ["refused", "no"]],
    ["a call of a tool that nobody gave", says("I will", { finish_reason: "tool_calls" }), ["answered", null]],
    ["stopped by an error", says("hel", { finish_reason: "error" }), "again: an answer that ended with `error`"],
    [
      "stopped by who knows what",
      says("hel", { finish_reason: "moonrise" }),
      "again: an answer that ended with `moonrise`",
    ],
    [
      "named like a property of objects",
      says("hel", { finish_reason: "constructor" }),
      "again: an answer that ended with `constructor`",
    ],
    ["without a reason", says("hel", { finish_reason: null }), "again: an answer that does not say how it ended"],
    ["with a number as its text", says(7), "again: an answer whose content is no text"],
    ["without a message", { choices: [{ finish_reason: "stop" }] }, "again: an answer without a message"],
    ["without choices", { id: "x" }, "again: an answer that is not a chat completion"],
    ["a word", '"hello"', "again: an answer that is not a chat completion"],
    ["null", "null", "again: an answer that is not a chat completion"],
    ["a web page", "<html>sign in</html>", "again: an answer that is not JSON"],
    [
      "a stream",
      'data: {"choices":[]}\n\ndata: [DONE]\n',
      "again: an answer that is a stream, which was not asked for",
    ],
    ["half", '{"choices":[{"message":{"content":"hel', "again: an answer that is not JSON"],
    ["nothing", "", "again: an answer that is empty"],
  ])("%s", (_, body, expected) => {
    expect(answer(read(body))).toEqual(expected);
  });
});

describe("tokens are whole numbers or not said:", () => {
  const tokensOf = (usage: unknown) => {
    const got = read(says("x", {}, { usage }));
    if (got.kind !== "answer") throw new Error(got.kind);
    const { input_tokens, cached_tokens, output_tokens } = got.answer;
    return [input_tokens, cached_tokens, output_tokens];
  };

  test.each<[string, unknown, unknown]>([
    ["as OpenAI counts", { ...USAGE, prompt_tokens_details: { cached_tokens: 40 } }, [100, 40, 20]],
    ["fractions are rounded up", { prompt_tokens: 99.2, completion_tokens: 20.5 }, [100, null, 21]],
    ["numbers as text", { prompt_tokens: "100", completion_tokens: " 20 " }, [100, null, 20]],
    ["none", undefined, [null, null, null]],
    ["null", null, [null, null, null]],
    ["words", { prompt_tokens: "many", completion_tokens: {} }, [null, null, null]],
    ["zeros of a server that does not count", { prompt_tokens: 0, completion_tokens: 0 }, [null, null, null]],
    ["no tokens for a text that is there", { prompt_tokens: 100, completion_tokens: 0 }, [null, null, null]],
    ["no prompt, which there always is", { prompt_tokens: 0, completion_tokens: 20 }, [null, null, 20]],
    ["all of a prompt from a cache", { input_tokens: 0, cache_read_input_tokens: 80, output_tokens: 20 }, [80, 80, 20]],
    [
      "numbers that no number holds",
      { prompt_tokens: Number.POSITIVE_INFINITY, completion_tokens: "1e999" },
      [null, null, null],
    ],
    ["below nothing", { prompt_tokens: -1, completion_tokens: -0.5 }, [null, null, null]],
    ["beyond all sense", { prompt_tokens: 1e300, completion_tokens: 2 ** 53 }, [null, null, null]],
    [
      "more from the cache than there are",
      { prompt_tokens: 10, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 99 } },
      [10, 10, 1],
    ],
    [
      "thoughts left out of the completion",
      { prompt_tokens: 100, completion_tokens: 20, total_tokens: 900 },
      [100, null, 800],
    ],
    ["in the words of another API", { input_tokens: 100, output_tokens: 20 }, [100, null, 20]],
    [
      "what was in a cache counted beside the rest",
      { input_tokens: 10, cache_read_input_tokens: 80, cache_creation_input_tokens: 5, output_tokens: 20 },
      [95, 80, 20],
    ],
    [
      "more thoughts than tokens",
      { prompt_tokens: 100, completion_tokens: 20, completion_tokens_details: { reasoning_tokens: 700 } },
      [100, null, 720],
    ],
  ])("%s", (_, usage, expected) => {
    expect(tokensOf(usage)).toEqual(expected);
  });

  test.each<[string, object, number | undefined]>([
    ["OpenAI's", { completion_tokens_details: { reasoning_tokens: 15 } }, 15],
    ["the Responses API's", { output_tokens_details: { reasoning_tokens: 15 } }, 15],
    ["beside the rest", { reasoning_tokens: "15" }, 15],
    ["another word for them", { completion_tokens_details: { thinking_tokens: 15 } }, 15],
    ["none", { completion_tokens_details: { reasoning_tokens: 0 } }, 0],
    ["not told", { completion_tokens_details: { reasoning_tokens: null } }, undefined],
    ["no number", { completion_tokens_details: { reasoning_tokens: -3 } }, undefined],
  ])("thoughts, by the name that is %s", (_, more, expected) => {
    const got = read(says("x", {}, { usage: { ...USAGE, ...more } }));
    expect(got.kind === "answer" && got.answer.thinking_tokens).toBe(expected);
  });

  test("a model that is no text is not said", () => {
    for (const model of [7, null, {}, ""]) {
      const got = read(says("x", {}, { model }));
      expect(got.kind === "answer" && got.answer.model).toBeNull();
    }
  });
});

describe("an error is what its words say, under whatever status and in whatever shape:", () => {
  const long = "prompt is too long: 212345 tokens > 200000 maximum";
  test.each<[string, unknown, number, unknown]>([
    ["too long, OpenAI", { error: { code: "context_length_exceeded", message: "…" } }, 400, ["too_long", null]],
    ["too long, Anthropic", { error: { type: "invalid_request_error", message: long } }, 400, ["too_long", null]],
    [
      "too long, Gemini",
      [
        {
          error: {
            code: 400,
            message: "The input token count (1200345) exceeds the maximum number of tokens allowed (1048576).",
          },
        },
      ],
      400,
      ["too_long", null],
    ],
    [
      "too long, TGI",
      { error: "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 9000", error_type: "validation" },
      422,
      ["too_long", null],
    ],
    [
      "too long, vLLM",
      { object: "error", message: "This model's maximum context length is 4096 tokens.", code: 400 },
      400,
      ["too_long", null],
    ],
    [
      "too long, llama.cpp",
      { error: { code: 400, type: "exceed_context_size_error", message: "the request exceeds" } },
      400,
      ["too_long", null],
    ],
    ["too long under status 200", { error: { code: 400, message: long } }, 200, ["too_long", null]],
    ["too large for a proxy", "<html><body>413 Request Entity Too Large</body></html>", 413, ["too_long", null]],
    [
      "larger than a limit by the minute, Groq",
      { error: { code: "rate_limit_exceeded", message: "Request too large for model: Limit 6000, Requested 9,100" } },
      413,
      ["too_long", null],
    ],
    [
      "larger than a limit by the minute, OpenAI",
      { error: { code: "rate_limit_exceeded", message: "Request too large (TPM): Limit 10000, Requested 12000." } },
      429,
      ["too_long", null],
    ],
    [
      "a limit that is used up",
      { error: { message: "Rate limit reached: Limit 30000, Used 29000, Requested 2000" } },
      429,
      "refused",
    ],
    [
      "a limit that is used up, as a request that is refused",
      { error: { message: "Limit 30000, Used 29000, Requested 2000" } },
      413,
      "refused",
    ],
    [
      "too many tokens for the moment",
      { message: "Too many tokens, please wait before trying again." },
      429,
      "refused",
    ],
    [
      "a quota by the minute, Gemini",
      [
        {
          error: {
            code: 429,
            status: "RESOURCE_EXHAUSTED",
            message: "You exceeded your current quota, please check your plan and billing details.",
          },
        },
      ],
      429,
      "refused",
    ],
    ["429 under status 200", { error: { code: 429, message: "slow down" } }, 200, "refused"],
    ["a filter, Azure", { error: { code: "content_filter", message: "triggered" } }, 400, ["refused", "triggered"]],
    [
      "a filter, Qwen",
      { error: { code: "data_inspection_failed", message: "Input data may contain…" } },
      400,
      ["refused", "Input data may contain…"],
    ],
    [
      "moderation, OpenRouter",
      { error: { code: 403, message: "Your input was flagged", metadata: { reasons: ["violence"] } } },
      403,
      ["refused", 'Your input was flagged: ["violence"]'],
    ],
    ["a server that failed", { error: { message: "oops" } }, 500, "again: HTTP 500"],
    ["a failure under status 200", { error: { message: "oops" } }, 200, "again: HTTP 500"],
    [
      "an upstream that failed under status 200",
      { error: { code: 502, message: "bad gateway" } },
      200,
      "again: HTTP 502",
    ],
    [
      "an error of the choice",
      { choices: [{ error: { code: 502, message: "upstream" }, message: { content: "hel" }, finish_reason: "stop" }] },
      200,
      "again: HTTP 502",
    ],
    [
      "something else",
      { error: { code: "invalid_prompt", message: "cannot be read" } },
      400,
      "odd: HTTP 400 cannot be read (invalid_prompt)",
    ],
    [
      "FastAPI's own",
      { detail: [{ loc: ["body", "messages"], msg: "field required" }] },
      422,
      'odd: HTTP 422 [{"loc":["body","messages"],"msg":"field required"}]',
    ],
    ["plain words", "model overloaded for this prompt", 400, "odd: HTTP 400 model overloaded for this prompt"],
    ["no words at all", "", 400, "odd: HTTP 400"],
  ])("%s", (_, body, status, expected) => {
    expect(answer(read(body, { status }))).toEqual(expected);
  });

  test.each<[string, unknown, number]>([
    ["402", { error: { message: "pay" } }, 402],
    ["402 under status 200", { error: { code: 402, message: "Insufficient credits. Add more to continue." } }, 200],
    ["a code", { error: { code: "insufficient_quota", message: "quota" } }, 429],
    [
      "Anthropic's words",
      { error: { type: "invalid_request_error", message: "Your credit balance is too low to access the API." } },
      400,
    ],
  ])("no money is left: %s", (_, body, status) => {
    const got = read(body, { status });
    expect(got.kind === "stop" && got.error).toBeInstanceOf(LimitError);
    expect(got.kind === "stop" && exitCode(got.error)).toBe(3);
  });

  test.each<[unknown, number]>([
    [{ error: { message: `bad key ${server.apiKey}` } }, 401],
    [{ error: "no such model" }, 404],
    [{ error: { code: "unsupported_parameter", message: "Unsupported parameter: 'max_completion_tokens'" } }, 400],
    ["", 307],
  ])("the settings are wrong: %j", (body, status) => {
    const got = read(body, { status });
    expect(got.kind === "stop" && got.error).toBeInstanceOf(UsageError);
    expect(got.kind === "stop" && got.error.message).not.toContain(server.apiKey);
  });

  test("its words are kept on one line, not more than five hundred letters of them", () => {
    const got = read({ error: { message: `${"word\n\u001b[31m ".repeat(500)}` } }, { status: 400 });
    expect(got.kind === "odd" && got.said).toMatch(/^HTTP 400 word \[31m word/);
    expect(got.kind === "odd" && got.said.length).toBeLessThan(530);
  });

  test("what was at work before it failed is billed, what said so itself is not", () => {
    const failed = read({ error: { message: "oops" } }, { status: 500 });
    expect(failed.kind === "again" && failed.billed).toBe("nothing");
    const after = read({ choices: [{ error: { code: 502, message: "upstream" } }], usage: USAGE });
    expect(after.kind === "again" && after.billed).toMatchObject({ input_tokens: 100, output_tokens: 20 });
    const odd = read(says("hel", { finish_reason: "moonrise" }, { usage: undefined }));
    expect(odd.kind === "again" && odd.billed).toBe("unknown");
  });
});

describe("a server says, in words:", () => {
  test("that it redirects, where to and what to do", () => {
    const got = read("", { status: 308, headers: { location: `https://there/v2?key=${server.apiKey}` } });
    const words = "http://there/v1: HTTP 308 to https://there/v2?key=(key), which is not followed: give the address";
    expect(got.kind === "stop" && got.error.message).toContain(words);
  });

  test("that it failed, nested beyond what can be read", () => {
    const deep = `{"error":{"message":${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}}}`;
    expect(answer(read(deep, { status: 400 }))).toBe("odd: HTTP 400 words nested too deep to be read");
  });
});

describe("Retry-After", () => {
  const away = (ms: number) => new Date(Date.now() + ms).toUTCString();

  test.each<[string, string, number | null]>([
    ["in seconds", "2", 2000],
    ["with a unit", "2s", 2000],
    ["in years", away(1e12), 60_000],
    ["of more seconds than a number holds", "9".repeat(400), 60_000],
    ["that is over, by a clock that is not ours", away(-1e9), null],
    ["of two that were joined", "2, 7", null],
    ["of no time at all", "soon", null],
    ["below nothing", "-5", null],
  ])("%s", (_, header, wait) => {
    expect(read("", { status: 429, headers: { "retry-after": header } })).toMatchObject({ waitMs: wait });
  });
});

const PRICE = { input: 10, output: 30, batch: 0.5 };
const at = useFolder();

/** A body drawn from a grammar of odd shapes: what an accepted text of it may be, and what it costs. */
interface Odd {
  readonly status: number;
  readonly body: string;
  /** Null = nothing of it may be taken for an answer. */
  readonly whole: string | null;
  readonly cost: "usage" | "worst" | "nothing";
}

function drawOdd(random: () => number, number: number): Odd {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const [ending, isWhole] = pick<[unknown, boolean]>([
    ["stop", true],
    ["STOP", true],
    ["end_turn", true],
    ["eos", true],
    ["length", false],
    ["max_tokens", false],
    [null, false],
    [undefined, false],
    ["error", false],
    ["abort", false],
    ["what", false],
    [7, false],
    [{}, false],
  ]);
  const text = `${isWhole ? "WHOLE" : "HALF"} ${number} ${pick(["", "é", "\u2028", "\ud800", "\u0000", "\n\n", '"'])}`;
  const [content, isText] = pick<[unknown, boolean]>([
    [text, true],
    [[{ type: "text", text }], true],
    [[text], true],
    [{ text }, false],
    [7, false],
    [true, false],
  ]);
  const [usage, isCounted] = pick<[unknown, boolean]>([
    [{ prompt_tokens: 100, completion_tokens: 20 }, true],
    [{ prompt_tokens: "100", completion_tokens: 19.5 }, true],
    [{ prompt_tokens: 100, completion_tokens: 20, total_tokens: 120, x: [null] }, true],
    [undefined, false],
    [null, false],
    [[], false],
    ["x", false],
    [{ prompt_tokens: -5 }, false],
    [{ completion_tokens: 1e99 }, false],
  ]);
  const body = {
    model: pick<unknown>(["m", 7, null, {}, undefined]),
    choices: [{ message: { content }, finish_reason: ending }],
    usage,
  };
  const json = JSON.stringify(body);
  const cost = isCounted ? "usage" : "worst";
  const error = pick<unknown>([
    { error: { message: "oops", code: 500 } },
    [{ error: { message: "oops" } }],
    { error: "oops", object: "error" },
  ]);
  switch (Math.floor(random() * 10)) {
    case 0:
      return { status: pick([500, 503, 408]), body: JSON.stringify(error), whole: null, cost: "nothing" };
    case 1:
      return { status: 200, body: JSON.stringify(error), whole: null, cost: "nothing" };
    case 2:
      return { status: 200, body: json.slice(0, Math.floor(random() * (json.length - 1))), whole: null, cost: "worst" };
    case 3:
      return {
        status: 200,
        body: pick(["<html>", "null", "[]", "[[]]", "7", "data: x", "{}", '{"choices":[null]}', '{"choices":{}}']),
        whole: null,
        cost: "worst",
      };
    case 4:
      return { status: 200, body: `\ufeff \n[${json}]`, whole: isWhole && isText ? text : null, cost };
    default:
      return { status: 200, body: json, whole: isWhole && isText ? text : null, cost };
  }
}

test("of two thousand bodies of odd shapes none stops the run, makes the journal unreadable, passes for more than it is, or is counted wrongly", async () => {
  const random = seeded(13);
  let odd: Odd = drawOdd(random, 0);
  const fetch = async () => {
    return new Response(odd.body, { status: odd.status });
  };
  const clock = { now: () => performance.now(), sleep: async () => {} };
  const environment = { env: { OPENAI_API_KEY: "sk-x" }, fetch, clock };
  const options = ServerOptions.parse({ model: "m", tries: 1, maxFailures: 1e6 });
  const journal = await Journal.open(at("journal"));
  const requester = new Requester({
    options,
    price: PRICE,
    journal,
    environment,
    signal: new AbortController().signal,
  });
  const request: ChatRequest = { model: "m", messages: [{ role: "user", content: "hi" }], max_completion_tokens: 50 };
  const worst = ((2 + 16) * PRICE.input + 50 * PRICE.output) / 1e6;
  const counted = (100 * PRICE.input + 20 * PRICE.output) / 1e6;
  let spent = 0;
  const accepted: string[] = [];
  for (let number = 0; number < 2000; number++) {
    odd = drawOdd(random, number);
    spent += odd.cost === "nothing" ? 0 : odd.cost === "usage" ? counted : worst;
    const own = { ...request, messages: [{ role: "user" as const, content: "hi" }], seed: number };
    const got = await requester.answer(own, requestKey(own, "v"));
    if (got?.status === "answered") {
      expect([odd, got.text]).toEqual([odd, odd.whole]);
      accepted.push(got.text ?? "");
    } else expect([odd.body, odd.whole]).toEqual([odd.body, null]);
    expect([number, requester.state.spent]).toEqual([number, expect.closeTo(spent, 9)]);
  }
  await requester.close();
  journal.close();
  expect(accepted.length).toBeGreaterThan(100);
  expect(accepted.some((text) => text.includes("HALF"))).toBe(false);
  const read = Journal.read(at("journal"));
  expect([...(read?.entries() ?? [])]).toHaveLength(4000);
  expect(read?.spent).toBeCloseTo(spent, 9);
  expect(read && ledger(read).reduce((sum, { usd }) => sum + (usd ?? 0), 0)).toBeCloseTo(spent, 9);
  read?.close();
});
