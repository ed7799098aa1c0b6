import { expect, test } from "vitest";
import { binned, plotSvg } from "../../../../stages/report/plots.ts";

test("places without a bar keep their room, so that distances are true", () => {
  const bins = [
    { from: 1, kind: "a", count: 4 },
    { from: 5, kind: "a", count: 2 },
  ];
  const own = { id: "x", bins, kinds: ["a", "b"], colours: ["train", "test"] } as const;
  expect(binned(own, (from) => from + 2, String)).toEqual({
    id: "x",
    categories: ["1", "3", "5"],
    series: [{ name: "a", colour: "train", values: [4, 0, 2] }],
  });
});

test("the same numbers are the same bytes, however many plots were drawn before", () => {
  const plot = (id: string) =>
    plotSvg({ id, categories: ["a", "b"], series: [{ name: "x", colour: "train", values: [1, 2] }], x: "x", y: "y" });
  const first = plot("one");
  plot("another");
  expect(plot("one")).toBe(first);
  expect(plot("two").replaceAll("two-", "one-")).toBe(first);
});
