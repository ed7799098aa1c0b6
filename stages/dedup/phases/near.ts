import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { Union } from "../../../pipeline/collections.ts";
import { keyed } from "../../../pipeline/hash.ts";
import type { Task } from "../../../pipeline/task.ts";
import { Cluster } from "../../../schemas/cluster.ts";
import { Conversation } from "../../../schemas/conversation.ts";
import { openingKey } from "../../../schemas/group-keys.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import { Entries, readEntries } from "../near/bands.ts";
import { enter, linkSimilar, type NearOptions } from "../near/link.ts";
import { MinHash } from "../near/minhash.ts";
import { Sets, StoredSets } from "../near/sets.ts";
import type { DedupOptions } from "../stage.ts";
import { isEarlier } from "../templates.ts";
import { WordScanner } from "../words.ts";
import { runsFile, shardsOf } from "./count.ts";
import { sift } from "./match-templates.ts";

/** What later phases need of each conversation of a shard, without its text. */
export const KeyRow = z.object({
  id: z.string(),
  started_at: z.string().nullable(),
  opening_key: z.string().nullable(),
});
/** A conversation, by its place in the shard, that is in a cluster. */
export const MemberRow = z.object({ row: z.int(), cluster: z.string(), survivor: z.string() });

const Opening = Conversation.pick({ id: true, started_at: true, opening: true });
const Whole = Conversation.pick({ id: true, started_at: true, opening: true, turns: true });

function nearOptions({ bands, bandRows, jaccard, shingle }: DedupOptions): NearOptions {
  return { bands, rows: bandRows, jaccard, shingle };
}

/** Signs the texts of a shard that are still in, and puts them under their keys. */
export async function sign(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const { options, plan } = task;
  const near = nearOptions(options);
  const { rejections } = await sift(task);
  const scanner = new WordScanner();
  const minHash = new MinHash(keyed(plan.seed, "minhash"), near);
  const into = { sets: new Sets(), entries: new Entries(plan.shards) };
  const [first = 0] = (await firstNumbers(task)).slice(task.index);
  let row = 0;
  async function* keys(): AsyncGenerator<z.infer<typeof KeyRow>> {
    const schema = options.nearText === "opening" ? Opening : Whole;
    for await (const conversation of task.read("prepare", "conversations", schema)) {
      const { id, started_at, opening } = conversation;
      const isSought = options.nearDuplicates !== "off" && !rejections.has(id);
      scanner.scan(isSought ? textOf(conversation) : "");
      enter(scanner, first + row++, minHash, near, into);
      yield { id, started_at, opening_key: openingKey(opening) };
    }
  }
  await task.write("keys", KeyRow, keys());
  await task.writeBytes(task.path(runsFile("sets", task.index)), into.sets.encode());
  await task.writeBytes(task.path(runsFile("entries", task.index)), into.entries.encode());
  return {};
}

/** What is compared: the first user turn, or all that the user says. */
function textOf(conversation: z.infer<typeof Opening> | z.infer<typeof Whole>): string {
  if (!("turns" in conversation)) return conversation.opening;
  const own = conversation.turns.filter((turn) => turn.role === "user");
  return own.map((turn) => turn.content).join("\n");
}

/** The number of the first conversation of each shard, counted over all shards. */
async function firstNumbers(task: Task<DedupOptions>): Promise<number[]> {
  const firsts: number[] = [];
  let total = 0;
  for (const shard of shardsOf(task)) {
    firsts.push(total);
    total += await task.rows("prepare", "conversations", shard);
  }
  return firsts;
}

/** Compares the texts that share a key of one range. */
export async function pair(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const parts = shardsOf(task).map((shard) => readEntries(task.path(runsFile("entries", shard)), task.index));
  const paths = shardsOf(task).map((shard) => task.path(runsFile("sets", shard)));
  const sets = new StoredSets(paths, await firstNumbers(task));
  try {
    const linked = linkSimilar(parts, (text) => sets.at(text), task.options.jaccard);
    await task.writeBytes(task.path(runsFile("pairs", task.index)), [new Uint8Array(linked.buffer)]);
  } finally {
    sets.close();
  }
  return {};
}

/** What is gathered about one cluster. */
type Gathered = { conversations: number; smallest: string; survivor: z.infer<typeof KeyRow>; examples: string[] };

/** Gathers all that is linked into clusters. Memory: 8 bytes a conversation and about 400 a cluster. */
export async function cluster(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const union = new Union();
  const firsts = await firstNumbers(task);
  const linked = new Uint8Array((await task.manifest("prepare")).kept);
  for (const range of shardsOf(task)) {
    const pairs = numbersOf(readFileSync(task.path(runsFile("pairs", range))));
    for (let at = 0; at < pairs.length; at += 2) union.join(pairs[at] as number, pairs[at + 1] as number);
    for (const text of pairs) linked[text] = 1;
  }
  const found = new Map<number, Gathered>();
  for (const shard of shardsOf(task)) {
    let text = firsts[shard] as number;
    for await (const key of task.read("dedup", "keys", KeyRow, shard)) {
      if (linked[text] === 1) gather(found, union.root(text), key);
      text++;
    }
  }
  const clusters = new Map([...found].map(([root, each]) => [root, clusterOf(each)]));
  await writeMembers(task, firsts, (text) => (linked[text] === 1 ? clusters.get(union.root(text)) : undefined));
  const rows = [...clusters.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  await task.write("clusters", Cluster, rows, { index: 0, of: 1 });
  return { counts: { near_clusters: rows.length, near_duplicates: linked.reduce((sum, each) => sum + each, 0) } };
}

function numbersOf(bytes: Buffer): Uint32Array {
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

function gather(found: Map<number, Gathered>, root: number, key: z.infer<typeof KeyRow>): void {
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
  for (const shard of shardsOf(task)) {
    const first = firsts[shard] as number;
    const rows = await task.rows("prepare", "conversations", shard);
    const members = Array.from({ length: rows }, (_, row) => ({ row, cluster: clusterAt(first + row) }));
    const found = members.flatMap(({ row, cluster }) =>
      cluster ? [{ row, cluster: cluster.id, survivor: cluster.survivor }] : [],
    );
    await task.write("members", MemberRow, found, { index: shard, of: task.plan.shards });
  }
}
