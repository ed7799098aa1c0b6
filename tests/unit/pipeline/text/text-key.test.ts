import fc from "fast-check";
import { expect, test } from "vitest";
import { textKey } from "../../../../pipeline/text/text-key.ts";
import { texts } from "../../../helpers/texts.ts";

test.each([
  ["case", "Write a POEM", "write a poem"],
  ["punctuation", "Write a poem!", "write, a poem"],
  ["white space", "\n write\u0085a  poem\x1f", "write a poem"],
  ["compatibility forms", "ｗｒｉｔｅ ａ ｐｏｅｍ ②", "write a poem 2"],
  ["composition", "cafe\u0301", "CAFÉ"],
  ["signs alone, but for white space", "\u0085 ?! \n", "?!"],
  ["letters outside the basic plane, and halves of pairs", "𠀀\ud800b", "𠀀 b"],
])("texts have the same key but for %s", (_, one, other) => {
  expect(textKey(one)).toMatch(/^[0-9a-f]{16}$/);
  expect(textKey(one)).toBe(textKey(other));
});

test.each([
  ["other words", "write a poem", "write a song"],
  ["the same words in another order", "a b", "b a"],
  ["words that are joined", "a b", "ab"],
  ["other signs alone", "?", "!"],
  ["a letter more", "漢字", "漢"],
])("texts have another key with %s", (_, one, other) => {
  expect(textKey(one)).not.toBe(textKey(other));
});

test("nothing typed has no key", () => {
  for (const text of ["", " \n", "\u0085\x1c"]) expect(textKey(text)).toBeNull();
});

test("the key of a text is that of its runs of letters and digits, whatever was looked at before", () => {
  fc.assert(
    fc.property(texts, (text) => {
      const runs = text
        .normalize("NFKC")
        .toLowerCase()
        .match(
          /(?:[\p{L}\p{N}]|(?=\p{M})[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])+/gu,
        );
      if (runs !== null) expect(textKey(text)).toBe(textKey(runs.join(" - ")));
    }),
  );
});
