import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalise } from "../../../../pipeline/text/normalise.ts";
import { NGRAM, WordScanner } from "../../../../stages/dedup/words.ts";
import { texts } from "../../../helpers/texts.ts";

/** Letters and marks of scripts without spaces; digits are as everywhere. */
const UNSPACED = String.raw`(?!\p{Nd})[\p{L}\p{N}\p{M}](?<=[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー〆〼\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}])`;
const RUNS = new RegExp(String.raw`(?:${UNSPACED})+|(?:(?!${UNSPACED})[\p{L}\p{N}])+`, "gu");

/** The words as the definition has them, without any of the scanner's tricks; runs of scripts without spaces are whole. */
const naiveWords = (text: string): string[] => text.normalize("NFKC").toLowerCase().match(RUNS) ?? [];

function words(text: string): string[] {
  const scanner = new WordScanner();
  scanner.scan(text);
  return Array.from({ length: scanner.words }, (_, word) => scanner.text(word, 1));
}

/** The hashes of a text's 7-grams, as text. */
function hashes(scanner: WordScanner, text: string): string[] {
  scanner.scan(text);
  return Array.from({ length: scanner.grams }, (_, gram) => `${scanner.gramLow[gram]} ${scanner.gramHigh[gram]}`);
}

describe("words", () => {
  test.each([
    ["of nothing are none", "", []],
    ["of signs alone are none", " \n…🙂!?\u2028", []],
    ["are runs of letters and digits in lower case", "Hello, World 42!", ["hello", "world", "42"]],
    ["end at anything else", "don't stop-me_now", ["don", "t", "stop", "me", "now"]],
    ["are the same composed and decomposed", "Caf\u00e9 Cafe\u0301", ["café", "café"]],
    ["are the same in compatibility forms", "ﬁne Ｆｕｌｌ ②", ["fine", "full", "2"]],
    ["end at a mark that cannot be composed", "x\u0301y", ["x", "y"]],
    ["may be Hebrew, Arabic or Greek", "שלום مرحبا ΣΟΦΙΑ", ["שלום", "مرحبا", "σοφια"]],
    ["end where a script without spaces begins or ends", "a漢b ②ไ３", ["a", "漢", "b", "2", "ไ", "3"]],
    ["are numbers in any script", "๑๒๓ ၁၂ ១២", ["๑๒๓", "၁၂", "១២"]],
    ["may have letters outside the basic plane", "𐐔𐐯 a𠀀b 𝟙", ["𐐼𐐯", "a", "𠀀", "b", "1"]],
    ["end at emoji and half a surrogate pair", "a🙂b\ud800c", ["a", "b", "c"]],
    ["may be digits of other scripts", "٣٤ १२", ["٣٤", "१२"]],
  ])("%s", (_, text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  test("are those of the definition, for any text", () => {
    fc.assert(
      fc.property(fc.oneof(texts, fc.lorem()), (text) => {
        const naive = naiveWords(text);
        if (naive.some((run) => new RegExp(UNSPACED, "u").test(run))) expect(words(text).join("")).toBe(naive.join(""));
        else expect(words(text)).toEqual(naive);
      }),
    );
  });

  test("of scripts without spaces are cut alike whatever stands around them", () => {
    const run = "请为我们公司的网站写一篇关于产品的详细营销文章";
    const alone = words(run);
    expect(alone.length).toBeGreaterThan(7);
    for (const [before, after] of [
      ["", "。"],
      ["在北京", "并且包含三个小标题"],
      ["please ", " 2"],
    ]) {
      const inside = words(`${before}${run}${after}`).join(" ");
      expect(inside).toContain(alone.slice(1, -1).join(" "));
    }
  });

  test("may be more than the scanner begins with room for", () => {
    const many = Array.from({ length: 5000 }, (_, at) => `w${at}`);
    expect(words(many.join(" "))).toEqual(many);
  });

  test("of one text are gone when the next is scanned", () => {
    const scanner = new WordScanner();
    scanner.scan("one two three four five six seven eight");
    scanner.scan("nine");
    expect([scanner.words, scanner.grams, scanner.text(0, NGRAM)]).toEqual([1, 0, "nine"]);
  });
});

describe("7-grams", () => {
  test.each([
    [6, 0],
    [7, 1],
    [8, 2],
    [3000, 2994],
  ])("of %i words are %i", (count, expected) => {
    expect(hashes(new WordScanner(), "a ".repeat(count))).toHaveLength(expected);
  });

  test("have the text of their seven words", () => {
    const scanner = new WordScanner();
    scanner.scan("One, two: three four (five) six seven eight!");
    expect([0, 1].map((gram) => scanner.text(gram, NGRAM))).toEqual([
      "one two three four five six seven",
      "two three four five six seven eight",
    ]);
  });

  test("have equal hashes if and only if their words are equal", () => {
    const word = fc.constantFrom("a", "b", "aa", "ab", "ba", "é", "e", "漢", "字", "𠀀", "1", "11");
    const seven = fc.array(word, { minLength: NGRAM, maxLength: NGRAM });
    const scanner = new WordScanner();
    const hash = (list: readonly string[]) => hashes(scanner, list.join(" "))[0];
    fc.assert(
      fc.property(seven, seven, fc.boolean(), (one, two, same) => {
        const other = same ? [...one] : two;
        expect(hash(one) === hash(other)).toBe(one.join(" ") === other.join(" "));
      }),
      { numRuns: 2000 },
    );
  });

  test("have other hashes when two words change places", () => {
    const scanner = new WordScanner();
    const list = ["a", "b", "c", "d", "e", "f", "g"];
    const found = new Set<string | undefined>();
    for (let i = 0; i < 7; i++) {
      for (let j = i + 1; j < 7; j++) {
        const swapped = list.with(i, list[j] as string).with(j, list[i] as string);
        found.add(hashes(scanner, swapped.join(" "))[0]);
      }
    }
    expect(found.size).toBe(21);
  });

  test("are counted like words in a naive map", () => {
    const texts = Array.from({ length: 400 }, (_, at) =>
      Array.from({ length: 30 }, (_, word) => `w${(at * 7 + word * word) % 11}`).join(" "),
    );
    const [naive, hashed] = [new Map<string, number>(), new Map<string, number>()];
    const count = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1);
    const scanner = new WordScanner();
    for (const text of texts) {
      const list = naiveWords(text);
      for (let at = 0; at + NGRAM <= list.length; at++) count(naive, list.slice(at, at + NGRAM).join(" "));
      for (const hash of hashes(scanner, text)) count(hashed, hash);
    }
    expect([...hashed.values()]).toEqual([...naive.values()]);
  });

  test("do not depend on what was scanned before", () => {
    const scanner = new WordScanner();
    const text = "please write a poem about the sea at night";
    const fresh = hashes(new WordScanner(), text);
    hashes(scanner, "x ".repeat(3000));
    expect(hashes(scanner, text)).toEqual(fresh);
  });
});

describe("a text shorter than seven words as a whole", () => {
  const whole = (text: string): string | null => {
    const scanner = new WordScanner();
    scanner.scan(text);
    return scanner.scanWhole() === 1 ? `${scanner.gramLow[0]} ${scanner.gramHigh[0]}` : null;
  };

  test("has one hash, the same for the same words", () => {
    expect(whole("Hi there!")).toBe(whole("hi, there"));
    expect(whole("hi there")).not.toBe(whole("there hi"));
    expect(whole("hi")).not.toBe(whole("hi hi"));
  });

  test("has none if it has no words or seven", () => {
    expect(whole("…")).toBeNull();
    expect(whole("a b c d e f g")).toBeNull();
    expect(whole("a b c d e f")).not.toBeNull();
  });
});

test("normalised text is folded, then in lower case", () => {
  expect(normalise("ＡＢＣ Ⅷ É")).toBe("abc viii é");
});

test("every 7-gram has the hash that its seven words have by themselves", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", "b", "ccc", "д", "é"), { maxLength: 30 }), (words) => {
      const [all, alone] = [new WordScanner(), new WordScanner()];
      all.scan(words.join(" "));
      expect(all.grams).toBe(Math.max(0, words.length - 6));
      for (let gram = 0; gram < all.grams; gram++) {
        alone.scan(words.slice(gram, gram + 7).join(" "));
        expect([all.gramLow[gram], all.gramHigh[gram]]).toEqual([...alone.hash()]);
      }
    }),
  );
});
