import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { scoreOfEndingFrom } from "../../../../stages/metrics/termination.ts";

describe("ending by a rule", () => {
  // Ten conversations: after the first answer 4 end and 6 go on, after the second 5 of these end, the last one after the third.
  const decisions = [
    { turn: 1, next: 6, end: 4 },
    { turn: 2, next: 1, end: 5 },
    { turn: 3, next: 0, end: 1 },
  ];

  test("always finds every end, with the base rate as its precision", () => {
    const score = scoreOfEndingFrom(1, decisions);
    expect(score).toMatchObject({ decisions: 17, recall: 100 });
    expect(score.base_rate).toBeCloseTo((100 * 10) / 17, 10);
    expect(score.precision).toBe(score.base_rate);
    expect(score.f1).toBeCloseTo((100 * 20) / 27, 10);
  });

  test("from the second answer on misses what ended after the first", () => {
    const score = scoreOfEndingFrom(2, decisions);
    expect(score.recall).toBe(60);
    expect(score.precision).toBeCloseTo((100 * 6) / 7, 10);
    expect(score.f1).toBeCloseTo((100 * 12) / 17, 10);
    expect(score.macro_f1).toBeCloseTo((0 + (100 * 10) / 11 + 100) / 3, 10);
  });

  test("says nothing where it never speaks or there is nothing to decide", () => {
    expect(scoreOfEndingFrom(4, decisions)).toMatchObject({ precision: null, recall: 0, f1: 0 });
    expect(scoreOfEndingFrom(1, [])).toEqual({
      ...{ base_rate: null, precision: null, recall: null, f1: null, macro_f1: null, decisions: 0 },
    });
  });

  test("counts a turn at which nobody ends as missed where the rule ends, and not where it does not", () => {
    const long = [
      { turn: 1, next: 4, end: 0 },
      { turn: 2, next: 2, end: 2 },
    ];
    expect(scoreOfEndingFrom(1, long).macro_f1).toBeCloseTo((0 + (100 * 4) / 6) / 2, 10);
    expect(scoreOfEndingFrom(2, long).macro_f1).toBeCloseTo((100 * 4) / 6, 10);
  });

  test("gives 58.97 on PRISM's published counts from the second answer on", () => {
    // 8,011 conversations with 27,172 rounds, none of a single round: 19,161 decisions after the second answer or later.
    const prism = [
      { turn: 1, next: 8011, end: 0 },
      { turn: 2, next: 27_172 - 2 * 8011, end: 8011 },
    ];
    const score = scoreOfEndingFrom(2, prism);
    expect(score.decisions).toBe(27_172);
    expect(score.f1?.toFixed(2)).toBe("58.97");
  });

  test("has an F1 that is the harmonic mean of precision and recall", () => {
    const decision = fc.record({ turn: fc.integer({ min: 1, max: 9 }), next: fc.nat(50), end: fc.nat(50) });
    fc.assert(
      fc.property(fc.array(decision, { minLength: 1 }), fc.integer({ min: 1, max: 9 }), (list, from) => {
        const { precision, recall, f1 } = scoreOfEndingFrom(from, list);
        if (precision && recall) expect(f1).toBeCloseTo((2 * precision * recall) / (precision + recall), 9);
      }),
    );
  });
});
