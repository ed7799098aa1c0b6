// How requests to the Hub are sent: whose token goes where, how long silence lasts, what is tried again, and what a refusal says.

import { type Clock, realClock } from "../clock.ts";
import { RemoteError, systemCode, UsageError } from "../errors.ts";
import { proxied } from "../proxied-fetch.ts";
import { ProxyProblem } from "../proxy.ts";
import { retry, TransientError } from "../retry.ts";

/** A dataset repository (`owner/name`) at a revision: a branch, a tag or a commit. */
export type HubSource = { repo: string; revision: string };

/** How the Hub is reached. `tries` counts failures in a row that brought no new byte; `timeoutMs` is the longest silence. */
export type Net = {
  fetch: typeof fetch;
  hubUrl: string;
  token: string | null;
  timeoutMs: number;
  tries: number;
  sleep: Clock["sleep"];
  signal?: AbortSignal;
};

/** The real network, with `HF_TOKEN` and `HF_ENDPOINT` of the environment. Throws UsageError if either cannot be used. */
export function hubNet(env: NodeJS.ProcessEnv, overrides: Partial<Net> = {}): Net {
  const net: Net = {
    fetch: globalThis.fetch,
    hubUrl: env["HF_ENDPOINT"] || "https://huggingface.co",
    token: env["HF_TOKEN"]?.trim() || null,
    timeoutMs: 60_000,
    tries: 6,
    sleep: realClock.sleep,
    ...overrides,
  };
  // Checked here because `fetch` would repeat a header or URL that it cannot use, secret included, in its own message.
  if (net.token !== null && !/^[\x21-\x7e]+$/.test(net.token)) {
    throw new UsageError("HF_TOKEN holds a character that no token has (a space or line break?)");
  }
  return { ...net, fetch: proxied(net.fetch, env), hubUrl: checkedHubUrl(net.hubUrl) };
}

/** What is asked for, and how messages call it. */
export type HubRequest = { source: HubSource; path?: string; url: string };
/** An answer whose body is read in chunks, each of which must come in time. */
export type HubAnswer = { response: Response; chunks: AsyncIterable<Uint8Array> };

/** `attempt` may be called again after a TransientError; `reached` says how far all of them together have come. */
type Effort<T> = { attempt: () => Promise<T>; reached: () => number };

/** The longest back-off between two tries, in ms; a server may ask for more. */
const LONGEST_MS = 60_000;

/** Tries until it works. Failures count in a row: one that came further than any before it starts the count again. */
export async function persistently<T>(request: HubRequest, net: Net, { attempt, reached }: Effort<T>): Promise<T> {
  const { tries, sleep, signal = NEVER } = net;
  const patience = { tries, firstMs: 1000, longestMs: LONGEST_MS, sleep, signal, progress: reached };
  return retry(attempt, patience).catch((error) => {
    throw error instanceof TransientError ? givenUp(error, request, net) : error;
  });
}

const NEVER = new AbortController().signal;

function givenUp({ message, cause }: TransientError, request: HubRequest, net: Net): RemoteError {
  const text = withoutToken(`${request.url}: gave up after ${net.tries} tries: ${message}`, net);
  return new RemoteError(text, cause === undefined ? {} : { cause });
}

/** Sends one request. An answer that is neither a success nor one of `accepted` is thrown: TransientError, UsageError or RemoteError. */
export async function ask(
  request: HubRequest,
  headers: Headers,
  net: Net,
  accepted: readonly number[] = [],
): Promise<HubAnswer> {
  const { signal, patiently } = patience(net);
  // A next page may be on another host, and the token is for the Hub alone; `fetch` drops it by itself on a redirect.
  if (net.token !== null && isAtHub(request.url, net)) headers.set("authorization", `Bearer ${net.token}`);
  const response = await patiently(net.fetch(request.url, { headers, signal }));
  if (response.ok || accepted.includes(response.status)) return { response, chunks: chunksOf(response, patiently) };
  await leave(response);
  throw refusal(response, request, net);
}

type Patiently = <T>(step: Promise<T>) => Promise<T>;

/** A signal that fires when the run is stopped or when one awaited step of the network takes longer than `timeoutMs`. */
function patience(net: Net): { signal: AbortSignal; patiently: Patiently } {
  const silence = new AbortController();
  const signal = net.signal ? AbortSignal.any([net.signal, silence.signal]) : silence.signal;
  const giveUp = () => silence.abort(new TransientError(`not a byte for ${net.timeoutMs} ms`));
  const patiently: Patiently = async (step) => {
    const timer = setTimeout(giveUp, net.timeoutMs);
    try {
      return await step;
    } catch (error) {
      throw error instanceof TransientError || error instanceof UsageError
        ? error
        : new TransientError(connectionProblem(error), { cause: error });
    } finally {
      clearTimeout(timer);
    }
  };
  return { signal, patiently };
}

function connectionProblem(error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause !== undefined) root = root.cause;
  if (root instanceof ProxyProblem) return `the connection failed: ${root.message}`;
  return `the connection failed: ${systemCode(error) ?? (root instanceof Error ? root.message : root)}`;
}

async function* chunksOf(response: Response, patiently: Patiently): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await patiently(reader.read());
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {}); // closes the connection when left early; a broken one has already said so
  }
}

/** Closes the connection of an answer whose body nobody wants. */
export async function leave(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

/** `fetch` for the library's small JSON answers: whole, retried, and with our errors instead of its own. */
export function answerFetch(source: HubSource, net: Net): typeof fetch {
  return async (input, init) => {
    const request = { source, url: String(input) };
    const attempt = async () => {
      const { response, chunks } = await ask(request, new Headers(init?.headers), net);
      const text = await textOf(request, chunks);
      if (!isJson(text)) throw new TransientError(`expected JSON, found ${JSON.stringify(text.slice(0, 80))}`);
      return new Response(text, { status: response.status, headers: response.headers });
    };
    return persistently(request, net, { attempt, reached: () => 0 });
  };
}

/** Bytes of an answer about a dataset; a page of a listing has some hundred thousand. */
const LONGEST_ANSWER = 2 ** 26;

async function textOf({ url }: HubRequest, chunks: HubAnswer["chunks"]): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > LONGEST_ANSWER) throw new RemoteError(`${url}: the answer goes on after ${LONGEST_ANSWER} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString();
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What a status that is not a success means. From a host the Hub sent us to, it is passing: the next try gets a fresh signed address. */
function refusal(response: Response, request: HubRequest, net: Net): Error {
  const { status, headers } = response;
  const id = headers.get("x-request-id");
  const found = `status ${status}${id ? `, request id ${id}` : ""}`;
  const isPassing = status === 408 || status === 425 || status === 429 || status >= 500;
  if (isPassing || !isAtHub(response.url || request.url, net)) {
    return new TransientError(found, { waitMs: askedWaitMs(response) });
  }
  const said = headers.get("x-error-message");
  const details = `(${found}, URL ${request.url}${said ? `, it says: ${said}` : ""})`;
  if (status === 401 || status === 403) return new UsageError(withoutToken(`${locked(request, net)} ${details}`, net));
  if (status === 404) return new UsageError(withoutToken(`${missing(request, headers)} ${details}`, net));
  return new RemoteError(withoutToken(`The Hub did not answer as expected ${details}`, net));
}

function locked({ source }: HubRequest, net: Net): string {
  const sent = net.token === null ? "no token was sent" : "the token of HF_TOKEN was sent";
  const terms = `${net.hubUrl}/datasets/${source.repo}`;
  return `The Hub refuses dataset "${source.repo}", ${sent}: check the name, accept the terms at ${terms}, and set HF_TOKEN to a token of that account`;
}

function missing({ source, path }: HubRequest, headers: Headers): string {
  switch (headers.get("x-error-code")) {
    case "RepoNotFound":
      return `There is no dataset "${source.repo}": check its name, and set HF_TOKEN if it is private`;
    case "RevisionNotFound":
      return `Dataset "${source.repo}" has no revision "${source.revision}": check the branch, tag or commit`;
    case "EntryNotFound":
      return `${at(source)} has no file "${path ?? ""}": check the path`;
    default:
      return `${at(source)}${path === undefined ? "" : `, file "${path}",`} was not found: check name, revision and path`;
  }
}

/** The wait that the server asks for, at most 300 s: `Retry-After` in seconds or as a date, or the Hub's own `RateLimit: …;t=<seconds>`. */
function askedWaitMs({ status, headers }: Response): number {
  const limit = status === 429 ? headers.get("ratelimit") : null; // the Hub sends it with other answers too
  const after = headers.get("retry-after") ?? /;\s*t=(\d+)/.exec(limit ?? "")?.[1];
  if (after === undefined) return 0;
  const ms = /^\d+$/.test(after) ? Number(after) * 1_000 : Date.parse(after) - Date.now();
  return Math.min(300_000, Math.max(0, ms || 0));
}

function isAtHub(url: string, net: Net): boolean {
  return new URL(url).origin === new URL(net.hubUrl).origin;
}

/** How messages call a dataset. */
export function at(source: HubSource): string {
  return `Dataset "${source.repo}" at revision "${source.revision}"`;
}

function withoutToken(text: string, net: Net): string {
  return net.token === null ? text : text.replaceAll(net.token, "(token)");
}

function checkedHubUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && !url.username && !url.password) return text.replace(/\/+$/, "");
  throw new UsageError("HF_ENDPOINT is not a plain http(s) address without user name and password");
}
