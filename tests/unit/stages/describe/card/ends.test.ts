import { expect, test } from "vitest";
import { endsInWords } from "../../../../../stages/describe/card/ends.ts";

test("the card says what was done about ends, and nothing where it is as published", () => {
  const options = { form: ["tokens" as const], layout: "conversations" as const, packing: false };
  expect(endsInWords("all", options)).toEqual([]);
  expect(endsInWords("confident", options).join()).toContain("Ends below 0.5 are no samples (`doubtful_end`).");
  expect(endsInWords("weighted", options).join()).toMatch(/`target_weights`.*`loss_weights`.*trains every end in full/);
  expect(endsInWords("weighted", { ...options, packing: true }).join()).not.toContain("target_weights");
  expect(endsInWords("weighted", { ...options, form: ["openai"] }).join()).toContain(
    "every target in `messages` has 1",
  );
});
