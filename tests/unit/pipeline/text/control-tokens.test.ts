import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { controlTokens, END } from "../../../../pipeline/text/control-tokens.ts";

const { count: countControlTokens, escape: escapeControlTokens } = controlTokens();

describe("control tokens that people spelled out", () => {
  test.each([
    ["", 0],
    ["nothing here", 0],
    ["<|eot_id|>", 1],
    ["<|eot_id|><|eot_id|>", 2],
    [`bye ${END}`, 1],
    ["<|begin_of_text|> and <|end_of_text|>", 2],
    ["<|start_header_id|>user<|end_header_id|>", 2],
    ["<|python_tag|><|eom_id|><|finetune_right_pad_id|><|step_id|><|image|>", 5],
    ["<|reserved_special_token_0|><|reserved_special_token_247|>", 2],
  ])("are counted: %j has %i", (text, count) => {
    expect(countControlTokens(text)).toBe(count);
  });

  test.each([
    "<|EOT_ID|>",
    "<| eot_id |>",
    "<|eot_id>",
    "|eot_id|",
    "<|im_start|>",
    "<|reserved_special_token_|>",
    "<\u200b|eot_id|>",
  ])("are not seen in %j, which Llama's tokenizer reads as text", (text) => {
    expect(countControlTokens(text)).toBe(0);
    expect(escapeControlTokens(text)).toBe(text);
  });

  test("are broken by a zero-width space behind the first sign, and nothing else changes", () => {
    expect(escapeControlTokens("a <|eot_id|> b <| c")).toBe("a <\u200b|eot_id|> b <| c");
  });

  const piece = fc.constantFrom("<|eot_id|>", END, "<|", "|>", "<", "|", ">", "eot_id", "user", " ", "🙂", "\n");
  const soup = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));

  test("are all gone after escaping, whatever stands around them", () => {
    fc.assert(fc.property(soup, (text) => countControlTokens(escapeControlTokens(text)) === 0));
  });

  test("come back when the zero-width spaces are taken out", () => {
    fc.assert(fc.property(soup, (text) => escapeControlTokens(text).replaceAll("\u200b", "") === text));
  });

  test("are also those of a chat template and a tokenizer that are given", () => {
    const controls = controlTokens(["<|im_start|>", "</s>", "[INST]", "<|eot_id|>", "<s", "<s>"]);
    expect(controls.count("<|im_start|>user </s> [INST] <|eot_id|> <s> INST")).toBe(5);
    expect(controls.escape("a</s><|eot_id|>[INST]")).toBe("a<\u200b/s><\u200b|eot_id|>[\u200bINST]");
    expect(controls.count(controls.escape("<|im_start|></s>[INST]<s>"))).toBe(0);
  });

  test("are counted anew in every call", () => {
    expect([1, 2, 3].map(() => countControlTokens("x <|eot_id|>"))).toEqual([1, 1, 1]);
  });
});
