import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Split, User } from "../../../../schemas/user.ts";
import { drawSplits } from "../../../../stages/split/draw.ts";
import type { Sighting } from "../../../../stages/split/users.ts";

const RATIOS = [90, 5, 5];
const seen = (user_id: string, country: string | null, conversations = 1): Sighting => ({
  user_id,
  country,
  conversations,
});
/** So many users of a country. */
const users = (country: string | null, count: number): Sighting[] =>
  Array.from({ length: count }, (_, at) => seen(`${country} ${at}`, country));
/** Users by split: train, validation, test. */
const sizes = (drawn: readonly User[]): number[] =>
  Split.options.map((split) => drawn.filter((user) => user.split === split).length);
const draw = (list: readonly Sighting[], seed = "0", ratios: readonly number[] = RATIOS) =>
  drawSplits(list, seed, ratios);

/** Countries with any number of users each. */
const countries = fc
  .array(fc.oneof(fc.nat(3), fc.nat(120)), { maxLength: 12 })
  .map((counts) => counts.flatMap((count, at) => users(at === 0 ? null : `country ${at}`, count)));
const ratios = fc.oneof(
  fc.constant(RATIOS),
  fc.tuple(fc.nat(100), fc.nat(100), fc.nat(100)).filter((each) => each.some((ratio) => ratio > 0)),
);

describe("the draw", () => {
  test("gives every user exactly one split, and loses nothing of what is known of them", () => {
    fc.assert(
      fc.property(countries, fc.string(), ratios, (list, seed, shares) => {
        const drawn = draw(list, seed, shares);
        for (const user of drawn) User.parse(user);
        const plain = drawn.map(({ split: _, group: __, ...user }) => user);
        const byId = (a: Sighting, b: Sighting) => (a.user_id < b.user_id ? -1 : 1);
        expect(plain).toEqual(list.toSorted(byId));
      }),
    );
  });

  test("does not depend on the order in which users come", () => {
    const shuffled = countries.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, ([list, other]) => {
        expect(draw(other)).toEqual(draw(list));
      }),
    );
  });

  test("comes within two users of the target in all, for countries of any size", () => {
    fc.assert(
      fc.property(countries, fc.string(), ratios, (list, seed, shares) => {
        const total = shares.reduce((sum, ratio) => sum + ratio, 0);
        for (const [at, size] of sizes(draw(list, seed, shares)).entries())
          expect(Math.abs(size - (list.length * (shares[at] ?? 0)) / total)).toBeLessThanOrEqual(2);
      }),
    );
  });

  test("comes within two users of each country's share", () => {
    fc.assert(
      fc.property(countries, fc.string(), ratios, (list, seed, shares) => {
        const total = shares.reduce((sum, ratio) => sum + ratio, 0);
        const drawn = draw(list, seed, shares);
        for (const country of new Set(drawn.map((user) => user.country))) {
          const group = drawn.filter((user) => user.country === country);
          for (const [at, size] of sizes(group).entries())
            expect(Math.abs(size - (group.length * (shares[at] ?? 0)) / total)).toBeLessThanOrEqual(2 + 1e-9);
        }
      }),
    );
  });

  test("does not round small countries down to nothing: 200 of one user each", () => {
    const list = Array.from({ length: 200 }, (_, at) => seen(`user ${at}`, `country ${at}`));
    expect(sizes(draw(list))).toEqual([180, 10, 10]);
  });

  test("of none is none", () => {
    expect(draw([])).toEqual([]);
  });

  test.each([
    [[1]],
    [[2, 1]],
    [[97, 3]],
    [[995, 5]],
    [[40, 20, 10, 5, 1]],
    [[19, 19, 19]],
    [[20, 20, 20, 1]],
    [Array.from({ length: 50 }, () => 1)],
  ])("is 90/5/5 for every user over the seeds, in countries of %j users", (counts) => {
    const list = counts.flatMap((count, at) => users(`country ${at}`, count));
    const seeds = list.length > 90 ? 50 : 200;
    const drawn = new Map<string | null, number[]>();
    for (let seed = 0; seed < seeds; seed++) {
      const all = draw(list, String(seed));
      for (const { country, split } of all) {
        const own = drawn.get(country) ?? [0, 0, 0];
        own[Split.options.indexOf(split)] = (own[Split.options.indexOf(split)] ?? 0) + 1;
        drawn.set(country, own);
      }
      for (const [at, size] of sizes(all).entries())
        expect(Math.abs(size - (list.length * (RATIOS[at] ?? 0)) / 100)).toBeLessThanOrEqual(1.1);
    }
    const chiSquares = [...drawn.values()].map((own) => {
      const all = own.reduce((sum, each) => sum + each, 0);
      return own.reduce((sum, each, at) => {
        const expected = (all * (RATIOS[at] ?? 0)) / 100;
        return sum + (each - expected) ** 2 / expected;
      }, 0);
    });
    // Two degrees of freedom a country; by chance one in three thousand passes 8.
    for (const each of chiSquares) expect(each / 2).toBeLessThan(8);
    expect(chiSquares.reduce((sum, each) => sum + each, 0) / (2 * chiSquares.length)).toBeLessThan(2);
  });

  test.each([
    [
      [1, 0, 0],
      [50, 0, 0],
    ],
    [
      [0, 0, 1],
      [0, 0, 50],
    ],
    [
      [0, 1, 1],
      [0, 25, 25],
    ],
    [
      [0.8, 0.1, 0.1],
      [40, 5, 5],
    ],
    [
      [8, 1, 1],
      [40, 5, 5],
    ],
  ])("with the shares %j of 50 users gives %j", (shares, expected) => {
    expect(sizes(draw(users("Chile", 50), "0", shares))).toEqual(expected);
  });

  test("is another one with another seed, and the same with the same", () => {
    const list = [...users("Chile", 100), ...users("Peru", 100)];
    const held = (seed: string) => draw(list, seed).flatMap((user) => (user.split === "test" ? [user.user_id] : []));
    expect(held("0")).toEqual(held("0"));
    expect(held("0")).not.toEqual(held("1"));
  });

  test("takes nothing from how much a user wrote", () => {
    const list = users("Chile", 100);
    const heavy = list.map((user, at) => ({ ...user, conversations: at + 1 }));
    expect(draw(heavy).map(({ split }) => split)).toEqual(draw(list).map(({ split }) => split));
  });

  test("never changes between versions, or every published split would", () => {
    const held = draw(users("Chile", 40)).filter(({ split }) => split !== "train");
    expect(held.map(({ user_id, split }) => `${user_id} ${split}`)).toMatchInlineSnapshot(`
      [
        "Chile 11 validation",
        "Chile 33 validation",
        "Chile 35 test",
        "Chile 36 test",
      ]
    `);
  });
});

describe("drawn by", () => {
  const abroad = Array.from({ length: 60 }, (_, at) => seen(`user ${at}`, at % 2 === 0 ? "Chile" : "Peru"));
  const shuffled = (list: readonly Sighting[]) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray([...list], { minLength: list.length }));

  test.each(["user-in-country", "user-and-country", "user", "groups", "hash"] as const)(
    "%s does not depend on the order of users, and on the seed it does",
    (by) => {
      const groupOf = ({ user_id }: Sighting) => (Number(user_id.slice(5)) % 3 === 0 ? 1 : -1);
      const once = (list: readonly Sighting[], seed = "0") => drawSplits(list, seed, RATIOS, by, groupOf);
      fc.assert(
        fc.property(shuffled(abroad), ([list, other]) => {
          expect(once(other)).toEqual(once(list));
        }),
      );
      expect(once(abroad, "1")).not.toEqual(once(abroad, "0"));
    },
  );

  test("user comes within two users of the shares, whatever the countries", () => {
    fc.assert(
      fc.property(countries, fc.string(), ratios, (list, seed, shares) => {
        const total = shares.reduce((sum, ratio) => sum + ratio, 0);
        for (const [at, size] of sizes(drawSplits(list, seed, shares, "user")).entries())
          expect(Math.abs(size - (list.length * (shares[at] ?? 0)) / total)).toBeLessThanOrEqual(2);
      }),
    );
  });

  test("groups never cuts a group, and comes within the largest one, and one user, of the shares", () => {
    const grouped = fc.array(fc.nat({ max: 15 }), { maxLength: 60 });
    fc.assert(
      fc.property(grouped, fc.string(), ratios, (numbers, seed, shares) => {
        const list = numbers.map((number, at) => seen(`${at}`, `country ${number % 2}`));
        const groupOf = ({ user_id }: Sighting) => (numbers[Number(user_id)] ?? 0) - 1;
        const drawn = drawSplits(list, seed, shares, "groups", groupOf);
        const splits = new Map<number, Set<string>>();
        for (const user of drawn) {
          const group = groupOf(user);
          if (group >= 0) splits.set(group, (splits.get(group) ?? new Set()).add(`${user.split} ${user.group}`));
        }
        expect([...splits.values()].every((each) => each.size === 1)).toBe(true);
        const members = (group: number) => numbers.filter((number) => number - 1 === group).length;
        const largest = Math.max(1, ...[...splits.keys()].map(members));
        const total = shares.reduce((sum, ratio) => sum + ratio, 0);
        for (const [at, size] of sizes(drawn).entries())
          expect(Math.abs(size - (list.length * (shares[at] ?? 0)) / total)).toBeLessThanOrEqual(largest + 1);
      }),
      { numRuns: 500 },
    );
  });

  test("groups names a group after its smallest user, and leaves who has no bond alone", () => {
    const drawn = drawSplits([seen("b", null), seen("a", null), seen("c", null)], "0", RATIOS, "groups", (user) =>
      user.user_id === "c" ? -1 : 5,
    );
    const [a, b, c] = drawn.map((user) => user.group);
    expect(a).toMatch(/^g-[0-9a-f]{10}$/);
    expect(b).toBe(a);
    expect(c).not.toBe(a);
  });

  test("hash moves nobody when others come", () => {
    const before = drawSplits(abroad, "0", RATIOS, "hash");
    const after = drawSplits([...abroad, ...users("Cuba", 500)], "0", RATIOS, "hash");
    for (const user of before)
      expect(after.find((each) => each.user_id === user.user_id && each.country === user.country)).toEqual(user);
  });

  test("hash comes near the shares for many users, and gives nothing to a share of none", () => {
    const [train = 0, validation = 0, test = 0] = sizes(drawSplits(users("Chile", 20_000), "0", RATIOS, "hash"));
    // Four standard deviations of a binomial draw.
    expect(Math.abs(train - 18_000)).toBeLessThan(170);
    expect(Math.abs(validation - 1000)).toBeLessThan(124);
    expect(Math.abs(test - 1000)).toBeLessThan(124);
    expect(sizes(drawSplits(users("Chile", 500), "0", [1, 0, 2], "hash"))[1]).toBe(0);
  });
});
