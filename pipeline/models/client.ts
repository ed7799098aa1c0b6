import { isUtf8 } from "node:buffer";
import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import OpenAI, { APIConnectionError, APIUserAbortError } from "openai";
import { type Dispatcher, request } from "undici";
import type { Environment } from "../environment.ts";
import { systemCode, UsageError } from "../errors.ts";
import { proxied } from "../proxied-fetch.ts";
import { type NamedProxy, ProxyProblem, proxyFor, proxyProblem } from "../proxy.ts";
import { connectionsBy } from "../proxy-connections.ts";
import type { ChatRequest } from "./request.ts";
import { type Attempt, again, readHttpAnswer } from "./server-answer.ts";

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
  send = proxied(environment.fetch, environment.env),
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
  const limits = { headersTimeout: 0, bodyTimeout: 0, maxResponseSize: MOST_BYTES };
  const agent = connectionsBy(environment.env, { connections: options.concurrency + 4, ...limits });
  const isReal = environment.fetch === globalThis.fetch;
  const client = openaiClient(
    options,
    environment,
    readable(isReal ? pooledFetch(agent, environment.env) : environment.fetch),
  );
  client.timeout = LONGEST_TIMER_MS;
  return { client, close: () => agent.destroy() };
}

/** What a timer can count to. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Header under which `readable` tells the real status. */
const STATUS = "x-flipturn-status";

/** The SDK throws away what it cannot read of an answer that is an error: it is told that all is well, and we read. */
function readable(send: typeof fetch): typeof fetch {
  return async (url, init) => {
    const answer = await send(url, init);
    const headers = new Headers(answer.headers);
    headers.set(STATUS, String(answer.status));
    return new Response(await answer.text(), { headers });
  };
}

/** Bytes of an answer after which no more is read: a hundred times the longest that a model writes. */
const MOST_BYTES = 64 << 20;

/** As much of `fetch` as the SDK uses, at half its cost: the whole body is there when it resolves, redirects are not followed. */
function pooledFetch(dispatcher: Dispatcher, env: NodeJS.ProcessEnv): typeof fetch {
  return async (url, init) => {
    const { method, headers, body, signal } = init as RequestInit & { method: Dispatcher.HttpMethod; headers: Headers };
    // Nothing packed is asked for; what comes packed all the same is unpacked.
    headers.set("accept-encoding", "identity");
    // Plain, since what speaks with proxies would lose others on the way.
    const plain = Object.fromEntries(headers);
    const how = { dispatcher, method, headers: plain, body: body as string, signal: signal ?? null };
    const answer = await orAborted(request(String(url), how), signal).catch((error) => {
      const proxy = proxyFor(String(url), env);
      throw proxy === null || signal?.aborted ? error : proxyProblem(error, proxy);
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    const { "content-encoding": packing, "content-length": _, ...rest } = answer.headers;
    const head = new Headers();
    for (const [name, value] of Object.entries(rest)) if (value !== undefined) head.set(name, String(value));
    const text = decoded(unpacked(bytes, packing), head.get("content-type"));
    return new Response(text === "" || NO_BODY.has(answer.statusCode) ? null : text, {
      status: answer.statusCode,
      headers: head,
    });
  };
}

/** Fails once the signal fires: what waits for a connection does not by itself. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  if (!signal) return work;
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
  });
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener("abort", stop));
}

/** Statuses that `Response` gives no body. */
const NO_BODY = new Set([204, 205, 304]);

const UNPACK: Readonly<Record<string, (bytes: Buffer, how: { maxOutputLength: number }) => Buffer>> = {
  gzip: gunzipSync,
  "x-gzip": gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  // No packing at all, and what servers say that take the header for another.
  ...Object.fromEntries(["identity", "", "none", "utf-8", "utf8", "binary"].map((name) => [name, (bytes) => bytes])),
};

/** A body as it was before it was packed. Throws TypeError for a packing that is not known, and for a body that is not whole. */
function unpacked(bytes: Buffer, packing: string | string[] | undefined): Buffer {
  const names = String(packing ?? "identity")
    .toLowerCase()
    .split(/\s*,\s*/)
    .reverse();
  return names.reduce((inner, name) => {
    const unpack = Object.hasOwn(UNPACK, name) ? UNPACK[name] : undefined;
    if (!unpack) throw new TypeError(`an answer packed as ${name}`, { cause: new Error(`content-encoding ${name}`) });
    try {
      return unpack(inner, { maxOutputLength: MOST_BYTES });
    } catch (cause) {
      throw new TypeError(`an answer that is not whole ${name}`, { cause });
    }
  }, bytes);
}

/** A body as text: UTF-8, as JSON has to be, and only where it is not, by the name of letters that came with it. */
function decoded(bytes: Buffer, type: string | null): string {
  const name = /charset="?([\w-]+)/i.exec(type ?? "")?.[1];
  if (name === undefined || isUtf8(bytes)) return bytes.toString();
  try {
    return new TextDecoder(name).decode(bytes);
  } catch {
    return bytes.toString();
  }
}

/** Sends requests, each with a deadline that covers the whole body. */
export class Client {
  readonly openai: OpenAI;
  readonly #timeoutMs: number;
  readonly #close: () => Promise<void>;
  readonly #proxy: NamedProxy | null;
  readonly #underWay = new Set<AbortController>();

  constructor(
    options: { readonly baseUrl: string | null; readonly concurrency: number; readonly timeoutSeconds: number },
    environment: Environment,
  ) {
    const { client, close } = pooledClient(options, environment);
    this.openai = client;
    this.#close = close;
    this.#proxy = proxyFor(client.baseURL, environment.env);
    this.#timeoutMs = 1000 * options.timeoutSeconds;
  }

  /** Leaves every request that is under way. */
  abort(): void {
    for (const each of this.#underWay) each.abort();
  }

  close(): Promise<void> {
    return this.#close();
  }

  /** Sends a request once. Never throws for what the server does. */
  async send(request: ChatRequest): Promise<Attempt> {
    const stop = new AbortController();
    let isLate = false;
    const deadline = setTimeout(() => {
      isLate = true;
      stop.abort();
    }, this.#timeoutMs);
    this.#underWay.add(stop);
    try {
      const response = await this.openai.chat.completions.create(request, { signal: stop.signal }).asResponse();
      const { headers } = response;
      const status = Number(headers.get(STATUS));
      return readHttpAnswer({ status, headers, body: await response.text() }, this.openai);
    } catch (error) {
      const by = this.#proxy === null ? "" : ` through the proxy ${this.#proxy.name}`;
      if (isLate) return again(`no answer within ${this.#timeoutMs / 1000} s${by}`, "unknown");
      return readFailure(error);
    } finally {
      clearTimeout(deadline);
      this.#underWay.delete(stop);
    }
  }
}

/** What a failure means that is none of the server's words: the connection, or a body that could not be unpacked. */
function readFailure(error: unknown): Attempt {
  const code = systemCode(error);
  const cause = error instanceof APIConnectionError && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof UsageError) return { kind: "stop", error: cause };
  const isByProxy = cause instanceof ProxyProblem;
  if (code && DOWN.has(code)) return { kind: "down", why: isByProxy ? cause.message : code };
  if (isByProxy && cause.isRefused) return again(cause.message, "nothing");
  const message = cause instanceof Error ? cause.message : String(cause);
  const why = isByProxy ? message : (code ?? message.replaceAll(/\s+/g, " ").trim());
  if (error instanceof APIUserAbortError || error instanceof APIConnectionError || isBrokenBody(error))
    return again(`connection failed (${why})`, "unknown");
  return { kind: "stop", error: error as Error };
}

const DOWN = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "ENETDOWN"]);

/** A body that ends early comes as undici's own TypeError, which the SDK passes on as it is. */
function isBrokenBody(error: unknown): boolean {
  return error instanceof TypeError && error.cause instanceof Error;
}
