/**
 * Conversations -> users, each in one split ("Flipping the Dialogue", section 2.2: unique users by hashed IP and country,
 * inside each country 90/5/5, all conversations of a user in one split), the split of every conversation, and an audit of
 * what conversations in different splits have in common all the same.
 *
 * Who is drawn, `by`: `paper` takes the same IP seen under two countries as one user, in the country of most of its
 * conversations, since the paper's letter (`ip+country`) lets one person sit in two splits. `user` draws the same users
 * without regard to countries, `groups` draws users together whose conversations are alike, `hash` decides for each user
 * alone. Conversations without a user stand alone. See `split/draw.ts` for how, `split/audit.ts` for the audit.
 *
 * collect (a shard each): who was seen where. draw (once): users. place (a shard each): the split of each conversation.
 * audit (once): leaks.
 */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { keyOf } from "../../pipeline/collections.ts";
import { UsageError } from "../../pipeline/errors.ts";
import { parquet, query } from "../../pipeline/files/duckdb.ts";
import { readParquet } from "../../pipeline/files/parquet.ts";
import { defineStage } from "../../pipeline/stage.ts";
import type { Task } from "../../pipeline/task.ts";
import { Conversation } from "../../schemas/conversation.ts";
import { Trait } from "../../schemas/group-keys.ts";
import { Leak } from "../../schemas/leak.ts";
import type { Tally } from "../../schemas/manifest.ts";
import { Placed } from "../../schemas/split-assignment.ts";
import { Share } from "../../schemas/stratum.ts";
import { Split, User } from "../../schemas/user.ts";
import { Audit, leaksInWords } from "./audit.ts";
import { drawSplits } from "./draw.ts";
import { Groups } from "./groups.ts";
import { type LinkedKeys, Links, readLinks } from "./links.ts";
import { sharesByCountry } from "./strata.ts";
import { addSightings, mergeCountries, Seen } from "./users.ts";

export const SplitOptions = z.strictObject({
  ratios: z
    .array(z.number().min(0))
    .length(3)
    .refine((ratios) => ratios.some((ratio) => ratio > 0), "at least one must be above 0")
    .default([90, 5, 5])
    .describe("shares of users for train, validation and test, such as 90,5,5"),
  by: z
    .enum(["paper", "ip+country", "user", "groups", "hash"])
    .default("paper")
    .describe(
      "who is drawn: users inside their country; IP and country as the user (the paper's letter); users wherever they are; groups of users whose conversations are alike; each user by a hash that never changes",
    ),
  leaks: z
    .enum(["count", "fail"])
    .default("count")
    .describe("what conversations of different splits have in common: count it, or stop the run if there is any"),
  fixedSplit: Split.nullable().default(null).describe("put every conversation into this split"),
});
export type SplitOptions = z.infer<typeof SplitOptions>;

/** What is read of a conversation that `dedup` kept: whose it is, and what it has in common with others. */
type Member = { id: string; user_id: string | null; country: string | null } & Pick<
  Trait,
  "opening_key" | "template" | "cluster"
>;

const Owner = Conversation.pick({ id: true, user_id: true, country: true });
const ONE = { index: 0, of: 1 };

/** The conversations of a shard that `dedup` kept, in order. Memory: the traits of a shard. */
async function* members(task: Task<SplitOptions>): AsyncGenerator<Member> {
  const traits = new Map<string, Trait>();
  for await (const trait of task.read("dedup", "traits", Trait)) traits.set(trait.conversation_id, trait);
  for await (const owner of task.read("prepare", "conversations", Owner)) {
    const trait = traits.get(owner.id);
    if (!trait) continue;
    const { opening_key, template, cluster } = trait;
    yield { ...owner, opening_key, template, cluster };
  }
}

async function collect(task: Task<SplitOptions>): Promise<Partial<Tally>> {
  const seen: Seen[] = [];
  const links = new Links();
  let users = 0;
  for await (const { id, user_id: user, country, opening_key: opening, template, cluster } of members(task)) {
    if (user !== null) users++;
    links.add(user ?? id, { user, country, opening, template, cluster });
    seen.push({ user_id: user ?? id, country, conversations: 1 });
  }
  await task.write("seen", Seen, addSightings(seen));
  await task.writeBytes(task.path(linksFile(task.index)), [links.bytes()]);
  return { taken: seen.length, in: seen.length, kept: seen.length, counts: { conversations_of_known_users: users } };
}

/** Throws UsageError if users are to be drawn and no conversation says whose it is. */
function requireUsers(by: SplitOptions["by"], source: string, conversations: number, known: number): void {
  if ((by !== "user" && by !== "ip+country") || conversations === 0 || known > 0) return;
  throw new UsageError(
    `split.by is \`${by}\`, but none of the ${conversations} conversations of ${source} says whose it is; name the user column (--columns user=…), or take \`groups\` or \`hash\`, which need no users`,
  );
}

async function draw(task: Task<SplitOptions>): Promise<Partial<Tally>> {
  const { options, plan, signal } = task;
  const rows: Seen[] = [];
  for await (const row of readParquet(task.shards("split", "seen"), Seen, { signal })) rows.push(row);
  const before = await task.results("collect");
  const known = before.reduce((sum, { tally }) => sum + (tally.counts["conversations_of_known_users"] ?? 0), 0);
  requireUsers(options.by, plan.source, rows.length, known);
  const sightings = addSightings(rows);
  const merged = options.by === "ip+country" ? sightings : mergeCountries(sightings);
  const groups = options.by === "groups" ? findGroups(task) : new Groups();
  const groupOf = (user: Seen) => groups.of(keyOf(user.user_id));
  const drawn = drawSplits(merged, plan.seed, options.ratios, options.by, groupOf);
  const users = options.fixedSplit ? drawn.map((user) => ({ ...user, split: options.fixedSplit as Split })) : drawn;
  await task.write("users", User, users, ONE);
  await task.write("shares", Share, sharesByCountry(users, options.ratios), ONE);
  const abroad = sightings.length - new Set(sightings.map((row) => row.user_id)).size;
  return { counts: { ...countUsers(users), ips_in_several_countries: abroad } };
}

/** Users whose conversations have an opening or a cluster of near-duplicates in common. */
function findGroups(task: Task<SplitOptions>): Groups {
  const groups = new Groups();
  for (let shard = 0; shard < task.plan.shards; shard++) {
    for (const keyIn of readLinks(readFileSync(task.path(linksFile(shard))))) {
      const [opening, [low, high]] = [keyIn("opening"), keyIn("cluster")];
      if (opening[0] !== 0 || opening[1] !== 0) groups.add(keyIn("owner"), opening);
      // Turned round, so that no cluster is taken for an opening.
      if (low !== 0 || high !== 0) groups.add(keyIn("owner"), [~low >>> 0, ~high >>> 0]);
    }
  }
  return groups;
}

function linksFile(shard: number): string {
  return `links-${String(shard).padStart(5, "0")}.keys`;
}

function countUsers(users: readonly User[]): Record<string, number> {
  const counts: Record<string, number> = {
    users: users.length,
    countries: new Set(users.flatMap(({ country }) => country ?? [])).size,
  };
  for (const split of Split.options) {
    const members = users.filter((user) => user.split === split);
    counts[`users_${split}`] = members.length;
    counts[`conversations_${split}`] = members.reduce((sum, user) => sum + user.conversations, 0);
  }
  const sizes = new Map<string, number>();
  for (const { group } of users) if (group !== null) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  if (sizes.size === 0) return counts;
  return {
    ...counts,
    groups: sizes.size,
    users_of_largest_group: [...sizes.values()].reduce((a, b) => Math.max(a, b)),
  };
}

async function place(task: Task<SplitOptions>): Promise<Partial<Tally>> {
  const splits = await splitsOf(task);
  async function* rows(): AsyncGenerator<Placed> {
    for await (const { conversation_id } of task.read("dedup", "traits", Trait.pick({ conversation_id: true }))) {
      const split = splits.get(conversation_id);
      if (split === undefined) throw new Error(`${conversation_id}: has no split`);
      yield { conversation_id, split };
    }
  }
  await task.write("placed", Placed, rows());
  return {};
}

/** The split of each conversation of the shard: the engine joins the shard's users with all users, and reads no text. */
async function splitsOf(task: Task<SplitOptions>): Promise<Map<string, Split>> {
  const sameCountry = task.options.by === "ip+country" ? "AND u.country IS NOT DISTINCT FROM c.country" : "";
  const path = task.shard("split", "users", 0, 1);
  const sql = `SELECT c.id, u.split
    FROM ${parquet(task.shard("prepare", "conversations"))} c
    JOIN ${parquet(path)} u ON u.user_id = coalesce(c.user_id, c.id) ${sameCountry}`;
  const splits = new Map<string, Split>();
  for await (const row of query(sql, path, task.signal)) {
    const { id, split } = row as { id: string; split: Split };
    splits.set(id, split);
  }
  return splits;
}

async function audit(task: Task<SplitOptions>): Promise<Partial<Tally>> {
  const found = new Audit();
  for (let shard = 0; shard < task.plan.shards; shard++) {
    const links = readLinks(readFileSync(task.path(linksFile(shard))));
    for await (const { split } of task.read("split", "placed", Placed.pick({ split: true }), shard))
      found.addKeys(split, links.next().value as LinkedKeys);
  }
  const leaks = await found.leaks(placedIds(task));
  await task.write("leaks", Leak, leaks, ONE);
  const words = leaksInWords(leaks);
  if (task.options.leaks === "fail" && words !== "")
    throw new Error(
      `the splits share ${words}, and split.leaks is \`fail\`; \`--split-by groups\` keeps together what is alike, \`flipturn split audit\` shows examples once it is \`count\``,
    );
  return { counts: Object.fromEntries(leaks.map(({ link, values }) => [`leaks_by_${link}`, values])) };
}

async function* placedIds(task: Task<SplitOptions>): AsyncGenerator<string> {
  for await (const { conversation_id } of readParquet(task.shards("split", "placed"), Placed, { signal: task.signal }))
    yield conversation_id;
}

export const split = defineStage({
  name: "split",
  summary: "train, validation and test by user inside each country",
  reads: ["prepare", "dedup"],
  unit: "conversations",
  options: SplitOptions,
  isIntermediate: (name) => /^(seen|links)-/.test(name),
  phases: [
    { name: "collect", tasks: (plan) => plan.shards, run: collect },
    { name: "draw", tasks: () => 1, run: draw },
    { name: "place", tasks: (plan) => plan.shards, run: place },
    { name: "audit", tasks: () => 1, run: audit },
  ],
});
