import { readFileSync } from "node:fs";
import { collect, keyOf } from "../../../pipeline/collections.ts";
import { UsageError } from "../../../pipeline/errors.ts";
import type { Task } from "../../../pipeline/task.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import { Split, type User } from "../../../schemas/user.ts";
import { assigned } from "../artefacts.ts";
import { drawSplits } from "../draw.ts";
import { Groups } from "../groups.ts";
import { readLinks } from "../links.ts";
import type { SplitOptions } from "../options.ts";
import { strataOf } from "../strata.ts";
import { addSightings, mergeCountries, type Sighting } from "../users.ts";

/** Draws the split of every user. Memory: about 150 bytes for each user and country. */
export async function draw(task: Task<SplitOptions>): Promise<Partial<Tally>> {
  const { options, plan } = task;
  const rows = await collect(task.readAll(assigned.sightings));
  const { counts } = await task.summaryOf("collect");
  requireUsers(options.by, plan.source, rows.length, counts["conversations_of_known_users"] ?? 0);
  const sightings = addSightings(rows);
  const merged = options.by === "user-and-country" ? sightings : mergeCountries(sightings);
  const groups = options.by === "groups" ? await findGroups(task) : new Groups();
  const groupOf = (user: Sighting) => groups.of(keyOf(user.user_id));
  const drawn = drawSplits(merged, plan.seed, options.ratios, options.by, groupOf);
  const { fixedSplit } = options;
  const users = fixedSplit ? drawn.map((user) => ({ ...user, split: fixedSplit })) : drawn;
  await task.write(assigned.users, users);
  await task.write(assigned.strata, strataOf(users, options.ratios));
  const abroad = sightings.length - new Set(sightings.map((row) => row.user_id)).size;
  return { counts: { ...countUsers(users), ips_in_several_countries: abroad } };
}

/** Throws UsageError if users are to be drawn and no conversation says whose it is. */
function requireUsers(by: SplitOptions["by"], source: string, conversations: number, known: number): void {
  if ((by !== "user" && by !== "user-and-country") || conversations === 0 || known > 0) return;
  throw new UsageError(
    `split.by is \`${by}\`, but none of the ${conversations} conversations of ${source} says whose it is; name the user column (--columns user=…), or take \`groups\` or \`hash\`, which need no users`,
  );
}

/** Users whose conversations have an opening or a cluster of near-duplicates in common. */
async function findGroups(task: Task<SplitOptions>): Promise<Groups> {
  const groups = new Groups();
  for (const shard of task.shards) {
    for (const keyIn of readLinks(readFileSync(await task.file(assigned.links, shard)))) {
      const [opening, [low, high]] = [keyIn("opening"), keyIn("cluster")];
      if (opening[0] !== 0 || opening[1] !== 0) groups.add(keyIn("owner"), opening);
      // Turned round, so that no cluster is taken for an opening.
      if (low !== 0 || high !== 0) groups.add(keyIn("owner"), [~low >>> 0, ~high >>> 0]);
    }
  }
  return groups;
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
