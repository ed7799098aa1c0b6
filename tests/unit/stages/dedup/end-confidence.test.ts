import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EndLabel } from "../../../../schemas/end-label.ts";
import type { EndSignals } from "../../../../schemas/end-signals.ts";
import { endConfidence, Timeline } from "../../../../stages/dedup/end-confidence.ts";

const at = (minute: number) => new Date(Date.UTC(2024, 0, 1) + minute * 60_000).toISOString();

const signals = (given: Partial<EndSignals>): EndSignals => ({
  conversation_id: "c",
  user_id: "u",
  started_at: at(0),
  ended_at: at(5),
  opening_key: "first",
  last_key: "last",
  signs: [],
  ...given,
});

function goingOn(...ends: readonly Partial<EndSignals>[]): number[] {
  const timeline = new Timeline();
  for (const each of ends) timeline.add(signals(each));
  return [...timeline.goingOn()];
}

describe("a user goes on", () => {
  test.each([
    ["with the same opening within ten minutes of the end", { started_at: at(15) }, 1],
    ["with the last turn as the new opening", { started_at: at(6), opening_key: "last" }, 1],
    ["before the end, beside it", { started_at: at(2) }, 1],
    ["but not after more than ten minutes", { started_at: at(16) }, 0],
    ["but not with another text", { started_at: at(6), opening_key: "other" }, 0],
    ["but not as another user", { started_at: at(6), user_id: "v" }, 0],
    ["but not with nothing typed", { started_at: at(6), opening_key: null, last_key: null }, 0],
    ["but not at an unknown time", { started_at: null, ended_at: null }, 0],
    ["but not in the same second, where neither came after", { started_at: at(0) }, 0],
  ] as const)("%s", (_, other, expected) => {
    expect(goingOn({}, { ended_at: null, ...other })[0]).toBe(expected);
    expect(goingOn({ ended_at: null, ...other }, {})[1]).toBe(expected);
  });

  test("only where the source names users", () => {
    expect(goingOn({ user_id: null }, { user_id: null, started_at: at(6) })).toEqual([0, 0]);
  });

  test("as going through all pairs would say, in any order", () => {
    const any = fc.record({
      user_id: fc.constantFrom("u", "v"),
      minute: fc.nat(40),
      length: fc.nat(10),
      opening_key: fc.constantFrom("a", "b", null),
      last_key: fc.constantFrom("a", "b", null),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 12 }), (rows) => {
        const expected = rows.map((one) =>
          Number(
            rows.some((other) => {
              const isSame = [one.opening_key, one.last_key].includes(other.opening_key) && other.opening_key !== null;
              const isSoon = other.minute > one.minute && other.minute <= one.minute + one.length + 10;
              return other.user_id === one.user_id && isSame && isSoon;
            }),
          ),
        );
        const ends = rows.map(({ minute, length, ...row }) => {
          return { ...row, started_at: at(minute), ended_at: at(minute + length) };
        });
        expect(goingOn(...ends)).toEqual(expected);
        expect(goingOn(...ends.toReversed())).toEqual(expected.toReversed());
      }),
    );
  });
});

test("the last day are the 24 hours before the last end of all", () => {
  const timeline = new Timeline();
  for (const minute of [0, 1, 1440, 1441]) timeline.add(signals({ ended_at: at(minute) }));
  timeline.add(signals({ started_at: null, ended_at: null }));
  expect([...timeline.onLastDay()]).toEqual([0, 0, 1, 1, 0]);
});

describe("an end is", () => {
  const sureness = (signs: EndSignals["signs"], goesOn = false, onLastDay = false) =>
    endConfidence({ signs, goesOn, onLastDay });

  test("more sure with thanks, less with a reason against it, and says why", () => {
    const plain = sureness([]);
    expect(plain.end_reasons).toEqual([]);
    expect(sureness(["thanks"]).end_confidence).toBeGreaterThan(plain.end_confidence);
    for (const less of [
      sureness(["empty_answer"]),
      sureness(["refusal"]),
      sureness([], true),
      sureness([], false, true),
    ])
      expect(less.end_confidence).toBeLessThan(plain.end_confidence);
    expect(sureness(["thanks"], true, true).end_reasons).toEqual(["thanks", "goes_on", "last_day"]);
    expect(sureness(["unanswered"]).end_confidence).toBe(0);
  });

  test("between 0 and 1 whatever is seen", () => {
    const signs = fc.subarray<EndSignals["signs"][number]>(["unanswered", "empty_answer", "thanks", "refusal"]);
    fc.assert(
      fc.property(signs, fc.boolean(), fc.boolean(), (seen, goesOn, onLastDay) => {
        const { end_confidence } = EndLabel.parse({ conversation_id: "c", ...sureness(seen, goesOn, onLastDay) });
        expect(end_confidence).toBeGreaterThanOrEqual(0);
        expect(end_confidence).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("all but certain with thanks, and all but impossible where the user goes on", () => {
    expect(sureness(["thanks"]).end_confidence).toBe(0.95);
    expect(sureness([], true).end_confidence).toBe(0.07);
  });
});
