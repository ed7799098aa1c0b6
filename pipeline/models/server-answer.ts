/**
 * What a server sent back -> what it means: an answer, a refusal of this conversation, a wish to wait, a failure that may
 * pass, or a reason to stop. Servers that speak "OpenAI's API" differ in all but the request, so nothing is trusted by its
 * shape, its status or its content type: the body is read as far as it can be, and whatever cannot be read is a failure.
 */

import { LimitError, UsageError } from "../errors.ts";
import { textOfParts } from "../text/parts.ts";
import { durationMs, LONGEST_WAIT_MS } from "./adaptive-concurrency.ts";
import type { Answer } from "./journal.ts";
import type { Usage } from "./prices.ts";

/** An HTTP answer as it came, its body as text. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers | null;
  readonly body: string;
}

/** A server, for messages; what it repeats of the key is taken out. */
export interface ServerName {
  readonly baseURL: string;
  readonly apiKey: string | null;
}

/** What a failure has cost: nothing, since the server said itself that it failed; what it counted; or nobody knows. */
export type Billed = "nothing" | "unknown" | Usage;

/** What came of sending a request once. */
export type Attempt =
  /** There is a final answer. */
  | { readonly kind: "answer"; readonly answer: ServerAnswer; readonly headers: Headers | null }
  /** Refused (400, 413, 422) for what this conversation is, or for what every request is: only another conversation can tell. */
  | { readonly kind: "odd"; readonly said: string }
  /** The server wants fewer requests (429). */
  | { readonly kind: "refused"; readonly waitMs: number | null; readonly headers: Headers | null }
  /** Nothing listens at the address. */
  | { readonly kind: "down"; readonly why: string }
  /** Worth another try. */
  | { readonly kind: "again"; readonly why: string; readonly waitMs: number | null; readonly billed: Billed }
  /** The run must stop. */
  | { readonly kind: "stop"; readonly error: Error };

/** A final answer as the server gave it. */
export type ServerAnswer = Pick<
  Answer,
  "status" | "text" | "model" | "input_tokens" | "cached_tokens" | "output_tokens" | "thinking_tokens"
>;

type Json = Record<string, unknown>;

/** Words of a server that a message repeats, at most. */
const MOST_SAID = 500;

/** Reads an answer, whatever it is. Never throws. */
export function readHttpAnswer({ status, headers, body }: HttpAnswer, server: ServerName): Attempt {
  const isFine = status >= 200 && status < 300;
  const value = parse(body);
  if (value === undefined) {
    if (isFine) return again(unreadable(body), "unknown");
    return readError({ status, code: null, words: said(bare(body), server) }, headers, server);
  }
  return readBody(value, { status, headers }, server);
}

/** What a body is instead of JSON. */
function unreadable(body: string): string {
  if (body.trim() === "") return "an answer that is empty";
  const isStream = /^\s*(?:data|event):/.test(body);
  return isStream ? "an answer that is a stream, which was not asked for" : "an answer that is not JSON";
}

/** The same for a body that is JSON already, as in the results of a batch. */
export function readBody(value: unknown, { status, headers }: Omit<HttpAnswer, "body">, server: ServerName): Attempt {
  const body = objectIn(value);
  const choice = body && objectIn((body["choices"] as unknown[] | undefined)?.[0]);
  const isFine = status >= 200 && status < 300;
  const found = errorIn(body, isFine) ?? (choice ? errorIn(choice, true) : null);
  if (!isFine || found !== null) {
    const error = found ?? { code: null, words: "", status: null };
    const real = isFine ? (error.status ?? 500) : status;
    const meaning = readError({ ...error, status: real, words: said(error.words, server) }, headers, server);
    // An error that comes with tokens was at work before it failed.
    const usage = body ? usageIn(body) : NO_USAGE;
    return meaning.kind === "again" && usage.output_tokens ? { ...meaning, billed: usage } : meaning;
  }
  if (!body || !choice) return again("an answer that is not a chat completion", billedIn(body));
  return readChoice(body, choice, headers);
}

/** What became of the text, by the reason that the server gives for its end. */
type Ending = "whole" | "cut" | "filtered" | "tools";

/**
 * Reasons for the end of an answer, as servers call them: OpenAI's own, and those of vLLM, TGI, llama.cpp, Ollama, SGLang,
 * Anthropic, Bedrock, Gemini, Mistral, Cohere, DeepSeek, Qwen and GLM behind their OpenAI-like addresses or proxies.
 */
const ENDINGS: Readonly<Record<string, Ending>> = {
  ...fill(
    "whole",
    "stop",
    "end_turn",
    "eos",
    "eos_token",
    "stop_sequence",
    "stop_token",
    "complete",
    "completed",
    "end",
  ),
  ...fill("cut", "length", "max_tokens", "max_output_tokens", "max_new_tokens", "model_length", "token_limit"),
  ...fill("cut", "max_length", "context_length", "model_context_window_exceeded", "incomplete"),
  ...fill("filtered", "content_filter", "content_filtered", "refusal", "safety", "blocklist", "prohibited_content"),
  ...fill("filtered", "spii", "recitation", "guardrail_intervened", "sensitive", "error_toxic", "image_safety"),
  ...fill("tools", "tool_calls", "tool_call", "tool_use", "function_call", "malformed_function_call", "pause_turn"),
};

function fill(ending: Ending, ...reasons: string[]): Record<string, Ending> {
  return Object.fromEntries(reasons.map((reason) => [reason, ending]));
}

function readChoice(body: Json, choice: Json, headers: Headers | null): Attempt {
  const message = objectIn(choice["message"]);
  const usage = usageIn(body);
  const reason = wordIn(choice["finish_reason"]) ?? wordIn(choice["stop_reason"]);
  const ending = reason === null ? null : Object.hasOwn(ENDINGS, reason) ? ENDINGS[reason] : undefined;
  const refusal = textOfParts(message?.["refusal"]) ?? null;
  const model = wordOf(body["model"]);
  const answer = (status: Answer["status"], text: string | null): Attempt => {
    // No tokens for a text that is there are none that were counted.
    const isUncounted = usage.output_tokens === 0 && Boolean(text);
    return { kind: "answer", answer: { status, text, model, ...usage, ...(isUncounted && NO_USAGE) }, headers };
  };
  if (refusal || ending === "filtered") return answer("refused", refusal || null);
  if (!message && ending !== "cut") return again("an answer without a message", billedIn(body));
  const text = textOfParts(message?.["content"]);
  if (text === undefined) return again("an answer whose content is no text", billedIn(body));
  switch (ending) {
    case "whole":
      return answer("answered", text);
    case "cut":
      return answer("cut_off", text);
    case "tools":
      // None were given: what was meant to be said is not there.
      return answer("answered", null);
    default:
      return again(
        reason === null
          ? "an answer that does not say how it ended"
          : `an answer that ended with \`${reason.slice(0, 40)}\``,
        billedIn(body),
      );
  }
}

const NO_USAGE: Usage = { input_tokens: null, cached_tokens: null, output_tokens: null };

/** The tokens that a server counted, in whole numbers; null = it does not say, or what it says is no number of tokens. */
function usageIn(body: Json): Usage {
  const usage = objectIn(body["usage"]) ?? {};
  // Anthropic's own count leaves out what was read from its cache or written there.
  const [read, written] = [tokens(usage["cache_read_input_tokens"]), tokens(usage["cache_creation_input_tokens"])];
  const fresh = tokens(usage["input_tokens"]);
  // There is always a prompt: whoever says 0 does not count.
  const input = tokens(usage["prompt_tokens"]) || (fresh === null ? 0 : fresh + (read ?? 0) + (written ?? 0)) || null;
  const told = tokens(usage["completion_tokens"]) ?? tokens(usage["output_tokens"]);
  const total = tokens(usage["total_tokens"]);
  // Some leave the tokens of thoughts out of the completion, and bill them.
  const rest = total !== null && input !== null && total > input ? total - input : null;
  const cached = tokens(objectIn(usage["prompt_tokens_details"])?.["cached_tokens"]) ?? read;
  const thinking = thinkingIn(usage);
  const output = told === null ? rest : Math.max(told, rest ?? 0);
  // Whoever counts more thoughts than tokens has left them out of these.
  const all = output !== null && thinking !== null && thinking > output ? output + thinking : output;
  return {
    input_tokens: input,
    cached_tokens: cached === null || input === null ? null : Math.min(cached, input),
    output_tokens: all,
    ...(thinking !== null && all !== null && { thinking_tokens: thinking }),
  };
}

/** The tokens that a model only thought, by the names of OpenAI, its Responses API, OpenRouter, xAI, Gemini and others. */
function thinkingIn(usage: Json): number | null {
  const places = [
    ...["completion_tokens_details", "output_tokens_details", "output_token_details"].map((name) =>
      objectIn(usage[name]),
    ),
    usage,
  ];
  const names = ["reasoning_tokens", "thinking_tokens", "reasoning", "thoughts_token_count"];
  const found = places.flatMap((place) => names.map((name) => tokens(place?.[name])));
  return found.find((each) => each !== null) ?? null;
}

/** More than this is no number of tokens of one answer. */
const MOST_TOKENS = 1e9;

function tokens(value: unknown): number | null {
  const isNumber = typeof value === "number" || (typeof value === "string" && /^\s*\d+(\.\d+)?\s*$/.test(value));
  const number = isNumber ? Number(value) : Number.NaN;
  return number >= 0 && number <= MOST_TOKENS ? Math.ceil(number) : null;
}

function billedIn(body: Json | null): Billed {
  const usage = body ? usageIn(body) : NO_USAGE;
  return usage.input_tokens === null || usage.output_tokens === null ? "unknown" : usage;
}

/** An error as a server tells it. */
interface ServerError {
  readonly status: number;
  readonly code: string | null;
  readonly words: string;
}

/** The error that an object holds, wherever it holds it; null = none. `isFine`: it came under a status that promises an answer. */
function errorIn(body: Json | null, isFine: boolean): (Omit<ServerError, "status"> & { status: number | null }) | null {
  if (body === null) return null;
  const { error, errors, detail, message } = body;
  const given =
    error ?? (Array.isArray(errors) ? errors[0] : undefined) ?? (body["object"] === "error" ? body : undefined);
  if (isNothing(given)) {
    if (isFine) return null;
    const words = [wordsIn(message), wordsIn(detail)].filter(Boolean).join(": ");
    return { code: wordOf(body["code"]) ?? wordOf(body["type"]), words, status: null };
  }
  const inner: Json = typeof given === "string" ? { message: given } : (objectIn(given) ?? {});
  const codes = [inner["code"], inner["status"], inner["type"], body["error_type"], body["code"]];
  const numbers = [inner["code"], inner["status"], inner["http_status"], body["status"], body["code"]];
  const words = [
    wordsIn(inner["message"] ?? inner["detail"] ?? inner["msg"] ?? inner),
    wordsIn(objectIn(inner["metadata"])?.["reasons"]),
  ];
  return {
    code: codes.map(wordOf).find((each) => each !== null && !/^\d+$/.test(each)) ?? null,
    words: words.filter(Boolean).join(": "),
    status: numbers.map(Number).find((each) => Number.isInteger(each) && each >= 400 && each < 600) ?? null,
  };
}

/** True for what some servers put where an error would stand: nothing, or an error without a word in it. */
function isNothing(given: unknown): boolean {
  if (!given) return true;
  const values = typeof given === "object" ? Object.values(given) : [given];
  return values.every((value) => value === null || value === "" || value === 0 || value === false);
}

/** What an error means. */
function readError({ status, code, words }: ServerError, headers: Headers | null, server: ServerName): Attempt {
  const { baseURL } = server;
  const final = (kind: Answer["status"], text: string | null = null): Attempt => {
    return { kind: "answer", answer: { status: kind, text, model: null, ...NO_USAGE }, headers };
  };
  const isAboutRequest = status === 400 || status === 413 || status === 422;
  const isMoneyGone =
    status === 402 ||
    (code !== null && NO_MONEY.test(code)) ||
    ((isAboutRequest || status === 403) && BROKE.test(words));
  if (isMoneyGone) {
    const why = `${baseURL}: the account's quota is used up (HTTP ${status}${words && `: ${words}`}); what is done is kept, run the same command again to go on`;
    return { kind: "stop", error: new LimitError(why) };
  }
  if (code === "context_length_exceeded" || code === "exceed_context_size_error") return final("too_long");
  const room = roomIn(words);
  if (room !== null && (status === 429 || isAboutRequest)) {
    // A limit by the minute that the request alone exceeds never has room for it.
    return room.requested > room.limit ? final("too_long") : { kind: "refused", waitMs: waitMs(headers), headers };
  }
  if (status === 429) return { kind: "refused", waitMs: waitMs(headers), headers };
  if ((isAboutRequest || status === 500) && TOO_LONG.test(words)) return final("too_long");
  if (status === 413) return final("too_long");
  if ((code !== null && FILTERED.test(code)) || ((isAboutRequest || status === 403) && UNWANTED.test(words)))
    return final("refused", words || null);
  if (isAboutRequest && RATE.test(words)) return { kind: "refused", waitMs: waitMs(headers), headers };
  if (status === 408 || status === 409 || status === 425 || status >= 500)
    return { kind: "again", why: `HTTP ${status}`, waitMs: waitMs(headers), billed: "nothing" };
  const text = `HTTP ${status}${words && ` ${words}`}${code && !words.includes(code) ? ` (${code})` : ""}`;
  if (status >= 300 && status < 400) {
    const place = said(headers?.get("location") ?? "", server);
    const hint = place && ` to ${place}, which is not followed: give the address it leads to as baseUrl`;
    return { kind: "stop", error: new UsageError(`${baseURL}: ${text}${hint}`) };
  }
  if (isAboutRequest && !SETTINGS.test(code ?? "")) return { kind: "odd", said: text };
  return { kind: "stop", error: new UsageError(`${baseURL}: ${text}`) };
}

/** Codes of an account that cannot pay. Gemini calls a limit by the minute a quota too, so words alone say nothing under 429. */
const NO_MONEY =
  /^(insufficient_quota|billing_hard_limit_reached|billing_not_active|access_terminated|insufficient_balance)$/;
/** The same in words, under a status that is not about rates. */
const BROKE =
  /credit balance is too low|insufficient (credits?|balance|funds)|out of credits|add more (credits|to continue)/i;
/** Codes of a refusal that every request would meet. */
const SETTINGS = /^(unsupported_(parameter|value)|unknown_parameter|model_not_found|invalid_api_key)$/;
/** How servers say that a conversation is too long for the model. */
const TOO_LONG = new RegExp(
  [
    "maximum context length",
    "(exceed|larger than|longer than|beyond|over)\\w*.{0,60}(context|token limit|max_model_len|sequence length)",
    "context (window|length|size)",
    "prompt (is )?too long",
    "(input|prompt).{0,40}(is|are) too (long|large)",
    "too many (input )?tokens",
    "token count.{0,40}exceeds?",
    "tokens?.{0,60}(must be|should be|has to be) (<=|less|at most|below|under)",
    "(maximum|max) (number of )?(input )?tokens",
    "reduce (the|your) (length|prompt|input|number of tokens)",
    "input length.{0,40}exceed",
  ].join("|"),
  "i",
);
const FILTERED =
  /^(content_(filter|policy_violation|blocked)|responsibleaipolicyviolation|data_inspection_failed|moderation\w*|prohibited_content|sensitive_words?_detected|safety)$/i;
/** The same in words. */
const UNWANTED =
  /content[ _-](management )?(policy|filter)|content (was )?(blocked|flagged)|\bflagged\b|requires moderation|inappropriate content|usage polic(y|ies)|safety (system|filter|polic)/i;
/** A limit by the minute under a status that speaks of the request. */
const RATE = /rate.?limit|too many requests|(requests|tokens) per (min|day|hour)|slow down|throttl/i;

/** `Limit 6000, Requested 9000`: what a limit has room for and what was asked; null = the words do not say both. */
function roomIn(words: string): { limit: number; requested: number } | null {
  const number = (name: string) => {
    const found = new RegExp(`\\b${name}:?\\s*([\\d][\\d,]*)`, "i").exec(words)?.[1];
    return found === undefined ? null : Number(found.replaceAll(",", ""));
  };
  const [limit, requested] = [number("limit"), number("requested")];
  return limit === null || requested === null ? null : { limit, requested };
}

/** A refusal that is this conversation's own. */
export function oddAnswer(said: string): ServerAnswer {
  return { status: "invalid_request", text: said, model: null, ...NO_USAGE };
}

/** True if it is known what an answer costs: the server counted its tokens, or refused before a model was at work. */
export function isCounted({ status, input_tokens, output_tokens }: ServerAnswer): boolean {
  if (status === "too_long" || status === "invalid_request") return true;
  if (status === "refused" && input_tokens === null && output_tokens === null) return true;
  return input_tokens !== null && output_tokens !== null;
}

/** A failure that may pass. */
export function again(why: string, billed: Billed): Attempt {
  return { kind: "again", why, waitMs: null, billed };
}

/** Milliseconds that the server asks us to wait, at most a minute; null = it says nothing. */
function waitMs(headers: Headers | null): number | null {
  const after = headers?.get("retry-after-ms") ?? null;
  if (after !== null && /^\d+(\.\d+)?$/.test(after)) return Math.min(LONGEST_WAIT_MS, Number(after));
  const header = headers?.get("retry-after") ?? null;
  if (header !== null) {
    const ms = durationMs(header) ?? Date.parse(header) - Date.now();
    // A time that is over says nothing: its clock is not ours.
    if (ms > 0) return Math.min(LONGEST_WAIT_MS, ms);
  }
  const resets = ["requests", "tokens"]
    .filter((each) => headers?.get(`x-ratelimit-remaining-${each}`) === "0")
    .map((each) => durationMs(headers?.get(`x-ratelimit-reset-${each}`) ?? null) ?? 0);
  return resets.length > 0 ? Math.min(LONGEST_WAIT_MS, Math.max(...resets)) : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch {
    return undefined;
  }
}

/** A value as an object: itself, or the first of a list of one, as Gemini wraps its errors. */
function objectIn(value: unknown): Json | null {
  const inner = Array.isArray(value) ? value[0] : value;
  return typeof inner === "object" && inner !== null && !Array.isArray(inner) ? (inner as Json) : null;
}

/** A reason or code as a word in lower case; null = there is none. */
function wordIn(value: unknown): string | null {
  return typeof value === "string" && value.trim() !== "" ? value.trim().toLowerCase() : null;
}

/** A name as it is written; null = there is none. */
function wordOf(value: unknown): string | null {
  return typeof value === "string" && value.trim() !== "" ? value.trim().slice(0, 200).toWellFormed() : null;
}

/** Any value in words: text as it is, what is nested as JSON. */
function wordsIn(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "words nested too deep to be read";
  }
}

/** What a web page or a plain text says. */
function bare(body: string): string {
  return body.slice(0, 10_000).replaceAll(/<(script|style)[\s\S]*?<\/\1>|<[^>]*>/gi, " ");
}

/** Words of a server as a message may repeat them: on one line, not too many, without the key. */
function said(words: string, { apiKey }: ServerName): string {
  const line = words
    .toWellFormed()
    .replaceAll(/[\p{Cc}\s]+/gu, " ")
    .trim();
  const safe = apiKey ? line.replaceAll(apiKey, "(key)") : line;
  return safe.length > MOST_SAID ? `${safe.slice(0, MOST_SAID).toWellFormed()}…` : safe;
}
