import { expect, test } from "vitest";
import { isMain, METRICS } from "../../../../stages/metrics/index.ts";

test("every metric has a name of its own, and says how it is computed", () => {
  expect(new Set(METRICS.map(({ name }) => name)).size).toBe(METRICS.length);
  for (const { title, formula, explanation } of METRICS)
    for (const text of [title, formula, explanation]) expect(text).not.toBe("");
});

test("every metric has scores to look at first, of all turns", () => {
  const settings = { intentPrefix: "", tokens: null };
  for (const { name, of, start } of METRICS) {
    const measuring = start(settings);
    const observed = {
      opening: ["plan a garden", "plan a trip"],
      dialogue: [{ intent: "plan a garden", said: ["plan", "thanks"] }],
      decisions: [{ turn: 1, next: 2, end: 1 }],
    }[of];
    for (const each of observed) measuring.add(each as never);
    const main = measuring.scores().filter((score) => isMain({ measure: name, ...score }));
    expect(main.length, name).toBeGreaterThan(0);
    for (const { turn, count } of main) expect([turn, count > 0]).toEqual([null, true]);
  }
});

test("a metric that nothing was told says nothing", () => {
  for (const { start } of METRICS) expect(start({ intentPrefix: "", tokens: null }).scores()).toEqual([]);
});
