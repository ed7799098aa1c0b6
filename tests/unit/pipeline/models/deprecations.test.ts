import { expect, test } from "vitest";
import { shutdownOf } from "../../../../pipeline/models/deprecations.ts";

test.each([
  ["gpt-4o", "2027-01-14"],
  ["gpt-4.1", "2027-01-14"],
  ["gpt-4o-2024-08-06", "2027-01-14"],
  ["gpt-4o-mini", undefined],
  ["local", undefined],
])("has the announced end of %s: %s", (model, day) => {
  expect(shutdownOf(model)?.day).toBe(day);
});
