import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Leak } from "../../../../schemas/leak.ts";
import type { Split } from "../../../../schemas/user.ts";
import { Audit, knowsNoUsers, type Linked, leaksInWords } from "../../../../stages/split/audit.ts";

type Row = Partial<Linked> & { id: string; split: Split };

const NOTHING = { user: null, country: null, opening: null, template: null, cluster: null };

async function leaksOf(rows: readonly Row[]): Promise<Record<Leak["link"], Leak>> {
  const audit = new Audit();
  for (const { id: _, ...linked } of rows) audit.add({ ...NOTHING, ...linked });
  const leaks = await audit.leaks(rows.map((row) => row.id));
  return Object.fromEntries(leaks.map((leak) => [leak.link, leak])) as Record<Leak["link"], Leak>;
}

describe("the audit", () => {
  test("tells users of which none is torn from users of which none is known", async () => {
    const alone = { id: "1", split: "train", opening: "hi" } as const;
    const unknown = Object.values(await leaksOf([alone, { ...alone, split: "test" }]));
    expect([knowsNoUsers(unknown), unknown[0]?.known]).toEqual([true, 0]);
    const known = Object.values(await leaksOf([alone, { ...alone, user: "u" }]));
    expect([knowsNoUsers(known), known[0]?.known]).toEqual([false, 1]);
  });

  test("finds a user in two splits, counts their conversations and names the smallest of each split", async () => {
    const { user, country } = await leaksOf([
      { id: "3", split: "train", user: "u" },
      { id: "2", split: "train", user: "u" },
      { id: "1", split: "test", user: "u" },
      { id: "4", split: "test", user: "v" },
    ]);
    const example = [
      { split: "train", conversation_id: "2" },
      { split: "test", conversation_id: "1" },
    ];
    expect(user).toEqual({ link: "user", known: 2, values: 1, train: 2, validation: 0, test: 1, examples: [example] });
    expect(country.values).toBe(0);
  });

  test("finds an IP that sits in two splits under two countries, and tells it from one under one country", async () => {
    const { user, country } = await leaksOf([
      { id: "1", split: "train", user: "u", country: "Chile" },
      { id: "2", split: "test", user: "u", country: "Peru" },
      { id: "3", split: "train", user: "v", country: "Chile" },
      { id: "4", split: "test", user: "v", country: null },
    ]);
    expect([user.values, country.values]).toEqual([2, 1]);
  });

  test.each([
    ["opening", "opening"],
    ["template", "template"],
    ["near_duplicate", "cluster"],
  ] as const)("finds a %s that strangers in two splits share", async (link, column) => {
    const leaks = await leaksOf([
      { id: "1", split: "validation", user: "u", [column]: "x" },
      { id: "2", split: "test", user: "v", [column]: "x" },
      { id: "3", split: "test", user: "w", [column]: "y" },
    ]);
    expect(leaks[link]).toMatchObject({ values: 1, train: 0, validation: 1, test: 1 });
    const others = Object.values(leaks).filter((leak) => leak.link !== link);
    expect(others.map((leak) => leak.values)).toEqual([0, 0, 0, 0]);
  });

  test("takes no user, no opening and the like for nothing that is shared", async () => {
    const leaks = await leaksOf([
      { id: "1", split: "train" },
      { id: "2", split: "test" },
    ]);
    expect(Object.values(leaks).map((leak) => leak.values)).toEqual([0, 0, 0, 0, 0]);
  });

  test("shows five examples at most, those of the most conversations", async () => {
    const rows = Array.from({ length: 7 }, (_, at) => at).flatMap((at) =>
      Array.from({ length: 2 + at }, (_, each): Row => {
        return { id: `${at}-${each}`, split: each === 0 ? "test" : "train", opening: `opening ${at}` };
      }),
    );
    const { opening } = await leaksOf(rows);
    expect(opening.values).toBe(7);
    expect(opening.examples.map((example) => example[0]?.conversation_id)).toEqual(["6-1", "5-1", "4-1", "3-1", "2-1"]);
  });

  test("finds the same in any order, and as many torn users as a Map of sets", async () => {
    const row = fc.record({
      id: fc.uuid(),
      split: fc.constantFrom("train", "validation", "test") as fc.Arbitrary<Split>,
      user: fc.constantFrom(null, "u", "v", "w"),
      country: fc.constantFrom(null, "Chile", "Peru"),
      opening: fc.constantFrom(null, "hi", "yo"),
    });
    const rows = fc.uniqueArray(row, { selector: (each) => each.id, maxLength: 25 });
    const mixed = rows.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    await fc.assert(
      fc.asyncProperty(mixed, async ([list, other]) => {
        const found = await leaksOf(list);
        expect(await leaksOf(other)).toEqual(found);
        const splits = new Map<string, Set<string>>();
        for (const { user, split } of list)
          if (user !== null) splits.set(user, (splits.get(user) ?? new Set()).add(split));
        expect(found.user.values).toBe([...splits.values()].filter((each) => each.size > 1).length);
      }),
    );
  });

  test("says in words what is shared, and nothing if nothing is", async () => {
    const shared = await leaksOf([
      { id: "1", split: "train", opening: "hi" },
      { id: "2", split: "test", opening: "hi" },
    ]);
    expect(leaksInWords(Object.values(shared))).toBe("1 openings");
    expect(leaksInWords(Object.values(await leaksOf([])))).toBe("");
  });
});
