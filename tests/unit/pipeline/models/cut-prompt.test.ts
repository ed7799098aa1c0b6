import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { tokenizerFor } from "../../../../pipeline/models/count-tokens.ts";
import { isPromptCut } from "../../../../pipeline/models/cut-prompt.ts";

const asked = (...texts: string[]) => ({
  model: "m",
  messages: texts.map((content) => ({ role: "user" as const, content })),
});
const ENGLISH = "the quick brown fox jumps over the lazy dog. ".repeat(1000);

describe("a prompt that the server has cut", () => {
  test("is known by a count of tokens far below its words", () => {
    expect(isPromptCut(asked(ENGLISH), 2050)).toBe(true);
    expect(isPromptCut(asked(ENGLISH), 6000)).toBe(true);
  });

  test.each([null, 0])("is not known where the count is %s", (told) => {
    expect(isPromptCut(asked(ENGLISH), told)).toBe(false);
  });

  test("is not thought of where a beginning was in a cache, or what went before", () => {
    expect(isPromptCut(asked("word ".repeat(600)), 80)).toBe(false);
    expect(isPromptCut(asked(ENGLISH, "again"), 5)).toBe(false);
  });

  test("is not thought of for what any tokenizer makes of any text", async () => {
    const { count } = await tokenizerFor("gpt-4o");
    const texts = [
      ENGLISH,
      readFileSync(join(import.meta.dirname, "cut-prompt.test.ts"), "utf8").repeat(5),
      "=".repeat(40_000),
      " ".repeat(40_000),
      "मुझे हिंदी में एक छोटी कहानी सुनाओ। ".repeat(1000),
      "இன்று வானிலை எப்படி இருக்கிறது என்று சொல். ".repeat(1000),
      "今天天气怎么样，请告诉我。".repeat(2000),
      "internationalization misunderstanding straightforwardness ".repeat(1000),
    ];
    for (const text of texts) {
      expect(isPromptCut(asked(text), count(text)), text.slice(0, 20)).toBe(false);
      // A tokenizer that makes a fifth less of everything.
      expect(isPromptCut(asked(text), Math.ceil(0.8 * count(text))), text.slice(0, 20)).toBe(false);
    }
  });
});
