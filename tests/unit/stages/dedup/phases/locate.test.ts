import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DedupOptions } from "../../../../../stages/dedup/options.ts";
import { markOpening } from "../../../../../stages/dedup/phases/locate.ts";
import { KeyIndex } from "../../../../../stages/dedup/runs.ts";
import { coveredWords } from "../../../../../stages/dedup/templates.ts";
import { NGRAM, WordScanner } from "../../../../../stages/dedup/words.ts";

const scanner = new WordScanner();

/** An index of these 7-grams (or, for a short prompt, of the whole), numbered in the order given. */
function indexOf(grams: readonly string[]): KeyIndex {
  const keys = grams.map((gram) => {
    scanner.scan(gram);
    if (scanner.grams === 0) scanner.scanWhole();
    return (BigInt(scanner.gramHigh[0] as number) << 32n) | BigInt(scanner.gramLow[0] as number);
  });
  return new KeyIndex(BigUint64Array.from(keys));
}

function mark(opening: string, heavy: readonly string[], given: Partial<DedupOptions> = {}) {
  const row = { id: "a", user_id: null, country: null, started_at: null, opening };
  const found = markOpening(row, scanner, indexOf(heavy), DedupOptions.parse(given));
  return { ...found, covered: coveredWords(found, () => true) };
}

const alphabet = "a b c d e f g h i j k l m n o p";
const gram = (first: number) =>
  alphabet
    .split(" ")
    .slice(first, first + NGRAM)
    .join(" ");

describe("an opening is marked with its heavy 7-grams", () => {
  test("in the order of the text, with the words that they cover", () => {
    expect(mark(alphabet, [gram(9), gram(0), "not in there at all my friend"])).toEqual({
      id: "a",
      user: "a",
      country: null,
      started_at: null,
      words: 16,
      covered: 14,
      grams: [1, 0],
      places: [0, 9],
    });
  });

  test("that overlap cover their words once", () => {
    expect(mark(alphabet, [gram(0), gram(1), gram(3)]).covered).toBe(10);
  });

  test("that come again cover more, and are told again, where they stand", () => {
    const text = `${gram(0)} x ${gram(0)}`;
    expect(mark(text, [gram(0)])).toMatchObject({ words: 15, covered: 14, grams: [0, 0], places: [0, 8] });
  });

  test("and with nothing if it has none", () => {
    expect(mark(alphabet, [])).toMatchObject({ words: 16, covered: 0, grams: [] });
    expect(mark("", [gram(0)])).toMatchObject({ words: 0, covered: 0, grams: [] });
  });

  test("or with itself as a whole if it is short and short prompts are wanted", () => {
    expect(mark("Hi there!", ["hi there"])).toMatchObject({ words: 2, covered: 0, grams: [] });
    expect(mark("Hi there!", ["hi there"], { shortPrompts: "drop" })).toMatchObject({
      words: 2,
      covered: 2,
      grams: [0],
    });
    expect(mark("hi there you", ["hi there"], { shortPrompts: "drop" })).toMatchObject({ covered: 0 });
  });

  test("as a naive count of covered words would have it", () => {
    const words = fc.array(fc.constantFrom("x", "y"), { maxLength: 40 });
    const heavy = fc.uniqueArray(
      fc.array(fc.constantFrom("x", "y"), { minLength: NGRAM, maxLength: NGRAM }).map((list) => list.join(" ")),
    );
    fc.assert(
      fc.property(words, heavy, (list, known) => {
        const covered = new Set<number>();
        const grams: number[] = [];
        const places: number[] = [];
        for (let at = 0; at + NGRAM <= list.length; at++) {
          const number = known.indexOf(list.slice(at, at + NGRAM).join(" "));
          if (number < 0) continue;
          grams.push(number);
          places.push(at);
          for (let word = at; word < at + NGRAM; word++) covered.add(word);
        }
        expect(mark(list.join(" "), known)).toMatchObject({
          words: list.length,
          covered: covered.size,
          grams,
          places,
        });
      }),
      { numRuns: 300 },
    );
  });
});
