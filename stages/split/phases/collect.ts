import type { RowOf } from "../../../pipeline/artefact.ts";
import type { Task } from "../../../pipeline/task.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import { deduplicated } from "../../dedup/artefacts.ts";
import { prepared } from "../../prepare/artefacts.ts";
import { assigned } from "../artefacts.ts";
import { Links } from "../links.ts";
import type { SplitOptions } from "../options.ts";
import { addSightings, type Sighting } from "../users.ts";

type GroupKeys = RowOf<typeof deduplicated.group_keys>;

/** A conversation that `dedup` kept: whose it is, and what it has in common with others. */
type Member = { id: string; user_id: string | null; country: string | null; keys: GroupKeys };

/** The conversations of a shard that `dedup` kept, in order. Memory: the group keys of a shard. */
async function* members(task: Task<SplitOptions>): AsyncGenerator<Member> {
  const keys = new Map<string, GroupKeys>();
  for await (const row of task.read(deduplicated.group_keys)) keys.set(row.conversation_id, row);
  for await (const owner of task.read(prepared.conversations, ["id", "user_id", "country"])) {
    const own = keys.get(owner.id);
    if (own) yield { ...owner, keys: own };
  }
}

/** Notes who was seen where in a shard, and what its conversations share with others. */
export async function collect(task: Task<SplitOptions>): Promise<Partial<Tally>> {
  const sightings: Sighting[] = [];
  const links = new Links();
  let known = 0;
  for await (const { id, user_id: user, country, keys } of members(task)) {
    if (user !== null) known++;
    const { opening_key: opening, template, cluster } = keys;
    links.add(user ?? id, { user, country, opening, template, cluster });
    sightings.push({ user_id: user ?? id, country, conversations: 1 });
  }
  await task.write(assigned.sightings, addSightings(sightings));
  await task.writeBytes(assigned.links, [links.bytes()]);
  const { length } = sightings;
  return { taken: length, in: length, kept: length, counts: { conversations_of_known_users: known } };
}
