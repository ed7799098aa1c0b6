import fc from "fast-check";
import { expect, test } from "vitest";
import { wordsOf } from "../../../../pipeline/text/words.ts";
import { texts } from "../../../helpers/texts.ts";

/** The words of text with spaces, as they always were. */
const spacedWords = (text: string): string[] =>
  text
    .toLowerCase()
    .replaceAll("’", "'")
    .match(/[\p{L}\p{N}\p{M}]+(?:'[\p{L}]+)*/gu) ?? [];

test.each([
  ["keep apostrophes and marks", "Don’t STOP: it's 3rd—naïve नमस्ते", ["don't", "stop", "it's", "3rd", "naïve", "नमस्ते"]],
  ["are none in signs", "\u2028…!", []],
  ["are runs in Korean, which has spaces", "안녕하세요 여러분", ["안녕하세요", "여러분"]],
  ["end where a script without spaces begins or ends", "gpt4の漢", ["gpt4", "の", "漢"]],
  ["keep a mark with its letter", "か\u3099 a\u0301", ["か\u3099", "a\u0301"]],
])("words %s", (_, text, expected) => {
  expect(wordsOf(text)).toEqual(expected);
});

test("a sentence without spaces is several words, which make it up", () => {
  for (const text of ["请帮我写一篇关于环境保护的文章", "東京の天気を教えてください", "ช่วยเขียนบทความเกี่ยวกับสิ่งแวดล้อม"]) {
    const words = wordsOf(text);
    expect(words.join("")).toBe(text);
    expect(words.length).toBeGreaterThan(text.length / 6);
    expect(words.length).toBeLessThan(text.length);
  }
});

test("words of any text have its letters in their order, and those of text with spaces are its runs", () => {
  fc.assert(
    fc.property(fc.oneof(texts, fc.lorem()), (text) => {
      const spaced = spacedWords(text);
      expect(wordsOf(text).join("")).toBe(spaced.join(""));
      if (
        !/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー〆〼]/u.test(
          text,
        )
      )
        expect(wordsOf(text)).toEqual(spaced);
    }),
  );
});
