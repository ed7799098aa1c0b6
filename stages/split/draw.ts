import { keyed } from "../../pipeline/hash.ts";
import { compare } from "../../pipeline/order.ts";
import { Split, type User } from "../../schemas/user.ts";
import { groupId } from "./groups.ts";
import { byUserAndCountry, type Sighting } from "./users.ts";

/** Who is drawn, and against which shares. */
export type By = "user-in-country" | "user-and-country" | "user" | "groups" | "hash";

/** What is drawn at once: users who must stay together, and where they stand in the line. */
type Unit = { users: readonly Sighting[]; group: string | null; stratum: string; place: string };

/**
 * Draws a split for every user; the order in which they are given changes nothing. Returns them by id and country.
 *
 * `hash`: a keyed hash of the user alone decides, so that a user stays where they are whoever is added later. Otherwise
 * units stand in a line, in an order that the seed gives, and each goes to the split that is furthest behind its share
 * of the users so far. The line begins at a place that the seed gives too, as if others had stood before: else the first
 * would always be train, and with them all of a small country. A unit is a user or, by `groups`, a group (`groupOf` says which). By `user-in-country` and `user-and-country` the
 * users of a country stand together, so that each country gets its shares too.
 */
export function drawSplits(
  users: readonly Sighting[],
  seed: string,
  ratios: readonly number[],
  by: By = "user-in-country",
  groupOf: (user: Sighting) => number = () => -1,
): User[] {
  const key = keyed(seed, "split");
  const total = ratios.reduce((sum, ratio) => sum + ratio, 0);
  const shares = ratios.map((ratio) => ratio / total);
  const drawn =
    by === "hash"
      ? users.map((user): User => ({ ...user, split: byHash(key, user.user_id, shares), group: null }))
      : alongTheLine(
          by === "groups" ? groups(users, groupOf, key) : singles(users, by, key),
          shares,
          unit(key, "start"),
        );
  return drawn.sort(byUserAndCountry);
}

/** A number in [0, 1) that a key gives for a text. */
function unit(key: string, text: string): number {
  return Number.parseInt(keyed(key, text).slice(0, 13), 16) / 2 ** 52;
}

function byHash(key: string, user: string, shares: readonly number[]): Split {
  const at = unit(key, `hash\n${user}`);
  let end = 0;
  const split = shares.findIndex((share) => {
    end += share;
    return at < end;
  });
  // Shares may add up to a little less than 1: then the last one above 0 goes on to the end.
  return Split.options[split < 0 ? shares.findLastIndex((share) => share > 0) : split] as Split;
}

function singles(users: readonly Sighting[], by: By, key: string): Unit[] {
  if (by === "user")
    return users.map((user) => ({
      users: [user],
      group: null,
      stratum: "",
      place: keyed(key, `user\n${user.user_id}`),
    }));
  const countries = new Map<string | null, string>();
  const stratumOf = (country: string | null) => {
    const known = countries.get(country) ?? keyed(key, `country\n${country ?? ""}`);
    countries.set(country, known);
    return known;
  };
  return users.map((user) => ({
    users: [user],
    group: null,
    stratum: stratumOf(user.country),
    place: keyed(key, `user\n${user.user_id}\n${user.country ?? ""}`),
  }));
}

function groups(users: readonly Sighting[], groupOf: (user: Sighting) => number, key: string): Unit[] {
  const members = new Map<number, Sighting[]>();
  const alone: Sighting[][] = [];
  for (const user of users) {
    const number = groupOf(user);
    const group = members.get(number);
    if (number < 0) alone.push([user]);
    else if (group) group.push(user);
    else members.set(number, [user]);
  }
  return [...members.values(), ...alone].map((each) => {
    const group = groupId(each.reduce((least, user) => (user.user_id < least ? user.user_id : least), "\uffff"));
    return { users: each, group, stratum: "", place: keyed(key, `group\n${group}`) };
  });
}

/** Places at which the line may begin; shares in whole per mille come round in as many. */
const STARTS = 1000;

function alongTheLine(units: Unit[], shares: readonly number[], start: number): User[] {
  units.sort((a, b) => compare(a.stratum, b.stratum) || compare(a.place, b.place));
  const given = shares.map(() => 0);
  let all = 0;
  const next = (count: number): number => {
    all += count;
    let [split, most] = [0, Number.NEGATIVE_INFINITY];
    for (const [at, share] of shares.entries()) {
      const behind = all * share - (given[at] as number);
      if (behind > most) [split, most] = [at, behind];
    }
    given[split] = (given[split] as number) + count;
    return split;
  };
  for (let before = Math.floor(start * STARTS); before > 0; before--) next(1);
  return units.flatMap(({ users, group }) => {
    const split = Split.options[next(users.length)] as Split;
    return users.map((user): User => ({ ...user, split, group }));
  });
}
