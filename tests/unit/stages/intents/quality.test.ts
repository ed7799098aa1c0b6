import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { INTENT_PREFIX } from "../../../../stages/intents/prompt.ts";
import { longestRun, measureIntent } from "../../../../stages/intents/quality.ts";
import { conversation } from "../../../helpers/conversation.ts";

const RULE = { intentPrefix: INTENT_PREFIX, specifiedCopy: 8, specifiedShare: 0.8, specifiedWords: 8 };
const of = (goal: string, ...turns: string[]) =>
  measureIntent(`${INTENT_PREFIX} ${goal}`, conversation(...turns).turns, RULE);

describe("an intent", () => {
  test("is measured by its words, the share of its content words that the user said, and the longest copied run", () => {
    expect(
      of("learn how to bake rye bread at home.", "user: my rye bread at home is flat", "assistant: bake it longer"),
    ).toEqual({
      words: 19,
      from_user: 0.6,
      copied: 4,
      specificity: "generic",
    });
  });

  test("is compared with what the user said, not with the assistant's words", () => {
    expect(of("bake sourdough", "user: hi", "assistant: bake sourdough")).toMatchObject({ from_user: 0, copied: 0 });
  });

  test("that copies a long run from one turn is a specified one", () => {
    const said = "write a poem about my old red bike in the rain";
    expect(of(said, `user: please ${said} ok`).specificity).toBe("specified");
    const [half, other] = ["write a poem about my old", "red bike in the rain"];
    expect(of(said, `user: ${half}`, "assistant: yes", `user: ${other}`).copied).toBe(6);
  });

  test("that copies a run without spaces from one turn is a specified one", () => {
    const said = "写一篇关于家乡旧城区改造的文章并附上三个小标题和摘要";
    expect(of(said, `user: 请帮我${said}，谢谢`).specificity).toBe("specified");
    expect(of("写文章", `user: 请帮我${said}，谢谢`)).toMatchObject({ specificity: "generic" });
  });

  test("that has many content words, nearly all of them the user's, is a specified one; a short one is not", () => {
    const words = ["oslo", "bergen", "train", "june", "cabin", "fjord", "ferry", "salmon"];
    const turns = words.map((word) => `user: ${word}!`);
    expect(of(`plan ${words.join(" then ")}`, "user: plan", ...turns)).toMatchObject({ specificity: "specified" });
    expect(of("translate text", "user: text translate")).toMatchObject({ from_user: 1, specificity: "generic" });
  });

  test("is judged by the thresholds that are given", () => {
    const { turns } = conversation("user: text translate");
    const verdict = (rule: Partial<typeof RULE>) =>
      measureIntent(`${INTENT_PREFIX} translate text`, turns, { ...RULE, ...rule }).specificity;
    expect(verdict({ specifiedWords: 2 })).toBe("specified");
    expect(verdict({ specifiedWords: 3 })).toBe("generic");
    expect(verdict({ specifiedWords: 2, specifiedShare: 1 })).toBe("generic");
    expect(verdict({ specifiedCopy: 1 })).toBe("specified");
    expect(verdict({ specifiedCopy: 2 })).toBe("generic");
  });

  test("that is missing is not measured; one without content words has no share", () => {
    expect(measureIntent(null, [], RULE)).toEqual({ words: null, from_user: null, copied: null, specificity: null });
    expect(of("get it", "user: hi").from_user).toBeNull();
  });

  test("is measured whatever the letters: case, accents, other scripts", () => {
    expect(of("översätta ДОМ 한국", "user: ÖVERSÄTTA дом 한국")).toMatchObject({ from_user: 1, copied: 3 });
  });
});

test("the longest run is what trying every pair of places finds", () => {
  const word = fc.constantFrom("a", "b", "c");
  const slow = (own: string[], other: string[]) => {
    let longest = 0;
    for (let i = 0; i < own.length; i++)
      for (let j = 0; j < other.length; j++) {
        let length = 0;
        while (i + length < own.length && j + length < other.length && own[i + length] === other[j + length]) length++;
        longest = Math.max(longest, length);
      }
    return longest;
  };
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), fc.array(word, { maxLength: 12 }), (own, other) => {
      expect(longestRun(own, other)).toBe(slow(own, other));
    }),
  );
});
