// The Hugging Face Hub as `download` needs it. In: a dataset repository, a revision, patterns. Out: the commit it stands
// for, the files in it, and each file whole on disk under its final name, or no file there at all.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { datasetInfo, listFiles } from "@huggingface/hub";
import { z } from "zod";
import { RemoteError, systemCode, UsageError } from "../../pipeline/errors.ts";

/** A dataset repository (`owner/name`) at a revision: a branch, a tag or a commit. */
export type HubSource = { repo: string; revision: string };

/** One file of a dataset. `sha256` is null for a file that git itself holds: then `gitOid`, its git blob id, is what it is checked against. */
export type HubFile = { path: string; bytes: number; sha256: string | null; gitOid: string | null };

/** How the Hub is reached. `tries` counts failures in a row that brought no new byte; `timeoutMs` is the longest silence. */
export type Net = {
  fetch: typeof fetch;
  hubUrl: string;
  token: string | null;
  timeoutMs: number;
  tries: number;
  sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
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
    sleep: (ms, signal) => delay(ms, undefined, { signal }),
    ...overrides,
  };
  // Checked here because `fetch` would repeat a header or URL that it cannot use, secret included, in its own message.
  if (net.token !== null && !/^[\x21-\x7e]+$/.test(net.token)) {
    throw new UsageError("HF_TOKEN holds a character that no token has (a space or line break?)");
  }
  return { ...net, hubUrl: checkedHubUrl(net.hubUrl) };
}

/** The full commit (40 hex digits) that the revision stands for now. Throws UsageError (refused, not found) or RemoteError. */
export async function resolveRevision(source: HubSource, net: Net): Promise<string> {
  checkRepo(source.repo);
  if (COMMIT.test(source.revision)) return source.revision;
  const found = await datasetInfo({
    name: source.repo,
    revision: source.revision,
    additionalFields: ["sha"],
    hubUrl: net.hubUrl,
    fetch: answerFetch(source, net),
  });
  if (!COMMIT.test(found.sha)) {
    throw new RemoteError(`${net.hubUrl}: expected the commit of ${at(source)}, found ${JSON.stringify(found.sha)}`);
  }
  return found.sha;
}

/**
 * The files that match a pattern, in the order of their paths (code units). `*` stands for any run of characters inside one folder's names.
 * Throws UsageError (refused, not found, a pattern that matches no file) or RemoteError.
 */
export async function listHubFiles(source: HubSource, patterns: readonly string[], net: Net): Promise<HubFile[]> {
  checkRepo(source.repo);
  const all = (await listEverything(source, net)).sort((a, b) => (a.path < b.path ? -1 : 1));
  const matchers = patterns.map(globToRegExp);
  const unmet = patterns.find((_, index) => !all.some((file) => matchers[index]?.test(file.path)));
  if (unmet !== undefined) {
    const some = all.slice(0, 5).map((file) => file.path);
    throw new UsageError(`${at(source)} has no file "${unmet}"; it has ${all.length} files: ${some.join(", ")}, …`);
  }
  return all.filter((file) => matchers.some((matcher) => matcher.test(file.path)));
}

/**
 * Brings one file to `destination`, going on from `<destination>.partial` where an earlier run stopped; a file that is there and right is kept.
 * The final name appears only after size and hash of the whole file on disk were found right. `onBytes` is told how many bytes are on disk.
 * Memory: one chunk. Throws UsageError (refused, not found), RemoteError (tries used up, wrong content twice) or the signal's AbortError.
 */
export async function fetchHubFile(
  source: HubSource,
  file: HubFile,
  destination: string,
  net: Net,
  onBytes: (done: number) => void = () => {},
): Promise<void> {
  const expected = expectedHash(file);
  if ((await sizeOf(destination)) === file.bytes && (await contentHash(destination, file, net)) === expected) {
    return onBytes(file.bytes);
  }
  const request = { source, path: file.path, url: resolveUrl(source, file, net) };
  const partial = `${destination}.partial`;
  const fetchAndHash = async () => {
    await fill(partial, file, request, net, onBytes);
    const found = await contentHash(partial, file, net);
    if (found !== expected) await rm(partial);
    return found;
  };
  await mkdir(dirname(destination), { recursive: true });
  let found = await fetchAndHash();
  if (found !== expected) found = await fetchAndHash();
  if (found !== expected) {
    const kind = file.sha256 === null ? "git blob id" : "sha256";
    throw new RemoteError(`${request.url}: expected ${kind} ${expected}, found ${found}, twice; nothing was kept`);
  }
  await rename(partial, destination);
}

const COMMIT = /^[0-9a-f]{40}$/;

// A path becomes a name on this disk: one that could leave its folder is refused.
const FilePath = z.string().refine((path) => path.split("/").every((part) => !/^\.{0,2}$|[\\\0]/.test(part)));

const FileEntry = z.object({
  path: FilePath,
  size: z.int().min(0),
  oid: z.string().regex(COMMIT),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: z.int().min(0) }).optional(),
});

async function listEverything(source: HubSource, net: Net): Promise<HubFile[]> {
  const files: HubFile[] = [];
  const entries = listFiles({
    repo: { type: "dataset", name: source.repo },
    revision: encodeURIComponent(source.revision), // listFiles puts it into the URL as it is
    recursive: true,
    hubUrl: net.hubUrl,
    fetch: answerFetch(source, net),
  });
  for await (const entry of entries) if (entry.type === "file") files.push(toHubFile(entry, source));
  return files;
}

function toHubFile(entry: unknown, source: HubSource): HubFile {
  const parsed = FileEntry.safeParse(entry);
  if (!parsed.success) {
    const problem = z.prettifyError(parsed.error);
    throw new RemoteError(`${at(source)}: a file in the listing cannot be right: ${JSON.stringify(entry)}: ${problem}`);
  }
  const { path, size, oid, lfs } = parsed.data;
  return { path, bytes: lfs?.size ?? size, sha256: lfs?.oid ?? null, gitOid: lfs ? null : oid };
}

function globToRegExp(pattern: string): RegExp {
  const literals = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${literals.join("[^/]*")}$`);
}

// Not the library's `downloadFile`: its Blob hides status and Content-Range, so that a server that ignores a range would go unseen.
function resolveUrl(source: HubSource, file: HubFile, net: Net): string {
  checkRepo(source.repo);
  const path = file.path.split("/").map(encodeURIComponent).join("/");
  return `${net.hubUrl}/datasets/${source.repo}/resolve/${encodeURIComponent(source.revision)}/${path}`;
}

/** Appends to the partial file until it has all the bytes; what they are worth is found out afterwards. */
async function fill(partial: string, file: HubFile, request: HubRequest, net: Net, onBytes: (done: number) => void) {
  const handle = await open(partial, "a");
  let furthest = 0;
  const note = (done: number) => {
    furthest = Math.max(furthest, done);
    onBytes(done);
  };
  try {
    const download = { handle, file, request, net, onBytes: note };
    await persist(request, net, { attempt: () => receiveRest(download), reached: () => furthest });
    await handle.sync();
  } finally {
    await handle.close();
  }
}

type Download = { handle: FileHandle; file: HubFile; request: HubRequest; net: Net; onBytes: (done: number) => void };

/** One request for the bytes that are not on disk yet. */
async function receiveRest(download: Download): Promise<void> {
  const { handle, file } = download;
  const have = await usableBytes(download);
  if (have === file.bytes) return;
  const { response, chunks } = await askForRest(download, have);
  const from = startOf(response, have, file);
  if (from !== have) await handle.truncate(0);
  if (from === null) {
    await leave(response);
    throw new PassingError(`status ${response.status} with Content-Range ${response.headers.get("content-range")}`);
  }
  const done = await append(download, chunks, from);
  if (done < file.bytes) throw new PassingError(`the body ended at byte ${done} of ${file.bytes}`);
}

/** How many bytes on disk can be gone on from; more than the file has cannot be right. */
async function usableBytes({ handle, file }: Download): Promise<number> {
  const { size } = await handle.stat();
  if (size <= file.bytes) return size;
  await handle.truncate(0);
  return 0;
}

function askForRest({ request, net }: Download, have: number): Promise<Answer> {
  const headers = new Headers({ "accept-encoding": "identity" }); // a range of compressed bytes would be of no use
  if (have > 0) headers.set("range", `bytes=${have}-`);
  return ask(request, headers, net, [416]);
}

/** The place in the file of the answer's first byte: where the disk ends, or 0 if the range was ignored; null if it fits neither. */
function startOf(response: Response, have: number, file: HubFile): number | null {
  if (response.status === 200) return 0;
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
  const isRest = Number(range?.[1]) === have && (range?.[2] === "*" || Number(range?.[2]) === file.bytes);
  return response.status === 206 && isRest ? have : null;
}

async function append({ handle, file, onBytes }: Download, chunks: Answer["chunks"], from: number): Promise<number> {
  let done = from;
  for await (const chunk of chunks) {
    done += chunk.length;
    if (done > file.bytes) {
      await handle.truncate(0);
      throw new PassingError(`the body goes on after the ${file.bytes} bytes that the listing gives`);
    }
    await handle.appendFile(chunk);
    onBytes(done);
  }
  return done;
}

function expectedHash(file: HubFile): string {
  const hash = file.sha256 ?? file.gitOid;
  if (hash === null) throw new UsageError(`${file.path}: it has neither sha256 nor git blob id to be checked against`);
  return hash;
}

async function contentHash(path: string, file: HubFile, net: Net): Promise<string> {
  const hash = file.sha256 === null ? createHash("sha1").update(`blob ${file.bytes}\0`) : createHash("sha256");
  for await (const chunk of createReadStream(path, { signal: net.signal, highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest("hex");
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
}

type HubRequest = { source: HubSource; path?: string; url: string };
type Answer = { response: Response; chunks: AsyncIterable<Uint8Array> };

/** A failure that a later try may not meet; never leaves this file, so its message may hold what a server said. */
class PassingError extends Error {
  readonly waitMs: number;
  constructor(message: string, options: { cause?: unknown; waitMs?: number } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.waitMs = options.waitMs ?? 0;
  }
}

/** `attempt` may be called again after a PassingError; `reached` says how far all of them together have come. */
type Effort<T> = { attempt: () => Promise<T>; reached: () => number };

/** Tries until it works. Failures count in a row: one that came further than any before it starts the count again. */
async function persist<T>(request: HubRequest, net: Net, { attempt, reached }: Effort<T>): Promise<T> {
  let failures = 0;
  for (;;) {
    net.signal?.throwIfAborted();
    const before = reached();
    try {
      return await attempt();
    } catch (error) {
      net.signal?.throwIfAborted();
      if (!(error instanceof PassingError)) throw error;
      failures = reached() > before ? 0 : failures + 1;
      if (failures >= net.tries) throw givenUp(error, request, net);
      await net.sleep(Math.max(error.waitMs, backOffMs(failures)), net.signal);
    }
  }
}

function givenUp({ message, cause }: PassingError, request: HubRequest, net: Net): RemoteError {
  const text = withoutToken(`${request.url}: gave up after ${net.tries} tries: ${message}`, net);
  return new RemoteError(text, cause === undefined ? {} : { cause });
}

/** Full jitter, so that tasks that failed together do not come back together. */
function backOffMs(failures: number): number {
  return Math.random() * Math.min(60_000, 1_000 * 2 ** failures);
}

/** Sends one request. An answer that is neither a success nor one of `accepted` is thrown: PassingError, UsageError or RemoteError. */
async function ask(request: HubRequest, headers: Headers, net: Net, accepted: readonly number[] = []): Promise<Answer> {
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
  const giveUp = () => silence.abort(new PassingError(`not a byte for ${net.timeoutMs} ms`));
  const patiently: Patiently = async (step) => {
    const timer = setTimeout(giveUp, net.timeoutMs);
    try {
      return await step;
    } catch (error) {
      throw error instanceof PassingError ? error : new PassingError(connectionProblem(error), { cause: error });
    } finally {
      clearTimeout(timer);
    }
  };
  return { signal, patiently };
}

function connectionProblem(error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause !== undefined) root = root.cause;
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
async function leave(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

/** `fetch` for the library's small JSON answers: whole, retried, and with our errors instead of its own. */
function answerFetch(source: HubSource, net: Net): typeof fetch {
  return async (input, init) => {
    const request = { source, url: String(input) };
    const attempt = async () => {
      const { response, chunks } = await ask(request, new Headers(init?.headers), net);
      const text = Buffer.concat(await collect(chunks)).toString();
      if (!isJson(text)) throw new PassingError(`expected JSON, found ${JSON.stringify(text.slice(0, 80))}`);
      return new Response(text, { status: response.status, headers: response.headers });
    };
    return persist(request, net, { attempt, reached: () => 0 });
  };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
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
    return new PassingError(found, { waitMs: askedWaitMs(response) });
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

function at(source: HubSource): string {
  return `Dataset "${source.repo}" at revision "${source.revision}"`;
}

function withoutToken(text: string, net: Net): string {
  return net.token === null ? text : text.replaceAll(net.token, "(token)");
}

function checkRepo(repo: string): void {
  if (/^\w[\w.-]*\/\w[\w.-]*$/.test(repo)) return;
  throw new UsageError(`"${repo}" is not the name of a dataset on the Hub: expected owner/name`);
}

function checkedHubUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && !url.username && !url.password) return text.replace(/\/+$/, "");
  throw new UsageError("HF_ENDPOINT is not a plain http(s) address without user name and password");
}
