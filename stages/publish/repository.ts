/** A folder that goes to the Hub -> a dataset repository that holds it, and nothing else of ours. */
import { join } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { RemoteError, UsageError } from "../../pipeline/errors.ts";
import type { Net } from "../../pipeline/hub/http.ts";
import {
  account,
  commitFiles,
  isThere,
  makeRepo,
  type RemoteFile,
  remoteFiles,
  remoteRefs,
  remoteText,
  requireOwn,
  tagCommit,
  type Upload,
} from "../../pipeline/hub/upload.ts";
import { type Folder, isOurs } from "./folder.ts";

/** A repository of the Hub, and its files; null = it is not there yet. */
export interface Repository {
  readonly name: string;
  readonly files: readonly RemoteFile[] | null;
}

/** What is to be done to a repository. */
export interface Change {
  readonly isNew: boolean;
  readonly send: readonly Upload[];
  readonly remove: readonly string[];
  readonly all: readonly Upload[];
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
  const files = await remoteFiles(name, net);
  if (files) await requireSameSource(source, { name, files }, net);
  return { name, files };
}

/** What HF `datasets` could take for data of a split. */
const DATA = /(^|\/)(train|validation|test)[-_./].*\.(parquet|jsonl|arrow)$|\.(parquet|arrow|csv)$/;

async function requireSameSource(
  source: string,
  { name, files }: { name: string; files: readonly RemoteFile[] },
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
  return { isNew: repository.files === null, send, remove: stale.map((file) => file.path), all };
}

/** True if the tag names what would be published already. Throws UsageError if it names something else. */
export async function isTagged(
  repository: Repository,
  tag: string,
  { send, remove }: Change,
  net: Net,
): Promise<boolean> {
  if (repository.files === null) return false;
  const { head, tags } = await remoteRefs(repository.name, net);
  const named = tags.get(tag);
  if (named === undefined) return false;
  if (named === head && send.length + remove.length === 0) return true;
  throw new UsageError(
    `${repository.name} has a tag "${tag}" already, of other files; nothing was sent, choose another --tag`,
  );
}

/**
 * Makes the change, and looks whether every file has arrived. Returns the commit; null = all was there already.
 * Throws RemoteError if a file is not there as it was sent.
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
  const isThereAlready = send.length + remove.length === 0;
  const commit = isThereAlready ? null : await commitFiles(repo, { title, add: send, remove }, net, onEvent);
  await requireArrived(repo, all, net);
  if (tag !== null) await tagCommit(repo, tag, commit ?? "main", net);
  return commit;
}

async function requireArrived(repo: string, all: readonly Upload[], net: Net): Promise<void> {
  const remote = (await remoteFiles(repo, net)) ?? [];
  for (const upload of all)
    if (!(await isThere(upload, remote)))
      throw new RemoteError(
        `${repo}: ${upload.path} is not there as it was sent (${upload.bytes} bytes, sha256 ${upload.sha256.slice(0, 12)}…); run the same command again`,
      );
}
