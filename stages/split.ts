/**
 * Conversations -> users, each in one split ("Flipping the Dialogue", section 2.2: unique users by hashed IP and country,
 * inside each country 90/5/5, all conversations of a user in one split).
 *
 * Who a user is: the same IP seen under two countries is one user, in the country of most of its conversations, since the
 * paper's letter (`userKey: ip+country`) lets one person sit in two splits. Conversations without a user stand alone.
 *
 * How they are drawn: countries one after the other in an order given by the seed, users of a country in an order given
 * by the seed, and along this line each user goes to the split that is furthest behind its share. So every country gets
 * its share within two users, all countries together within one, and small countries are not rounded down to nothing.
 */

import { z } from "zod";
import { compare } from "../pipeline/order.ts";
import { readParquet } from "../pipeline/parquet.ts";
import { keyed } from "../pipeline/random.ts";
import { defineStage } from "../pipeline/stage.ts";
import type { Task } from "../pipeline/task.ts";
import { Conversation } from "../schemas/conversation.ts";
import type { Tally } from "../schemas/manifest.ts";
import { Split, User } from "../schemas/user.ts";

export const SplitOptions = z.strictObject({
  ratios: z
    .array(z.number().min(0))
    .length(3)
    .refine((ratios) => ratios.some((ratio) => ratio > 0), "at least one must be above 0")
    .default([90, 5, 5])
    .describe("shares of users for train, validation and test, such as 90,5,5"),
  userKey: z
    .enum(["ip", "ip+country"])
    .default("ip")
    .describe("what makes a user: the IP wherever it is seen, or the IP and the country (the paper's letter)"),
  fixedSplit: Split.nullable().default(null).describe("put every conversation into this split"),
});
export type SplitOptions = z.infer<typeof SplitOptions>;

const Owner = Conversation.pick({ id: true, user_id: true, country: true });
/** How often a user was seen in a country, in one shard. */
const Seen = User.pick({ user_id: true, country: true, conversations: true });
type Seen = z.infer<typeof Seen>;

/** The user that a conversation belongs to; without one the conversation itself. */
function ownerOf(conversation: z.infer<typeof Owner>): string {
  return conversation.user_id ?? conversation.id;
}

/** Adds up sightings by user and country. Memory: about 150 bytes for each pair. */
export function addSightings(seen: Iterable<Seen>): Seen[] {
  const sums = new Map<string, Seen>();
  for (const { user_id, country, conversations } of seen) {
    const key = `${user_id}\n${country ?? ""}`;
    const sum = sums.get(key);
    if (sum) sum.conversations += conversations;
    else sums.set(key, { user_id, country, conversations });
  }
  return [...sums.values()].sort((a, b) => compare(a.user_id, b.user_id) || compare(a.country ?? "", b.country ?? ""));
}

/** One row a user: the country of most conversations; a known country before none, then the first by name. */
export function mergeCountries(seen: readonly Seen[]): Seen[] {
  const users = new Map<string, Seen & { most: number }>();
  for (const { user_id, country, conversations } of seen) {
    const user = users.get(user_id);
    if (!user) {
      users.set(user_id, { user_id, country, conversations, most: conversations });
      continue;
    }
    user.conversations += conversations;
    if (conversations < user.most) continue;
    if (conversations === user.most && user.country !== null && (country === null || country > user.country)) continue;
    user.country = country;
    user.most = conversations;
  }
  return [...users.values()].map(({ most: _, ...user }) => user);
}

/** Draws a split for every user. The order in which users are given changes nothing. Returns them sorted by id and country. */
export function drawSplits(users: readonly Seen[], seed: string, ratios: readonly number[]): User[] {
  const key = keyed(seed, "split");
  const line = users.map((user) => ({
    user,
    country: keyed(key, `country\n${user.country ?? ""}`),
    place: keyed(key, `user\n${user.user_id}\n${user.country ?? ""}`),
  }));
  line.sort((a, b) => compare(a.country, b.country) || compare(a.place, b.place));
  const total = ratios.reduce((sum, ratio) => sum + ratio, 0);
  const given = ratios.map(() => 0);
  const drawn = line.map(({ user }, at): User => {
    const behind = ratios.map((ratio, split) => ((at + 1) * ratio) / total - (given[split] ?? 0));
    const split = behind.indexOf(Math.max(...behind));
    given[split] = (given[split] ?? 0) + 1;
    return { ...user, split: Split.options[split] as Split };
  });
  return drawn.sort((a, b) => compare(a.user_id, b.user_id) || compare(a.country ?? "", b.country ?? ""));
}

async function collect(task: Task<SplitOptions>): Promise<Partial<Tally>> {
  const dropped = await task.dropped(["dedup"]);
  const seen: Seen[] = [];
  for await (const conversation of task.read("prepare", "conversations", Owner)) {
    if (!dropped.has(conversation.id))
      seen.push({ user_id: ownerOf(conversation), country: conversation.country, conversations: 1 });
  }
  await task.write("seen", Seen, addSightings(seen));
  return { taken: seen.length, in: seen.length, kept: seen.length };
}

async function draw(task: Task<SplitOptions>): Promise<Partial<Tally>> {
  const { options, plan, signal } = task;
  const rows: Seen[] = [];
  for await (const row of readParquet(task.shards("split", "seen"), Seen, { signal })) rows.push(row);
  const sightings = addSightings(rows);
  const merged = options.userKey === "ip" ? mergeCountries(sightings) : sightings;
  const drawn = drawSplits(merged, plan.seed, options.ratios);
  const users = options.fixedSplit ? drawn.map((user) => ({ ...user, split: options.fixedSplit as Split })) : drawn;
  await task.write("users", User, users, { index: 0, of: 1 });
  const counts: Record<string, number> = {
    users: users.length,
    countries: new Set(users.map((user) => user.country)).size,
    ips_in_several_countries: sightings.length - new Set(sightings.map((row) => row.user_id)).size,
  };
  for (const split of Split.options) {
    const members = users.filter((user) => user.split === split);
    counts[`users_${split}`] = members.length;
    counts[`conversations_${split}`] = members.reduce((sum, user) => sum + user.conversations, 0);
  }
  return { counts };
}

export const split = defineStage({
  name: "split",
  summary: "train, validation and test by user inside each country",
  reads: ["prepare", "dedup"],
  unit: "conversations",
  options: SplitOptions,
  isIntermediate: (name) => name.startsWith("seen-"),
  phases: [
    { name: "collect", tasks: (plan) => plan.shards, run: collect },
    { name: "draw", tasks: () => 1, run: draw },
  ],
});
