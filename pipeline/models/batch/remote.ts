import { createReadStream } from "node:fs";
import OpenAI, { APIConnectionError, APIError, APIUserAbortError } from "openai";
import type { Clock } from "../../clock.ts";
import { LimitError, RemoteError, systemCode, UsageError } from "../../errors.ts";
import { retry, TransientError } from "../../retry.ts";
import { LONGEST_WAIT_MS } from "../adaptive-concurrency.ts";

/** A batch as the server tells of it. */
export type Batch = OpenAI.Batch;

/** How the server is called. */
export interface Remote {
  readonly client: OpenAI;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly tries: number;
  readonly timeoutMs: number;
}

/** Calls until it works. Throws UsageError for a refusal, LimitError for a quota used up, RemoteError after the tries. */
export async function persistently<T>(
  remote: Remote,
  what: string,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { client, clock, signal, tries } = remote;
  const attempt = () =>
    once(signal, call).catch((error) => {
      signal.throwIfAborted();
      throw meaningOf(error, remote, what);
    });
  const patience = { tries, firstMs: 1000, longestMs: LONGEST_WAIT_MS, sleep: clock.sleep, signal };
  return retry(attempt, patience).catch((error) => {
    if (!(error instanceof TransientError)) throw error;
    throw new RemoteError(
      `${client.baseURL}: ${what}: gave up after ${tries} tries: ${error.message}; run the same command again to go on`,
    );
  });
}

/** A call with a signal of its own: the SDK leaves its listeners on the one that it is given. */
async function once<T>(signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const own = new AbortController();
  const stop = () => own.abort();
  signal.addEventListener("abort", stop);
  try {
    return await call(own.signal);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function meaningOf(error: unknown, { client }: Remote, what: string): Error {
  if (error instanceof TransientError) return error;
  if (error instanceof APIConnectionError && error.cause instanceof UsageError) return error.cause;
  if (error instanceof APIConnectionError || error instanceof APIUserAbortError || error instanceof SyntaxError)
    return new TransientError(`connection failed (${systemCode(error) ?? rootOf(error)})`);
  if (error instanceof TypeError && error.cause instanceof Error) return new TransientError("connection failed");
  if (!(error instanceof APIError)) return error as Error;
  const { status = 0, code } = error;
  if (isOutOfMoney(code ?? null))
    return new LimitError(
      `${client.baseURL}: the account's quota is used up; what is done is kept, run the same command again to go on`,
    );
  if (status === 408 || status === 409 || status === 429 || status >= 500) return new TransientError(`HTTP ${status}`);
  return new UsageError(`${client.baseURL}: ${what}: HTTP ${error.message}`.replaceAll(String(client.apiKey), "(key)"));
}

/** What the first of all causes says. */
function rootOf(error: Error): string {
  return error.cause instanceof Error ? rootOf(error.cause) : error.message;
}

/** True for the codes that say that nothing more will be paid for. */
export function isOutOfMoney(code: string | null): boolean {
  return code !== null && /^(insufficient_quota|billing_hard_limit_reached|billing_not_active)$/.test(code);
}

/** Uploads a file of requests; one of the same name that is there already is taken. */
export async function upload(remote: Remote, path: string, name: string, mayBeThere: boolean): Promise<string> {
  const found = mayBeThere ? await findFile(remote, name) : null;
  if (found !== null) return found;
  return persistently(remote, "upload", async (signal) => {
    const file = await OpenAI.toFile(createReadStream(path), name);
    return (await remote.client.files.create({ file, purpose: "batch" }, { signal })).id;
  });
}

function findFile(remote: Remote, name: string): Promise<string | null> {
  return persistently(remote, "list of files", async (signal) => {
    for await (const file of remote.client.files.list({ purpose: "batch" }, { signal }))
      if (file.filename === name) return file.id;
    return null;
  });
}

/** The batches of this account that `isWanted`. */
export function findBatches(remote: Remote, isWanted: (batch: Batch) => boolean): Promise<Batch[]> {
  return persistently(remote, "list of batches", async (signal) => {
    const found: Batch[] = [];
    for await (const batch of remote.client.batches.list({ limit: 100 }, { signal }))
      if (isWanted(batch)) found.push(batch);
    return found;
  });
}

/** Makes a batch once; a failure leaves open whether there is one. */
export function create(
  { client }: Remote,
  file: string,
  metadata: Record<string, string>,
  signal: AbortSignal,
): Promise<Batch> {
  const how = { endpoint: "/v1/chat/completions", completion_window: "24h" } as const;
  return client.batches.create({ input_file_id: file, ...how, metadata }, { signal });
}

/** How a batch stands. */
export function retrieve(remote: Remote, batch: string): Promise<Batch> {
  return persistently(remote, "batch", (signal) => remote.client.batches.retrieve(batch, { signal }));
}

/** Deletes a file, which may be gone already. */
export function deleteFile(remote: Remote, file: string): Promise<void> {
  return persistently(remote, "deleting a file", async (signal) => {
    await remote.client.files.delete(file, { signal }).catch((error) => {
      if (!(error instanceof APIError) || error.status !== 404) throw error;
    });
  });
}

/** Reads a file of results line by line, from the beginning again when the connection breaks. Memory: one chunk and the longest line. */
export function readResults(remote: Remote, file: string, onLine: (line: unknown) => void): Promise<void> {
  return persistently(remote, "results", async (signal) => {
    const silence = new AbortController();
    const stop = () => silence.abort();
    signal.addEventListener("abort", stop);
    let timer = setTimeout(stop, remote.timeoutMs);
    try {
      const response = await remote.client.files.content(file, { signal: silence.signal });
      let rest = Buffer.alloc(0);
      for await (const chunk of response.body ?? []) {
        clearTimeout(timer);
        timer = setTimeout(stop, remote.timeoutMs);
        rest = takeLines(Buffer.concat([rest, chunk as Uint8Array]), onLine);
      }
      takeLines(Buffer.concat([rest, Buffer.from("\n")]), onLine);
    } catch (error) {
      throw silence.signal.aborted ? new TransientError("the results stopped coming") : error;
    } finally {
      clearTimeout(timer);
    }
  });
}

/** Hands on the whole lines, returns what comes after the last of them. A line that is not JSON is one that was cut. */
function takeLines(bytes: Buffer, onLine: (line: unknown) => void): Buffer<ArrayBuffer> {
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    const line = bytes.subarray(start, end).toString();
    start = end + 1;
    if (line.trim() !== "") onLine(parse(line));
  }
  return Buffer.from(bytes.subarray(start));
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new TransientError("a line of the results is not JSON", { cause });
  }
}
