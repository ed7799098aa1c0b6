import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { drawSplits } from "../../../../stages/split/draw.ts";
import { addSightings, mergeCountries, type Sighting } from "../../../../stages/split/users.ts";

const seen = (user_id: string, country: string | null, conversations = 1): Sighting => ({
  user_id,
  country,
  conversations,
});
const draw = (list: readonly Sighting[]) => drawSplits(list, "0", [90, 5, 5]);

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
  const merged = (...rows: Sighting[]) => mergeCountries(addSightings(rows));

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
        const total = (list: readonly Sighting[]) => list.reduce((sum, each) => sum + each.conversations, 0);
        expect(found.map(({ user_id }) => user_id)).toEqual([...new Set(rows.map(({ user_id }) => user_id))].sort());
        expect(total(found)).toBe(total(rows));
      }),
    );
  });
});
