import { describe, expect, test } from "vitest";
import { SplitOptions } from "../../../../stages/split/options.ts";

describe("the shares", () => {
  test.each([[[0, 0, 0]], [[-1, 1, 1]], [[90, 10]], [[90, 5, 5, 0]]])("cannot be %j", (given) => {
    expect(SplitOptions.safeParse({ ratios: given }).success).toBe(false);
  });

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
