// Writing to the Hugging Face Hub: who the token belongs to, a dataset repository, one commit with all files, and a check
// of what is there afterwards. Large files go to the Hub's storage first, each by its hash, so that a run that was cut
// sends again only what had not arrived; nobody sees anything of it before the commit.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pathToFileURL } from "node:url";
import { type CommitProgressEvent, commitIter, createRepo, repoExists, whoAmI } from "@huggingface/hub";
import { z } from "zod";
import { RemoteError, UsageError } from "../errors.ts";
import { ProxyProblem } from "../proxy.ts";
import { TransientError } from "../retry.ts";
import { type Net, persistently } from "./http.ts";
import { type HubFile, listRepository } from "./listing.ts";

/** Who a token belongs to, and whose repositories it may write to. */
export type Account = { name: string; owners: string[] };

/** A local file and where it goes. */
export type Upload = { path: string; from: string; bytes: number; sha256: string };

/** Who the token belongs to. Throws UsageError for one that is missing, unknown or may only read. */
export async function account(net: Net): Promise<Account> {
  const found = z
    .object({
      name: z.string(),
      orgs: z.array(z.object({ name: z.string() })).optional(),
      auth: z.object({ accessToken: z.object({ role: z.string() }).optional() }).optional(),
    })
    .parse(await whoAmI({ accessToken: tokenOf(net), hubUrl: net.hubUrl, fetch: sender(net) }));
  if (found.auth?.accessToken?.role === "read")
    throw new UsageError(`the token of HF_TOKEN belongs to ${found.name} and may only read; make one that may write`);
  return { name: found.name, owners: [found.name, ...(found.orgs ?? []).map(({ name }) => name)] };
}

/** Throws UsageError for a repository that is not named `owner/name`, or whose owner the token does not belong to. */
export function requireOwn(repo: string, { name, owners }: Account): void {
  if (!/^\w[\w.-]*\/\w[\w.-]*$/.test(repo))
    throw new UsageError(`"${repo}" is no name of a dataset: expected owner/name`);
  const owner = repo.split("/")[0] ?? "";
  if (!owners.includes(owner))
    throw new UsageError(`${repo} is not yours: HF_TOKEN belongs to ${name}, who may write to ${owners.join(", ")}`);
}

/** The files of a dataset repository; null = there is no such repository yet. */
export async function remoteFiles(repo: string, net: Net): Promise<HubFile[] | null> {
  const about = { accessToken: tokenOf(net), hubUrl: net.hubUrl, fetch: sender(net, [404]) };
  if (!(await repoExists({ repo: { type: "dataset", name: repo }, ...about }))) return null;
  return listRepository({ repo, revision: "main" }, net);
}

/** A small text file of the repository; null = it has none of that name. */
export async function remoteText(repo: string, path: string, net: Net): Promise<string | null> {
  const headers = { authorization: `Bearer ${tokenOf(net)}` };
  const response = await sender(net, [404])(`${net.hubUrl}/datasets/${repo}/resolve/main/${path}`, { headers });
  return response.ok ? response.text() : null;
}

const Refs = z.array(z.object({ name: z.string(), targetCommit: z.string() }));

/** The newest commit of a repository (null = none), and what its tags name. */
export type RemoteRefs = { readonly head: string | null; readonly tags: ReadonlyMap<string, string> };

/** What the names of a repository stand for now; null = there is no such repository yet. */
export async function remoteRefs(repo: string, net: Net): Promise<RemoteRefs | null> {
  const headers = { authorization: `Bearer ${tokenOf(net)}` };
  const response = await sender(net, [404])(`${net.hubUrl}/api/datasets/${repo}/refs`, { headers });
  if (response.status === 404) return null;
  const { branches, tags } = z.object({ branches: Refs, tags: Refs }).parse(await response.json());
  const head = branches.find(({ name }) => name === "main")?.targetCommit || null;
  return { head, tags: new Map(tags.map(({ name, targetCommit }) => [name, targetCommit])) };
}

/** Makes the repository; one that has just been made by somebody else is taken as it is. */
export async function makeRepo(repo: string, isPrivate: boolean, net: Net): Promise<void> {
  const fetch = sender(net, [409]);
  const visibility = isPrivate ? "private" : "public";
  const given = {
    repo: { type: "dataset" as const, name: repo },
    visibility,
    accessToken: tokenOf(net),
    hubUrl: net.hubUrl,
  } as const;
  await createRepo({ ...given, fetch }).catch((error: { statusCode?: number }) => {
    if (error.statusCode !== 409) throw error;
  });
}

/** True if the repository has the file as it is here. */
export async function isThere(upload: Upload, remote: readonly HubFile[]): Promise<boolean> {
  const found = remote.find(({ path }) => path === upload.path);
  if (found === undefined || found.bytes !== upload.bytes) return false;
  return found.sha256 === null ? found.gitOid === (await gitBlobId(upload)) : found.sha256 === upload.sha256;
}

async function gitBlobId({ from, bytes }: Upload): Promise<string> {
  const hash = createHash("sha1").update(`blob ${bytes}\0`);
  for await (const chunk of createReadStream(from)) hash.update(chunk);
  return hash.digest("hex");
}

/** What a commit does: files added, paths removed, all on top of `parent` (null = of whatever is there). */
export type CommitChange = {
  readonly title: string;
  readonly add: readonly Upload[];
  readonly remove: readonly string[];
  readonly parent: string | null;
};

/** Somebody else has committed to a repository since it was looked at. */
export class MovedError extends RemoteError {}

/** One commit. Returns its id. Throws MovedError if the newest commit is not the one that it goes on top of. */
export async function commitFiles(
  repo: string,
  change: CommitChange,
  net: Net,
  onProgress: (event: CommitProgressEvent) => void = () => {},
): Promise<string> {
  // An error that comes while nobody waits for an event is lost inside the library, which then waits for ever or speaks
  // of a logic error: the first one is caught here, where it is thrown.
  let fail: (error: unknown) => void = () => {};
  const failure = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failure.catch(() => {});
  const send = sender(net, [412]);
  const sendOrMoved: typeof globalThis.fetch = async (input, init) => {
    const response = await send(input, init);
    if (response.status !== 412) return response;
    throw new MovedError(
      `${repo}: somebody else has committed to it meanwhile; nothing was changed, look and run again`,
    );
  };
  const fetch: typeof globalThis.fetch = (input, init) =>
    sendOrMoved(input, init).catch((error) => {
      fail(error);
      throw error;
    });
  const steps = commitIter({
    repo: { type: "dataset", name: repo },
    title: change.title,
    ...(change.parent !== null && { parentCommit: change.parent }),
    operations: [
      ...change.add.map(({ path, from }) => ({
        operation: "addOrUpdate" as const,
        path,
        content: pathToFileURL(from),
      })),
      ...change.remove.map((path) => ({ operation: "delete" as const, path })),
    ],
    accessToken: tokenOf(net),
    hubUrl: net.hubUrl,
    fetch,
    ...(net.signal && { abortSignal: net.signal }),
  });
  for (;;) {
    const next = steps.next().catch((error) => Promise.race([failure, Promise.reject(error)]));
    const { done, value } = await Promise.race([next, failure]);
    if (!done) onProgress(value);
    else if (value) return value.commit.oid;
    else throw new RemoteError(`${net.hubUrl}: the commit to ${repo} was answered without its id`);
  }
}

/** Names the commit. Throws UsageError if the tag is there already. */
export async function tagCommit(repo: string, tag: string, commit: string, net: Net): Promise<void> {
  const headers = { authorization: `Bearer ${tokenOf(net)}`, "content-type": "application/json" };
  const url = `${net.hubUrl}/api/datasets/${repo}/tag/${encodeURIComponent(commit)}`;
  const response = await sender(net, [409])(url, { method: "POST", headers, body: JSON.stringify({ tag }) });
  if (response.status === 409)
    throw new UsageError(`${repo} has a tag "${tag}" already; the files are there, choose another --tag and run again`);
}

function tokenOf({ token }: Net): `hf_${string}` {
  if (token === null)
    throw new UsageError("HF_TOKEN is not set; it needs a token that may write, from the Hub's settings");
  if (!token.startsWith("hf_")) throw new UsageError("HF_TOKEN is no token of the Hub: those begin with hf_");
  return token as `hf_${string}`;
}

/** Silence that is allowed for a body: 100 kB in a second is slow, less is broken. */
const SLOWEST_BYTES_MS = 100;

/**
 * `fetch` for the library: answers come whole, what passes is tried again, and refusals are our errors. Bodies are text or
 * files, which can be sent again. `accepted`: statuses that the caller wants to see.
 */
function sender(net: Net, accepted: readonly number[] = []): typeof fetch {
  return async (input, init = {}) => {
    const url = new URL(String(input));
    const place = `${url.origin}${url.pathname}`; // what follows may be a signature
    const request = { source: { repo: "", revision: "main" }, url: place };
    const attempt = () => sendOnce(net, url, init, place, accepted);
    return persistently(request, net, { attempt, reached: () => 0 });
  };
}

async function sendOnce(
  net: Net,
  url: URL,
  init: RequestInit,
  place: string,
  accepted: readonly number[],
): Promise<Response> {
  const bytes = init.body instanceof Blob ? init.body.size : 0;
  const patience = AbortSignal.timeout(net.timeoutMs + Math.ceil(bytes / SLOWEST_BYTES_MS));
  const signals = [patience, init.signal, net.signal].filter((each) => each instanceof AbortSignal);
  const response = await net
    .fetch(url, { ...init, signal: AbortSignal.any(signals) })
    .then(whole)
    .catch((cause) => {
      net.signal?.throwIfAborted();
      if (cause instanceof UsageError) throw cause;
      const why = patience.aborted ? "no answer in time" : `the connection failed: ${rootOf(cause)}`;
      throw new TransientError(why, { cause });
    });
  if (response.ok && url.pathname.startsWith("/api/") && !(await isJson(response)))
    throw new TransientError("expected JSON, found something else");
  if (response.ok || accepted.includes(response.status)) return response;
  throw await refusal(response, place, net);
}

/** The answer with its body read, so that a body that is cut fails here. */
async function whole(response: Response): Promise<Response> {
  const body = await response.arrayBuffer();
  const { status, headers } = response;
  return new Response([204, 304].includes(status) ? null : body, { status, headers });
}

async function isJson(response: Response): Promise<boolean> {
  try {
    JSON.parse((await response.clone().text()) || "null");
    return true;
  } catch {
    return false;
  }
}

function rootOf(error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause !== undefined) root = root.cause;
  if (root instanceof ProxyProblem) return root.message;
  return (root as NodeJS.ErrnoException).code ?? (root instanceof Error ? root.message : String(root));
}

async function refusal(response: Response, place: string, net: Net): Promise<Error> {
  const { status, headers } = response;
  const said = (headers.get("x-error-message") ?? (await response.text()).slice(0, 200)).replaceAll(
    net.token ?? "\0",
    "(token)",
  );
  const details = `(status ${status}, URL ${place}${said ? `, it says: ${said}` : ""})`;
  if (status === 408 || status === 425 || status === 429 || status >= 500)
    return new TransientError(`status ${status}`, {
      waitMs: Math.min(300, Number(headers.get("retry-after")) || 0) * 1000,
    });
  if (status === 401)
    return new UsageError(`the Hub does not know the token of HF_TOKEN; nothing was published ${details}`);
  if (status === 403)
    return new UsageError(`the token of HF_TOKEN may not do this; it needs the right to write ${details}`);
  return new RemoteError(`the Hub did not answer as expected ${details}`);
}
