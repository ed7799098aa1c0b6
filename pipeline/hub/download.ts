// The Hugging Face Hub as stages need it. In: a dataset repository, a revision, patterns. Out: the commit it stands
// for, the files in it, and each file whole on disk under its final name, or no file there at all.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { datasetInfo } from "@huggingface/hub";
import { RemoteError, systemCode, UsageError } from "../errors.ts";
import { TransientError } from "../retry.ts";
import {
  answerFetch,
  ask,
  at,
  type HubAnswer,
  type HubRequest,
  type HubSource,
  leave,
  type Net,
  persistently,
} from "./http.ts";
import { GIT_ID, type HubFile, listRepository, requireNamesApart } from "./listing.ts";

/** The full commit (40 hex digits) that the revision stands for now. Throws UsageError (refused, not found) or RemoteError. */
export async function resolveRevision(source: HubSource, net: Net): Promise<string> {
  checkRepo(source.repo);
  if (GIT_ID.test(source.revision)) return source.revision;
  const found = await datasetInfo({
    name: source.repo,
    revision: source.revision,
    additionalFields: ["sha"],
    hubUrl: net.hubUrl,
    fetch: answerFetch(source, net),
  });
  if (!GIT_ID.test(found.sha)) {
    throw new RemoteError(`${net.hubUrl}: expected the commit of ${at(source)}, found ${JSON.stringify(found.sha)}`);
  }
  return found.sha;
}

/**
 * The files that match a pattern, in the order of their paths (code units). `*` stands for any run of characters inside one folder's names.
 * Throws UsageError (refused, not found, a pattern that matches no file) or RemoteError (a listing that cannot be right, too).
 */
export async function listHubFiles(source: HubSource, patterns: readonly string[], net: Net): Promise<HubFile[]> {
  checkRepo(source.repo);
  const all = await listRepository(source, net);
  const matchers = patterns.map(globToRegExp);
  const unmet = patterns.find((_, index) => !all.some((file) => matchers[index]?.test(file.path)));
  if (unmet !== undefined) {
    const some = all.slice(0, 5).map((file) => file.path);
    throw new UsageError(`${at(source)} has no file "${unmet}"; it has ${all.length} files: ${some.join(", ")}, …`);
  }
  const chosen = all.filter((file) => matchers.some((matcher) => matcher.test(file.path)));
  requireNamesApart(
    source,
    chosen.map(({ path }) => path),
  );
  return chosen;
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
    await persistently(request, net, { attempt: () => receiveRest(download), reached: () => furthest });
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
    throw new TransientError(`status ${response.status} with Content-Range ${response.headers.get("content-range")}`);
  }
  const done = await append(download, chunks, from);
  if (done < file.bytes) throw new TransientError(`the body ended at byte ${done} of ${file.bytes}`);
}

/** How many bytes on disk can be gone on from; more than the file has cannot be right. */
async function usableBytes({ handle, file }: Download): Promise<number> {
  const { size } = await handle.stat();
  if (size <= file.bytes) return size;
  await handle.truncate(0);
  return 0;
}

function askForRest({ request, net }: Download, have: number): Promise<HubAnswer> {
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

async function append({ handle, file, onBytes }: Download, chunks: HubAnswer["chunks"], from: number): Promise<number> {
  let done = from;
  for await (const chunk of chunks) {
    done += chunk.length;
    if (done > file.bytes) {
      await handle.truncate(0);
      throw new TransientError(`the body goes on after the ${file.bytes} bytes that the listing gives`);
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

function checkRepo(repo: string): void {
  if (/^\w[\w.-]*\/\w[\w.-]*$/.test(repo)) return;
  throw new UsageError(`"${repo}" is not the name of a dataset on the Hub: expected owner/name`);
}
