import { expect, test } from "vitest";
import { duration, progressNote } from "../../../../pipeline/models/progress.ts";

test("progress says speed, dollars spent and projected, and failures by kind", () => {
  const tell = progressNote({ total: 100, budget: 20, spentBefore: 0 });
  const state = { requests: 60, tokens: 40_000, spent: 5, width: 8, failures: { "HTTP 429": 3, refused: 1 } };
  const text = tell(50, state);
  expect(text).toMatch(/req\/s, .* tok\/s/);
  expect(text).toContain("$5.00 of $20 spent, $10.00 projected");
  expect(text).toContain("left");
  expect(text).toContain("failed: HTTP 429 3, refused 1");
});

test("progress without prices or failures says nothing of them", () => {
  const tell = progressNote({ total: 10, budget: null, spentBefore: 0 });
  expect(tell(10, { requests: 10, tokens: 10, spent: 0, width: 1, failures: {} })).toMatch(/^[^;$]*tok\/s$/);
});

test.each([
  [0.2, "1 s"],
  [89, "89 s"],
  [600, "10 min"],
  [7200, "2 h 0 min"],
  [400_000, "5 days"],
])("%d seconds are %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
