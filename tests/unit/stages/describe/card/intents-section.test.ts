import { expect, test } from "vitest";
import type { Manifest } from "../../../../../schemas/manifest.ts";
import { intentsSection } from "../../../../../stages/describe/card/intents-section.ts";

const section = (options: Record<string, unknown>, counts: Record<string, number> = {}) =>
  intentsSection({ options, models: { intents: { model: "gpt-4o" } }, in: 10, kept: 8, counts } as unknown as Manifest);

test.each([
  [{ provider: "openai" }, /Written by the model `gpt-4o`.*8 of 10 conversations have one/],
  [{ provider: "batch" }, /Written by the model `gpt-4o`/],
  [{ provider: "recorded" }, /Taken from a file: 8 of 10/],
  [{ provider: "none" }, /None: samples are conditioned on the conversation alone/],
])("the card says where intents come from: %o", (options, text) => {
  expect(section(options)).toMatch(text);
});

test("imported intents have their coverage, and files by name alone", () => {
  const address = "hf://datasets/a/b@0123/data/*.parquet";
  const text = section(
    { provider: "import", import: ["/home/me/x.jsonl", address] },
    { imported_by_id: 7, imported_by_text: 1 },
  );
  expect(text).toContain(`imported from \`x.jsonl\`, \`${address}\`: 8 of 10 conversations have one`);
  expect(text).toContain("7 were found by the id of the conversation, 1 by the text");
  expect(text).not.toContain("/home");
});
