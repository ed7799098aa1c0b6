import type { z } from "zod";
import { compare } from "../../pipeline/order.ts";
import { User } from "../../schemas/user.ts";

/** How often a user was seen in a country. */
export const Sighting = User.pick({ user_id: true, country: true, conversations: true });
export type Sighting = z.infer<typeof Sighting>;

/** Adds up sightings by user and country. Memory: about 150 bytes for each pair. */
export function addSightings(seen: Iterable<Sighting>): Sighting[] {
  const sums = new Map<string, Sighting>();
  for (const { user_id, country, conversations } of seen) {
    const key = `${user_id}\n${country ?? ""}`;
    const sum = sums.get(key);
    if (sum) sum.conversations += conversations;
    else sums.set(key, { user_id, country, conversations });
  }
  return [...sums.values()].sort(byUserAndCountry);
}

/** One row a user: the country of most conversations; a known country before none, then the first by name. */
export function mergeCountries(seen: readonly Sighting[]): Sighting[] {
  const users = new Map<string, Sighting & { most: number }>();
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

/** Order of users by id, then country. For `sort`. */
export function byUserAndCountry(a: Sighting, b: Sighting): number {
  return compare(a.user_id, b.user_id) || compare(a.country ?? "", b.country ?? "");
}
