import { expect, test } from "vitest";
import { spoken } from "../../../../pipeline/models/spoken.ts";

test.each<[string, string, string]>([
  ["nothing", "hello", "hello"],
  ["a block", "<think>\nThey want…\n</think>\n\nhello", "hello"],
  ["an empty block", "<think>\n\n</think>\n\nhello", "hello"],
  ["two blocks", "<think>a</think><think>b</think>hello", "hello"],
  ["a block that the prompt had opened", "They want…\n</think>\nhello", "hello"],
  ["a block that was never closed", "<think>They want…", ""],
  ["Kimi's block", "◁think▷hm◁/think▷hello", "hello"],
  ["Magistral's block", "[THINK]hm[/THINK]hello", "hello"],
  [
    "channels",
    "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>hello<|return|>",
    "hello",
  ],
  ["channels without a final one", "<|channel|>analysis<|message|>hm<|end|>", ""],
  ["channels whose marks were taken away", "analysisWe need a summary.assistantfinalhello", "hello"],
  ["control tokens around it", "<|im_start|>assistant\nhello<|im_end|>", "hello"],
  ["an end of Llama's", "hello<|eot_id|>", "hello"],
  [
    "marks in the middle, which are what was said",
    "what <think> and <|eot_id|> mean",
    "what <think> and <|eot_id|> mean",
  ],
  ["analysis of something else", "analysis of a book", "analysis of a book"],
])("takes off %s", (_, text, expected) => {
  expect(spoken(text).trim()).toBe(expected);
});

test("takes off as many marks as there are, and comes to an end with any", () => {
  expect(spoken(`hello ${"<|eot_id|> ".repeat(50_000)}`)).toBe("hello");
  expect(spoken(`<think>${"<|eot_id|> ".repeat(50_000)}`)).toBe("");
  expect(spoken(`${"<|eot_id|> ".repeat(50_000)}x`)).toHaveLength(11 * 50_000 + 1);
  expect(spoken(`analysis${"assistant".repeat(50_000)}`)).toHaveLength(8 + 9 * 50_000);
});
