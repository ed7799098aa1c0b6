import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseDocument } from "yaml";
import { z } from "zod";
import { RemoteError, UsageError } from "../../pipeline/errors.ts";
import { hubNet, type Net } from "../../pipeline/hub/http.ts";
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
import type { Run } from "../../pipeline/plan.ts";
import { type Folder, publishFolder, requirePublishable } from "../../stages/publish/folder.ts";
import { PII_KINDS } from "../../stages/publish/pii.ts";
import { write } from "../../stages/render/stage.ts";
import { findRun } from "./status.ts";
import { count, table } from "./terminal.ts";

/** Flags of `flipturn publish`. */
export interface PublishFlags {
  readonly repo: string;
  readonly private?: boolean;
  readonly tag?: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly pii: "mask" | "block" | "allow";
  readonly kMin: number;
  readonly output?: string;
  readonly json?: boolean;
}

/** What is to be done to the repository. */
interface Change {
  readonly isNew: boolean;
  readonly send: readonly Upload[];
  readonly remove: readonly string[];
  readonly all: readonly Upload[];
}

/** `flipturn publish`: the dataset of a finished run to the Hub, after a pass for privacy and a yes. */
export async function publish(flags: PublishFlags, signal: AbortSignal): Promise<void> {
  const run = await findRun(flags.output);
  const manifest = await requirePublishable(run);
  const net = hubNet(run.world.env, { signal, fetch: run.world.fetch });
  requireOwn(flags.repo, await account(net));
  const remote = await remoteFiles(flags.repo, net);
  if (remote) await requireSameSource(run, flags.repo, remote, net);
  console.error("publish: looking for personal data, and writing what goes out");
  const folder = await publishFolder(run, manifest, { kMin: flags.kMin, pii: flags.pii }, signal);
  const change = await changeOf(folder, remote);
  const isTagged =
    flags.tag !== undefined && remote !== null && (await requireFreeTag(flags.repo, flags.tag, change, net));
  console.error(`\n${preview(flags, folder, change)}\n`);
  if (flags.dryRun)
    return console.log(flags.json ? JSON.stringify(facts(flags, net, change, null)) : "Nothing was sent (--dry-run).");
  await requireYes(flags, signal);
  if (change.isNew) await makeRepo(flags.repo, flags.private ?? false, net);
  const commit = await send(run, flags.repo, change, net);
  await requireArrived(flags.repo, change.all, net);
  if (flags.tag && !isTagged) await tagCommit(flags.repo, flags.tag, commit ?? "main", net);
  if (flags.json) return console.log(JSON.stringify(facts(flags, net, change, commit)));
  console.log(`${count(change.all.length)} files are there as they are here, by size and hash.\n${urlOf(flags, net)}`);
}

const urlOf = ({ repo, tag }: PublishFlags, { hubUrl }: Net) =>
  `${hubUrl}/datasets/${repo}${tag ? `/tree/${tag}` : ""}`;

function facts(flags: PublishFlags, net: Net, { send, remove, all }: Change, commit: string | null) {
  return {
    url: urlOf(flags, net),
    commit,
    sent: send.map(({ path }) => path),
    removed: remove,
    files: all.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
  };
}

/** What HF `datasets` could take for data of a split. */
const DATA = /(^|\/)(train|validation|test)[-_./].*\.(parquet|jsonl|arrow)$|\.(parquet|arrow|csv)$/;

/** Throws UsageError if the repository holds data that is not of this source: licences would mix, and files of others be removed. */
async function requireSameSource(run: Run, repo: string, remote: readonly RemoteFile[], net: Net): Promise<void> {
  const configs = remote.some(({ path }) => path === "README.md") ? await configsOf(repo, net) : [];
  const other = configs.find((name) => name !== run.plan.source);
  if (other !== undefined)
    throw new UsageError(
      `${repo} holds data from ${other}, this run is from ${run.plan.source}: sources are not mixed, choose another --repo`,
    );
  const foreign = remote.find(
    ({ path }) => DATA.test(path) && !(configs.length > 0 && write.publishes?.owns.test(path)),
  );
  if (foreign)
    throw new UsageError(
      `${repo} holds ${foreign.path}, which flipturn did not put there: it would be read as part of this dataset; remove it, or choose another --repo`,
    );
}

/** The configurations that the card of a repository names; none where its head cannot be read. */
async function configsOf(repo: string, net: Net): Promise<string[]> {
  const [, header = ""] = /^---\r?\n([\s\S]*?)\n---/.exec((await remoteText(repo, "README.md", net)) ?? "") ?? [];
  const { data } = Head.safeParse(parseDocument(header).toJS());
  return (data?.configs ?? []).map(({ config_name }) => config_name);
}

const Head = z.object({ configs: z.array(z.object({ config_name: z.string() })).optional() });

/** True if the tag names what would be published already. Throws UsageError if it names something else. */
async function requireFreeTag(repo: string, tag: string, { send, remove }: Change, net: Net): Promise<boolean> {
  const { head, tags } = await remoteRefs(repo, net);
  const named = tags.get(tag);
  if (named === undefined) return false;
  if (named === head && send.length + remove.length === 0) return true;
  throw new UsageError(`${repo} has a tag "${tag}" already, of other files; nothing was sent, choose another --tag`);
}

async function changeOf({ path, files }: Folder, remote: readonly RemoteFile[] | null): Promise<Change> {
  const all = files.map((file): Upload => ({ ...file, from: join(path, file.path) }));
  const send: Upload[] = [];
  for (const upload of all) if (!(await isThere(upload, remote ?? []))) send.push(upload);
  const ours = new Set(all.map((upload) => upload.path));
  const stale = (remote ?? []).filter((file) => write.publishes?.owns.test(file.path) && !ours.has(file.path));
  return { isNew: remote === null, send, remove: stale.map((file) => file.path), all };
}

/** What will go where, and what was done for privacy. */
function preview(flags: PublishFlags, { staged }: Folder, { isNew, send, remove, all }: Change): string {
  const where = isNew
    ? `a new ${flags.private ? "private" : "public"} dataset`
    : "a dataset that is there; who may see it stays as it is";
  const rows = all.map((each) => [send.includes(each) ? "send" : "there", each.path, count(each.bytes)]);
  const found = PII_KINDS.map((kind) => [kind, count(staged.user_text[kind] ?? 0), count(staged.intents[kind] ?? 0)]);
  const done = { mask: "masked", block: `left out, ${count(staged.blocked_rows)} rows`, allow: "left in" }[flags.pii];
  return [
    `To ${flags.repo}, ${where}${flags.tag ? `, tag ${flags.tag}` : ""}:\n`,
    table([["", "file", "bytes"], ...rows, ...remove.map((path) => ["remove", path, ""])], [2]),
    `\nPersonal data found in ${count(staged.conversations)} conversations (${done}):\n`,
    table([["kind", "in user turns", "in intents"], ...found], [1, 2]),
    `\nUser ids are keyed anew; ${count(staged.merged_countries)} countries are called "other", so that none names fewer than ${flags.kMin} users.`,
  ].join("\n");
}

/** Throws UsageError unless somebody says yes. */
async function requireYes({ yes, repo }: PublishFlags, signal: AbortSignal): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) throw new UsageError("nobody is there to ask: look at the above and say --yes");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await lines.question(`Publish this to ${repo}? Type yes: `, { signal }).finally(() => lines.close());
  if (answer.trim().toLowerCase() !== "yes") throw new UsageError("nothing was sent");
}

/** The commit; null = all was there already. */
async function send(run: Run, repo: string, { send: add, remove }: Change, net: Net): Promise<string | null> {
  if (add.length + remove.length === 0) return null;
  const done = new Set<string>();
  return commitFiles(repo, { title: `Publish with flipturn ${run.plan.code}`, add, remove }, net, (event) => {
    if (event.event === "phase")
      console.error(
        `publish: ${{ preuploading: "asking which files are large", uploadingLargeFiles: "sending large files", committing: "committing" }[event.phase]}`,
      );
    else if (event.state === "uploading" && event.progress === 1 && !done.has(event.path))
      console.error(`publish: ${event.path} (${done.add(event.path).size} of ${add.length})`);
  });
}

/** Throws RemoteError unless every file is there with its size and hash. */
async function requireArrived(repo: string, all: readonly Upload[], net: Net): Promise<void> {
  const remote = (await remoteFiles(repo, net)) ?? [];
  for (const upload of all)
    if (!(await isThere(upload, remote)))
      throw new RemoteError(
        `${repo}: ${upload.path} is not there as it was sent (${count(upload.bytes)} bytes, sha256 ${upload.sha256.slice(0, 12)}…); run the same command again`,
      );
}
