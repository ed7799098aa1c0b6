/** A folder that goes to the Hub -> a dataset repository that holds it, and nothing else of ours. */
import { join } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { RemoteError, UsageError } from "../../pipeline/errors.ts";
import type { Net } from "../../pipeline/hub/http.ts";
import type { HubFile } from "../../pipeline/hub/listing.ts";
import {
  account,
  commitFiles,
  isThere,
  MovedError,
  makeRepo,
  remoteFiles,
  remoteRefs,
  remoteText,
  requireOwn,
  tagCommit,
  type Upload,
} from "../../pipeline/hub/upload.ts";
import { type Folder, isOurs } from "./folder.ts";

/** A repository of the Hub, its files (null = it is not there yet), and the newest commit when they were listed (null = none). */
export interface Repository {
  readonly name: string;
  readonly files: readonly HubFile[] | null;
  readonly head: string | null;
}

/** What is to be done to a repository. */
export interface Change {
  readonly isNew: boolean;
  readonly send: readonly Upload[];
  readonly remove: readonly string[];
  readonly all: readonly Upload[];
  /** Newest commit when it was looked at; null = none. */
  readonly head: string | null;
}

/** What a repository that is made is like, what the commit is called, and the tag that it gets; null = none. */
export interface Commit {
  readonly isPrivate: boolean;
  readonly title: string;
  readonly tag: string | null;
}

/** What is told of sending, as `commitFiles` tells it. */
export type SendEvent = Parameters<NonNullable<Parameters<typeof commitFiles>[3]>>[0];

/**
 * A repository that may take a dataset of a source. Throws UsageError if the token may not write to it, or if it holds data
 * of another source: licences would mix, and files of others be removed.
 */
export async function openRepository(name: string, source: string, net: Net): Promise<Repository> {
  requireOwn(name, await account(net));
  const refs = await remoteRefs(name, net); // before the files, so that a commit between the two is in our way and not unseen
  const files = refs === null ? null : await remoteFiles(name, net);
  if (files) await requireSameSource(source, { name, files }, net);
  return { name, files, head: refs?.head ?? null };
}

/** What HF `datasets` could take for data of a split. */
const DATA = /(^|\/)(train|validation|test)[-_./].*\.(parquet|jsonl|arrow)$|\.(parquet|arrow|csv)$/;

async function requireSameSource(
  source: string,
  { name, files }: { name: string; files: readonly HubFile[] },
  net: Net,
): Promise<void> {
  const configs = files.some(({ path }) => path === "README.md") ? await configsOf(name, net) : [];
  const other = configs.find((config) => config !== source);
  if (other !== undefined)
    throw new UsageError(
      `${name} holds data from ${other}, this run is from ${source}: sources are not mixed, choose another --repo`,
    );
  const foreign = files.find(({ path }) => DATA.test(path) && !(configs.length > 0 && isOurs(path)));
  if (foreign)
    throw new UsageError(
      `${name} holds ${foreign.path}, which flipturn did not put there: it would be read as part of this dataset; remove it, or choose another --repo`,
    );
}

/** The configurations that the card of a repository names; none where its head cannot be read. */
async function configsOf(repo: string, net: Net): Promise<string[]> {
  const [, header = ""] = /^---\r?\n([\s\S]*?)\n---/.exec((await remoteText(repo, "README.md", net)) ?? "") ?? [];
  const { data } = Head.safeParse(parseDocument(header).toJS());
  return (data?.configs ?? []).map(({ config_name }) => config_name);
}

const Head = z.object({ configs: z.array(z.object({ config_name: z.string() })).optional() });

/** What makes a repository hold what a folder holds. */
export async function changeOf({ path, files }: Folder, repository: Repository): Promise<Change> {
  const remote = repository.files ?? [];
  const all = files.map((file): Upload => ({ ...file, from: join(path, file.path) }));
  const send: Upload[] = [];
  for (const upload of all) if (!(await isThere(upload, remote))) send.push(upload);
  const ours = new Set(all.map((upload) => upload.path));
  const stale = remote.filter((file) => isOurs(file.path) && !ours.has(file.path));
  const remove = stale.map((file) => file.path);
  return { isNew: repository.files === null, send, remove, all, head: repository.head };
}

/** True if the tag names what would be published already. Throws UsageError if it names something else. */
export async function isTagged(
  repository: Repository,
  tag: string,
  { send, remove }: Change,
  net: Net,
): Promise<boolean> {
  if (repository.files === null) return false;
  const refs = await remoteRefs(repository.name, net);
  const named = refs?.tags.get(tag);
  if (named === undefined) return false;
  if (named === refs?.head && send.length + remove.length === 0) return true;
  throw new UsageError(
    `${repository.name} has a tag "${tag}" already, of other files; nothing was sent, choose another --tag`,
  );
}

/**
 * Makes the change, and looks whether every file has arrived. Returns the commit; null = all was there already.
 * Throws RemoteError if a file is not there as it was sent, which is then taken off again, or if somebody else has
 * committed meanwhile.
 */
export async function publishChange(
  repo: string,
  change: Change,
  { isPrivate, title, tag }: Commit,
  net: Net,
  onEvent: (event: SendEvent) => void,
): Promise<string | null> {
  const { isNew, send, remove, all } = change;
  if (isNew) await makeRepo(repo, isPrivate, net);
  const head = isNew ? ((await remoteRefs(repo, net))?.head ?? null) : change.head;
  const isThereAlready = send.length + remove.length === 0;
  const commit = isThereAlready ? null : await makeCommit(repo, { ...change, head }, title, net, onEvent);
  await requireArrived(repo, all, commit, net);
  if (tag !== null) await tagCommit(repo, tag, commit ?? "main", net);
  return commit;
}

/** The commit of a change; one whose answer was lost, so that its second try is in its own way, counts as made. */
async function makeCommit(
  repo: string,
  { send, remove, all, head }: Change,
  title: string,
  net: Net,
  onEvent: (event: SendEvent) => void,
): Promise<string | null> {
  try {
    return await commitFiles(repo, { title, add: send, remove, parent: head }, net, onEvent);
  } catch (error) {
    if (!(error instanceof MovedError)) throw error;
    const remote = (await remoteFiles(repo, net)) ?? [];
    const isLeft = remote.some(({ path }) => remove.includes(path));
    if (isLeft || (await notArrived(all, remote)).length > 0) throw error;
    return (await remoteRefs(repo, net))?.head ?? null;
  }
}

async function notArrived(all: readonly Upload[], remote: readonly HubFile[]): Promise<Upload[]> {
  const missing: Upload[] = [];
  for (const upload of all) if (!(await isThere(upload, remote))) missing.push(upload);
  return missing;
}

/** Throws RemoteError if main does not hold the files as they were sent, or data beside them that nobody has seen before. */
async function requireArrived(repo: string, all: readonly Upload[], commit: string | null, net: Net): Promise<void> {
  const remote = (await remoteFiles(repo, net)) ?? [];
  const wrong = await notArrived(all, remote);
  const [first] = wrong;
  if (first) {
    const names = wrong.map(({ path }) => path);
    const there = remote.flatMap(({ path }) => (names.includes(path) ? [path] : []));
    const cure = commit === null || there.length === 0 ? "" : `; ${await takeOff(repo, there, commit, net)}`;
    throw new RemoteError(
      `${repo}: ${first.path}${wrong.length > 1 ? ` and ${wrong.length - 1} more` : ""} is not there as it was sent (${first.bytes} bytes, sha256 ${first.sha256.slice(0, 12)}…)${cure}; run the same command again, and if this comes back publish to another --repo`,
    );
  }
  const ours = new Set(all.map(({ path }) => path));
  const foreign = remote.find(({ path }) => DATA.test(path) && !ours.has(path));
  if (foreign)
    throw new RemoteError(
      `${repo}: ${foreign.path} appeared there while this was sent: it would be read as part of this dataset; remove it and run the same command again`,
    );
}

/** Takes files off main that must not be read there. Says in words what came of it. */
async function takeOff(repo: string, remove: readonly string[], parent: string, net: Net): Promise<string> {
  try {
    await commitFiles(repo, { title: "Take off what did not arrive as it was sent", add: [], remove, parent }, net);
    return "what is wrong was taken off main again";
  } catch (error) {
    net.signal?.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    return `it could not be taken off main again (${why}): remove ${remove.slice(0, 5).join(", ")} there by hand`;
  }
}
