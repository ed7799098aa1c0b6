import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Split, User } from "../../schemas/user.ts";
import { addSightings, drawSplits, mergeCountries, SplitOptions } from "../../stages/split.ts";

type Seen = Parameters<typeof drawSplits>[0][number];

const RATIOS = [90, 5, 5];
const seen = (user_id: string, country: string | null, conversations = 1): Seen => ({
  user_id,
  country,
  conversations,
});
/** So many users of a country. */
const users = (country: string | null, count: number): Seen[] =>
  Array.from({ length: count }, (_, at) => seen(`${country} ${at}`, country));
/** Users by split: train, validation, test. */
const sizes = (drawn: readonly User[]): number[] =>
  Split.options.map((split) => drawn.filter((user) => user.split === split).length);
const draw = (list: readonly Seen[], seed = "0", ratios: readonly number[] = RATIOS) => drawSplits(list, seed, ratios);

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
        const plain = drawn.map(({ split: _, ...user }) => user);
        const byId = (a: Seen, b: Seen) => (a.user_id < b.user_id ? -1 : 1);
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

  test("comes within one user of the target in all, for countries of any size", () => {
    fc.assert(
      fc.property(countries, fc.string(), ratios, (list, seed, shares) => {
        const total = shares.reduce((sum, ratio) => sum + ratio, 0);
        for (const [at, size] of sizes(draw(list, seed, shares)).entries())
          expect(Math.abs(size - (list.length * (shares[at] ?? 0)) / total)).toBeLessThanOrEqual(1 + 1e-9);
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

  test("of a single user is one for train, and of none is none", () => {
    expect(sizes(draw([seen("a", null)]))).toEqual([1, 0, 0]);
    expect(draw([])).toEqual([]);
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
        "Chile 17 validation",
        "Chile 24 validation",
        "Chile 38 test",
        "Chile 4 test",
      ]
    `);
  });
});

describe("sightings", () => {
  test("add up by user and country, whatever their order", () => {
    const rows = [seen("b", "Chile"), seen("a", "Chile", 2), seen("a", "Peru"), seen("a", "Chile", 3), seen("a", null)];
    const expected = [seen("a", null), seen("a", "Chile", 5), seen("a", "Peru"), seen("b", "Chile")];
    expect(addSightings(rows)).toEqual(expected);
    expect(addSightings(rows.toReversed())).toEqual(expected);
  });

  test("do not change the rows that they are added from", () => {
    const rows = [seen("a", "Chile"), seen("a", "Chile")];
    addSightings(rows);
    expect(rows).toEqual([seen("a", "Chile"), seen("a", "Chile")]);
  });
});

describe("a user seen in several countries", () => {
  const merged = (...rows: Seen[]) => mergeCountries(addSightings(rows));

  test("is one user with all conversations", () => {
    expect(merged(seen("a", "Chile", 2), seen("a", "Peru", 3), seen("b", "Peru"))).toEqual([
      seen("a", "Peru", 5),
      seen("b", "Peru"),
    ]);
  });

  test("is in one split, but in up to two when the country is part of the key", () => {
    const rows = Array.from({ length: 100 }, (_, at) => [
      seen(`user ${at}`, "Chile"),
      seen(`user ${at}`, "Peru"),
    ]).flat();
    expect(draw(mergeCountries(addSightings(rows)))).toHaveLength(100);
    const apart = draw(addSightings(rows));
    expect(apart).toHaveLength(200);
    const torn = apart.filter(
      (user, at) => user.user_id === apart[at + 1]?.user_id && user.split !== apart[at + 1]?.split,
    );
    expect(torn.length).toBeGreaterThan(0);
  });

  test.each([
    ["the one with most conversations", [seen("a", "Chile", 1), seen("a", "Peru", 2)], "Peru"],
    ["the first by name where equal", [seen("a", "Peru", 2), seen("a", "Chile", 2)], "Chile"],
    ["a known one rather than none where equal", [seen("a", null, 2), seen("a", "Peru", 2)], "Peru"],
    ["none if most conversations have none", [seen("a", null, 3), seen("a", "Peru", 2)], null],
  ])("belongs to %s", (_, rows, country) => {
    expect(merged(...rows)[0]?.country).toBe(country);
  });

  test("is counted once, and no conversation is lost", () => {
    const row = fc.record({
      user_id: fc.constantFrom("a", "b", "c"),
      country: fc.constantFrom(null, "Chile", "Peru"),
      conversations: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(row), (rows) => {
        const found = merged(...rows);
        const total = (list: readonly Seen[]) => list.reduce((sum, each) => sum + each.conversations, 0);
        expect(found.map(({ user_id }) => user_id)).toEqual([...new Set(rows.map(({ user_id }) => user_id))].sort());
        expect(total(found)).toBe(total(rows));
      }),
    );
  });
});

describe("the shares", () => {
  test.each([[[0, 0, 0]], [[-1, 1, 1]], [[90, 10]], [[90, 5, 5, 0]]])("cannot be %j", (given) => {
    expect(SplitOptions.safeParse({ ratios: given }).success).toBe(false);
  });

  test("are 90, 5 and 5 if nothing is said", () => {
    expect(SplitOptions.parse({})).toEqual({ ratios: RATIOS, userKey: "ip", fixedSplit: null });
  });
});
