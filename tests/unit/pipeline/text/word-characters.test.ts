import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { goesOn, hasUnspaced, isUnspaced, kindOf, OTHER, SPACED } from "../../../../pipeline/text/word-characters.ts";

const code = (character: string) => character.codePointAt(0) as number;

describe("characters are", () => {
  test.each([
    ["letters and digits of scripts with spaces", ["a", "é", "д", "ش", "א", "한", "7", "٣", "क"], SPACED],
    ["digits of scripts without", ["๑", "໑", "១", "၁"], SPACED],
    ["signs, marks that stand on any letter, spaces", [" ", "。", "-", "\u0301", "ि", "🙂", "฿", "\ud800"], OTHER],
  ])("%s", (_, characters, kind) => {
    for (const each of characters) expect([each, kindOf(code(each))]).toEqual([each, kind]);
  });

  test("of scripts without spaces: Han, kana, Thai, Lao, Khmer, Burmese, with their marks", () => {
    for (const each of ["漢", "〇", "々", "𠀀", "ひ", "カ", "ー", "ก", "ิ", "่", "ລ", "ຽ", "ក", "្", "က", "ိ"]) {
      expect([each, isUnspaced(code(each)), hasUnspaced(`a ${each}.`)]).toEqual([each, true, true]);
    }
    for (const each of ["a", "한", "क", "።", "་", "7"]) {
      expect([each, isUnspaced(code(each)), hasUnspaced(each)]).toEqual([each, false, false]);
    }
  });
});

/** Characters from a place of Unicode on. */
const from = (start: number, count: number) => Array.from({ length: count }, (_, at) => start + at);

describe("a word goes on", () => {
  test.each([
    ["for two characters of Han on average", from(0x4e00, 200), 2],
    ["for two of kana", from(0x3041, 80), 2],
    ["for four of Thai", from(0xe01, 46), 4],
    ["for four of Burmese", from(0x1000, 42), 4],
    ["for four of Khmer", from(0x1780, 51), 4],
  ])("%s", (_, characters, expected) => {
    const ends = characters.flatMap((one) => characters.map((other) => Number(!goesOn(one, other))));
    const share = ends.reduce((sum, each) => sum + each, 0) / ends.length;
    expect(1 / share).toBeGreaterThan(0.9 * expected);
    expect(1 / share).toBeLessThan(1.1 * expected);
  });

  test("never into a script with spaces or a sign", () => {
    fc.assert(
      fc.property(fc.constantFrom(..."漢字かなไทย"), fc.constantFrom(..."a1 。한-"), (one, other) => {
        expect(goesOn(code(one), code(other))).toBe(false);
      }),
    );
  });
});
