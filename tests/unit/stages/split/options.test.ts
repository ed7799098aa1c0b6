import { describe, expect, test } from "vitest";
import { SplitOptions } from "../../../../stages/split/options.ts";

describe("the shares", () => {
  test.each([[[0, 0, 0]], [[-1, 1, 1]], [[90, 10]], [[90, 5, 5, 0]]])("cannot be %j", (given) => {
    expect(SplitOptions.safeParse({ ratios: given }).success).toBe(false);
  });

  test.each([[[80, 10, 5]], [[8, 1, 1]], [[0.9, 0.05, 0]], [[90, 5, 0.5]]])(
    "are a mistake where they make no whole: %j",
    (given) => {
      const sum = given.reduce((total, each) => total + each, 0);
      const { error } = SplitOptions.safeParse({ ratios: given });
      expect(error?.issues[0]?.message).toContain("expected 100, or 1");
      expect(error?.issues[0]?.message).toContain(String(Math.round(1e6 * sum) / 1e6));
    },
  );

  test.each([[[80, 10, 10]], [[0.9, 0.05, 0.05]], [[0.8, 0.1, 0.1]], [[33.3, 33.3, 33.3]], [[0, 0, 1]], [[100, 0, 0]]])(
    "are a whole: %j",
    (given) => {
      expect(SplitOptions.parse({ ratios: given }).ratios).toEqual(given);
    },
  );

  test("are 90, 5 and 5 if nothing is said", () => {
    expect(SplitOptions.parse({})).toEqual({
      ratios: [90, 5, 5],
      by: "user-in-country",
      leaks: "count",
      fixedSplit: null,
    });
  });
});

test.each([
  ["paper", "user-in-country"],
  ["ip+country", "user-and-country"],
])("who is drawn may still be called %s, which is %s", (first, by) => {
  expect(SplitOptions.parse({ by: first }).by).toBe(by);
});
