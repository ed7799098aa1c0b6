import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Union } from "../../../pipeline/collections.ts";
import { keyed } from "../../../pipeline/hash.ts";
import type { Task } from "../../../pipeline/task.ts";
import type { Cluster } from "../../../schemas/cluster.ts";
import type { Conversation } from "../../../schemas/conversation.ts";
import type { EndSignals } from "../../../schemas/end-signals.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import { prepared } from "../../prepare/artefacts.ts";
import { deduplicated } from "../artefacts.ts";
import { Entries, readEntries } from "../near/bands.ts";
import { enter, linkSimilar, type NearOptions } from "../near/link.ts";
import { MinHash } from "../near/minhash.ts";
import { Sets, StoredSets } from "../near/sets.ts";
import type { DedupOptions } from "../options.ts";
import { isEarlier } from "../templates.ts";
import { WordScanner } from "../words.ts";
import { filesOf } from "./count.ts";
import { matchTemplates } from "./match-templates.ts";

/** What is read of a conversation to be compared with others. */
type Compared = Pick<Conversation, "id" | "opening"> & Partial<Pick<Conversation, "turns">>;

function nearOptions({ bands, bandRows, jaccard, shingle }: DedupOptions): NearOptions {
  return { bands, rows: bandRows, jaccard, shingle };
}

/** Signs the texts of a shard that are still in, and puts them under their keys. */
export async function sign(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const { options, plan } = task;
  const near = nearOptions(options);
  const { rejections } = await matchTemplates(task);
  const scanner = new WordScanner();
  const minHash = new MinHash(keyed(plan.seed, "minhash"), near);
  const into = { sets: new Sets(), entries: new Entries(plan.shards) };
  let [number = 0] = (await firstNumbers(task)).slice(task.index);
  for await (const conversation of compared(task)) {
    const isSought = options.nearDuplicates !== "off" && !rejections.has(conversation.id);
    scanner.scan(isSought ? textOf(conversation) : "");
    enter(scanner, number++, minHash, near, into);
  }
  await task.writeBytes(deduplicated.sets, into.sets.encode());
  await task.writeBytes(deduplicated.entries, into.entries.encode());
  return {};
}

/** The conversations of the shard, with their turns only where these are compared. */
function compared(task: Task<DedupOptions>): AsyncGenerator<Compared> {
  if (task.options.nearText === "opening") return task.read(prepared.conversations, ["id", "opening"]);
  return task.read(prepared.conversations, ["id", "opening", "turns"]);
}

/** What is compared: the first user turn, or all that the user says. */
function textOf({ opening, turns }: Compared): string {
  if (turns === undefined) return opening;
  const own = turns.filter((turn) => turn.role === "user");
  return own.map((turn) => turn.content).join("\n");
}

/** The number of the first conversation of each shard, counted over all shards. */
async function firstNumbers(task: Task<DedupOptions>): Promise<number[]> {
  const firsts: number[] = [];
  let total = 0;
  for (const rows of await task.rowsByShard(prepared.conversations)) {
    firsts.push(total);
    total += rows;
  }
  return firsts;
}

/** Compares the texts that share a key of one range. */
export async function pair(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const parts = (await filesOf(task, deduplicated.entries)).map((path) => readEntries(path, task.index));
  const sets = new StoredSets(await filesOf(task, deduplicated.sets), await firstNumbers(task));
  try {
    const linked = linkSimilar(parts, (text) => sets.at(text), task.options.jaccard);
    await task.writeBytes(deduplicated.pairs, [new Uint8Array(linked.buffer)]);
  } finally {
    sets.close();
  }
  return {};
}

/** What is gathered about one cluster. */
type Gathered = { conversations: number; smallest: string; survivor: Timed; examples: string[] };

/** A conversation and when it began. */
type Timed = { id: string; started_at: EndSignals["started_at"] };

/** Gathers all that is linked into clusters. Memory: 8 bytes a conversation and about 400 a cluster. */
export async function cluster(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const union = new Union();
  const firsts = await firstNumbers(task);
  const linked = new Uint8Array(await task.takes());
  for (const path of await filesOf(task, deduplicated.pairs)) {
    const pairs = numbersOf(readFileSync(path));
    for (let at = 0; at < pairs.length; at += 2) union.join(pairs[at] as number, pairs[at + 1] as number);
    for (const text of pairs) linked[text] = 1;
  }
  const found = new Map<number, Gathered>();
  let text = 0;
  for await (const { conversation_id: id, started_at } of task.readAll(prepared.end_signals, [
    "conversation_id",
    "started_at",
  ])) {
    if (linked[text] === 1) gather(found, union.root(text), { id, started_at });
    text++;
  }
  const clusters = new Map([...found].map(([root, each]) => [root, clusterOf(each)]));
  await writeMembers(task, firsts, (text) => (linked[text] === 1 ? clusters.get(union.root(text)) : undefined));
  const rows = [...clusters.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  await task.write(deduplicated.clusters, rows);
  return { counts: { near_clusters: rows.length, near_duplicates: linked.reduce((sum, each) => sum + each, 0) } };
}

function numbersOf(bytes: Buffer): Uint32Array {
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

function gather(found: Map<number, Gathered>, root: number, key: Timed): void {
  const before = found.get(root);
  if (!before) {
    found.set(root, { conversations: 1, smallest: key.id, survivor: key, examples: [key.id] });
    return;
  }
  before.conversations++;
  if (key.id < before.smallest) before.smallest = key.id;
  if (isEarlier(key, before.survivor)) before.survivor = key;
  before.examples = [...before.examples, key.id].sort().slice(0, 5);
}

function clusterOf({ conversations, smallest, survivor, examples }: Gathered): Cluster {
  const id = `n-${createHash("sha256").update(smallest).digest("hex").slice(0, 10)}`;
  return { id, conversations, survivor: survivor.id, examples };
}

/** Writes for each shard which of its conversations are in which cluster. */
async function writeMembers(
  task: Task<DedupOptions>,
  firsts: readonly number[],
  clusterAt: (text: number) => Cluster | undefined,
): Promise<void> {
  for (const [shard, rows] of (await task.rowsByShard(prepared.conversations)).entries()) {
    const first = firsts[shard] as number;
    const members = Array.from({ length: rows }, (_, row) => ({ row, cluster: clusterAt(first + row) }));
    const found = members.flatMap(({ row, cluster }) =>
      cluster ? [{ row, cluster: cluster.id, survivor: cluster.survivor }] : [],
    );
    await task.write(deduplicated.members, found, shard);
  }
}
