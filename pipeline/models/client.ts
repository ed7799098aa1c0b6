import OpenAI, { APIConnectionError, APIError, APIUserAbortError } from "openai";
import { Agent, type Dispatcher, request } from "undici";
import type { Environment } from "../environment.ts";
import { LimitError, systemCode, UsageError } from "../errors.ts";
import { durationMs, LONGEST_WAIT_MS } from "./adaptive-concurrency.ts";
import type { Answer } from "./journal.ts";
import type { ChatRequest } from "./request.ts";

/** Who asks a language model, and what they could do instead, for messages. */
export interface Asker {
  readonly who: string;
  /** The role that its settings stand under. */
  readonly role: string;
  readonly instead: string;
}

const ASKER: Asker = { who: "a language model", role: "<role>", instead: "" };

/**
 * Key and address of the server. Throws UsageError if there is neither, or if one of them cannot be used: checked here
 * since `fetch` would repeat a header or address that it cannot use, secret included, in its own message.
 */
export function serverAccess(
  { baseUrl }: { readonly baseUrl: string | null },
  env: NodeJS.ProcessEnv,
  { who, role, instead }: Asker = ASKER,
): { apiKey: string; baseURL: string | undefined } {
  const apiKey = env["OPENAI_API_KEY"]?.trim() || undefined;
  const baseURL = baseUrl || env["OPENAI_BASE_URL"] || undefined;
  if (apiKey === undefined && baseURL === undefined) {
    throw new UsageError(
      `${who} needs OPENAI_API_KEY in the environment, or models.${role}.baseUrl of a server that needs none${instead}`,
    );
  }
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new UsageError("OPENAI_API_KEY holds a character that no key has (a space, line break or curly quote?)");
  }
  if (baseURL !== undefined) requireAddress(baseURL);
  return { apiKey: apiKey ?? "none", baseURL };
}

/** Throws UsageError for a server whose Batch API is not OpenAI's. */
export function requireBatchServer(options: { readonly baseUrl: string | null }, env: NodeJS.ProcessEnv): void {
  const { baseURL } = serverAccess(options, env);
  if (baseURL === undefined || !AZURE.test(new URL(baseURL).hostname)) return;
  throw new UsageError(
    "batches are those of OpenAI's Batch API; Azure's has other paths, names deployments in its files and does not expire: ask one by one there, with baseUrl https://<resource>.openai.azure.com/openai/v1",
  );
}

/** Hosts of OpenAI's models at Azure. */
const AZURE = /\.(openai|cognitiveservices|services\.ai)\.azure\.com$/;

function requireAddress(baseURL: string): void {
  const url = URL.canParse(baseURL) ? new URL(baseURL) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new UsageError(
      "baseUrl (or OPENAI_BASE_URL) is not a plain http(s) address without user name and password, such as http://localhost:8000/v1",
    );
  }
  if (!AZURE.test(url.hostname)) return;
  if (!/\/openai\/v1\/?$/.test(url.pathname)) {
    throw new UsageError(
      `baseUrl ${url.origin}${url.pathname}: at Azure only the paths of its v1 API are spoken; use ${url.origin}/openai/v1 and the deployment's name as model`,
    );
  }
}

/** The SDK's client without its retries. `send`: what it is sent with; default: the environment's own. */
export function openaiClient(
  options: { readonly baseUrl: string | null },
  environment: Environment,
  send = environment.fetch,
): OpenAI {
  const { apiKey, baseURL } = serverAccess(options, environment.env);
  return new OpenAI({ apiKey, ...(baseURL && { baseURL }), maxRetries: 0, fetch: send });
}

/** A client over a pool with as many connections as there are requests at a time. */
function pooledClient(
  options: { readonly baseUrl: string | null; readonly concurrency: number },
  environment: Environment,
): { client: OpenAI; close: () => Promise<void> } {
  // Time limits are ours; undici's own, and the SDK's, would cut what the user allows.
  const agent = new Agent({ connections: options.concurrency + 4, headersTimeout: 0, bodyTimeout: 0 });
  const isReal = environment.fetch === globalThis.fetch;
  const client = openaiClient(options, environment, isReal ? pooledFetch(agent) : environment.fetch);
  client.timeout = LONGEST_TIMER_MS;
  return { client, close: () => agent.destroy() };
}

/** What a timer can count to. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** As much of `fetch` as the SDK uses, at half its cost: the whole body is there when it resolves, redirects are not followed. */
function pooledFetch(agent: Agent): typeof fetch {
  return async (url, init) => {
    const { method, headers, body, signal } = init as RequestInit & { method: Dispatcher.HttpMethod; headers: Headers };
    const how = { dispatcher: agent, method, headers, body: body as string, signal: signal ?? null };
    const answer = await request(String(url), how);
    const text = await answer.body.text();
    const about = { status: answer.statusCode, headers: answer.headers as Record<string, string> };
    return new Response(text === "" ? null : text, about);
  };
}

/** What came of sending a request once. */
export type Attempt =
  /** There is a final answer. */
  | { readonly kind: "answer"; readonly answer: ServerAnswer; readonly headers: Headers | null }
  /** The server wants fewer requests (429). */
  | { readonly kind: "refused"; readonly waitMs: number | null; readonly headers: Headers | null }
  /** Nothing listens at the address. */
  | { readonly kind: "down"; readonly why: string }
  /** Worth another try. `isHeard`: the server said itself that it failed, so nothing was billed. */
  | { readonly kind: "again"; readonly why: string; readonly waitMs: number | null; readonly isHeard: boolean }
  /** The run must stop. */
  | { readonly kind: "stop"; readonly error: Error };

/** A final answer as the server gave it. */
export type ServerAnswer = Pick<
  Answer,
  "status" | "text" | "model" | "input_tokens" | "cached_tokens" | "output_tokens"
>;

/** Sends requests, each with a deadline that covers the whole body. */
export class Client {
  readonly openai: OpenAI;
  readonly #timeoutMs: number;
  readonly #close: () => Promise<void>;
  readonly #underWay = new Set<AbortController>();

  constructor(
    options: { readonly baseUrl: string | null; readonly concurrency: number; readonly timeoutSeconds: number },
    environment: Environment,
  ) {
    const { client, close } = pooledClient(options, environment);
    this.openai = client;
    this.#close = close;
    this.#timeoutMs = 1000 * options.timeoutSeconds;
  }

  /** Leaves every request that is under way. */
  abort(): void {
    for (const each of this.#underWay) each.abort();
  }

  close(): Promise<void> {
    return this.#close();
  }

  /** Sends a request once. Never throws for what the server does; `isFirst`: an odd refusal is the settings' fault, not the conversation's. */
  async send(request: ChatRequest, isFirst: boolean): Promise<Attempt> {
    const stop = new AbortController();
    let isLate = false;
    const deadline = setTimeout(() => {
      isLate = true;
      stop.abort();
    }, this.#timeoutMs);
    this.#underWay.add(stop);
    try {
      const { data, response } = await this.openai.chat.completions
        .create(request, { signal: stop.signal })
        .withResponse();
      return readCompletion(data, response.headers);
    } catch (error) {
      if (isLate) return again(`no answer within ${this.#timeoutMs / 1000} s`);
      return readFailure(error, this.openai, isFirst);
    } finally {
      clearTimeout(deadline);
      this.#underWay.delete(stop);
    }
  }
}

function again(why: string, waitMs: number | null = null, isHeard = false): Attempt {
  return { kind: "again", why, waitMs, isHeard };
}

/** What a chat completion says, or that it is none. */
export function readCompletion(completion: OpenAI.ChatCompletion | null, headers: Headers | null): Attempt {
  const choice = completion?.choices?.[0];
  if (!completion || !choice?.message) return again("an answer that is not a chat completion");
  const refused = Boolean(choice.message.refusal) || choice.finish_reason === "content_filter";
  const usage = completion.usage;
  const answer: ServerAnswer = {
    status: refused ? "refused" : choice.finish_reason === "length" ? "cut_off" : "answered",
    text: refused ? (choice.message.refusal ?? null) : choice.message.content,
    model: completion.model ?? null,
    input_tokens: usage?.prompt_tokens ?? null,
    cached_tokens: usage?.prompt_tokens_details?.cached_tokens ?? null,
    output_tokens: usage?.completion_tokens ?? null,
  };
  return { kind: "answer", answer, headers };
}

function readFailure(error: unknown, client: OpenAI, isFirst: boolean): Attempt {
  const code = systemCode(error);
  if (code && DOWN.has(code)) return { kind: "down", why: code };
  if (error instanceof APIUserAbortError || error instanceof APIConnectionError || isBrokenBody(error))
    return again(`connection failed (${code ?? (error as Error).message})`);
  if (error instanceof SyntaxError) return again("an answer that is not JSON");
  if (!(error instanceof APIError)) return { kind: "stop", error: error as Error };
  const { status = 0, message, headers } = error;
  return readError({ status, code: error.code ?? error.type ?? null, message }, headers ?? null, client, isFirst);
}

const DOWN = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "ENETDOWN"]);

/** What an answer that is an error means. */
export function readError(
  { status, code, message }: { status: number; code: string | null; message: string },
  headers: Headers | null,
  { baseURL, apiKey }: Pick<OpenAI, "baseURL" | "apiKey">,
  isFirst: boolean,
): Attempt {
  // A server may repeat the key that it refuses.
  const said = message.replaceAll(String(apiKey), "(key)");
  const final = (kind: Answer["status"], text: string | null = null): Attempt => {
    const none = { model: null, input_tokens: null, cached_tokens: null, output_tokens: null };
    return { kind: "answer", answer: { status: kind, text, ...none }, headers };
  };
  if (code === "context_length_exceeded" || (status === 400 && TOO_LONG.test(message))) return final("too_long");
  if (code !== null && /^content_(filter|policy_violation)$/.test(code)) return final("refused");
  if ((code !== null && NO_MONEY.test(code)) || status === 402) {
    const why = `${baseURL}: the account's quota is used up (HTTP ${status}); what is done is kept, run the same command again to go on`;
    return { kind: "stop", error: new LimitError(why) };
  }
  if (status === 429) return { kind: "refused", waitMs: waitMs(headers), headers };
  if (status === 408 || status === 409 || status >= 500) return again(`HTTP ${status}`, waitMs(headers), true);
  if ((status === 400 || status === 413 || status === 422) && !isFirst && !SETTINGS.test(code ?? ""))
    return final("invalid_request", said);
  return { kind: "stop", error: new UsageError(`${baseURL}: HTTP ${said}`) };
}

const NO_MONEY = /^(insufficient_quota|billing_hard_limit_reached|billing_not_active|access_terminated)$/;
/** Codes of a refusal that every request would meet. */
const SETTINGS = /^(unsupported_(parameter|value)|unknown_parameter|model_not_found|invalid_api_key)$/;
/** How servers without OpenAI's error codes say that a conversation is too long for the model. */
const TOO_LONG =
  /maximum context length|exceeds? the (available )?context|context (window|length|size)|too many tokens/i;

/** A body that ends early comes as undici's own TypeError, which the SDK passes on as it is. */
function isBrokenBody(error: unknown): boolean {
  return error instanceof TypeError && error.cause instanceof Error;
}

/** Milliseconds that the server asks us to wait, at most a minute; null = it says nothing. */
function waitMs(headers: Headers | null): number | null {
  const after = headers?.get("retry-after-ms") ?? null;
  if (after !== null && /^\d+(\.\d+)?$/.test(after)) return Math.min(LONGEST_WAIT_MS, Number(after));
  const header = headers?.get("retry-after") ?? null;
  if (header !== null) {
    const ms = /^\d+(\.\d+)?$/.test(header) ? 1000 * Number(header) : Date.parse(header) - Date.now();
    if (Number.isFinite(ms)) return Math.min(LONGEST_WAIT_MS, Math.max(0, ms));
  }
  const resets = ["requests", "tokens"]
    .filter((each) => headers?.get(`x-ratelimit-remaining-${each}`) === "0")
    .map((each) => durationMs(headers?.get(`x-ratelimit-reset-${each}`) ?? null) ?? 0);
  return resets.length > 0 ? Math.min(LONGEST_WAIT_MS, Math.max(...resets)) : null;
}
