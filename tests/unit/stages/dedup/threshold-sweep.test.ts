import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  COVERAGES,
  MIN_COUNTS,
  type Profile,
  profileOf,
  ThresholdSweep,
} from "../../../../stages/dedup/threshold-sweep.ts";

/** Words covered at each threshold, falling, as heavier 7-grams are fewer. */
const covered = fc
  .array(fc.nat(20), { minLength: MIN_COUNTS.length, maxLength: MIN_COUNTS.length })
  .map((list) => list.sort((a, b) => b - a));
const row = fc.record({ user: fc.constantFrom("u", "v", "w"), covered: fc.option(covered) });
const WORDS = 20;

function sweepOf(rows: readonly { user: string; covered: number[] | null }[]): ThresholdSweep {
  const sweep = new ThresholdSweep();
  for (const each of rows) sweep.add(each.user, each.covered && profileOf(each.covered, WORDS));
  return sweep;
}

describe("the sweep over thresholds", () => {
  test("counts what one would by going through all conversations for each pair of thresholds", () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 12 }), (rows) => {
        for (const point of sweepOf(rows).points()) {
          const at = MIN_COUNTS.indexOf(point.min_count as (typeof MIN_COUNTS)[number]);
          const goes = (each: (typeof rows)[number]) => {
            const words = each.covered?.[at] ?? 0;
            return words > 0 && words >= point.coverage * WORDS;
          };
          const users = new Set(rows.map((each) => each.user));
          for (const each of rows) if (!goes(each)) users.delete(each.user);
          expect([point.conversations, point.users]).toEqual([rows.filter(goes).length, users.size]);
        }
      }),
    );
  });

  test("is the same gathered in parts, whatever is in which", () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 12 }), fc.nat(12), (rows, cut) => {
        const parts = [rows.slice(0, cut), rows.slice(cut)].map((part) => sweepOf(part).encode());
        const merged = new ThresholdSweep();
        for (const part of parts.toReversed()) merged.merge(part);
        expect(merged.points()).toEqual(sweepOf(rows).points());
      }),
    );
  });

  test("never rises with either threshold", () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 12 }), (rows) => {
        const points = sweepOf(rows).points();
        const at = (count: number, level: number) => points[count * COVERAGES.length + level]?.conversations ?? 0;
        for (let count = 1; count < MIN_COUNTS.length; count++)
          for (let level = 1; level < COVERAGES.length; level++)
            expect(at(count, level)).toBeLessThanOrEqual(Math.min(at(count - 1, level), at(count, level - 1)));
      }),
    );
  });

  test("holds more users than it begins with", () => {
    const rows = Array.from({ length: 5000 }, (_, at) => ({ user: `${at}`, covered: MIN_COUNTS.map(() => WORDS) }));
    const all = sweepOf(rows).points();
    expect(all.every((point) => point.users === 5000 && point.conversations === 5000)).toBe(true);
  });
});

test("a profile says how many coverages are reached at each threshold, exactly enough being enough", () => {
  const expected: Profile = Uint8Array.from([8, 4, 3, 2, 1, 1, 0, 0, 0]);
  expect(profileOf([20, 11, 8, 6, 5, 1, 0, 0, 0], WORDS)).toEqual(expected);
});
