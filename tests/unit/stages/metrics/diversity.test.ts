import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CUTS, diversity } from "../../../../stages/metrics/diversity.ts";

const of = (...texts: string[]) => diversity(texts.map((text) => CUTS["words"]?.(text) ?? []));

/** The definition by the letter: every pair, one after the other. */
function byTheLetter(texts: readonly (readonly string[])[]): number | null {
  const sets = texts.map((each) => new Set(each)).filter((set) => set.size > 0);
  let sum = 0;
  let pairs = 0;
  for (const [at, a] of sets.entries())
    for (const b of sets.slice(at + 1)) {
      const both = [...a].filter((each) => b.has(each)).length;
      sum += both / new Set([...a, ...b]).size;
      pairs++;
    }
  return pairs === 0 ? null : 100 * (1 - sum / pairs);
}

describe("first-turn diversity", () => {
  test("is 100 where no two first turns share a word and 0 where all are the same", () => {
    expect(of("write a poem", "hello there", "translate this")).toEqual({ value: 100, count: 3 });
    expect(of("write a poem", "Write a poem!")).toEqual({ value: 0, count: 2 });
  });

  test("is one less the mean Jaccard index of all pairs", () => {
    // {a,b} {b,c} share one of three; {a,b} {d} and {b,c} {d} share none.
    expect(of("a b", "b c", "d").value).toBeCloseTo(100 * (1 - 1 / 9), 10);
  });

  test("leaves out turns without a single word, and says nothing of fewer than two", () => {
    expect(of("a b", "…", "b c")).toEqual({ value: 100 * (1 - 1 / 3), count: 2 });
    expect(of("a b", "?")).toEqual({ value: null, count: 1 });
    expect(of()).toEqual({ value: null, count: 0 });
  });

  test("depends on the tokenizer as its name says", () => {
    const both = (name: string) => diversity(["Hi, you", "hi you"].map((text) => CUTS[name]?.(text) ?? [])).value;
    expect(both("words")).toBe(0);
    expect(both("whitespace")).toBeCloseTo(100 * (2 / 3));
    expect(both("whitespace-lower")).toBeCloseTo(100 * (2 / 3));
    expect(diversity(["Hi", "hi"].map((text) => CUTS["whitespace-lower"]?.(text) ?? [])).value).toBe(0);
  });

  test("counts as the definition does, for any texts", () => {
    const word = fc.constantFrom("a", "b", "c", "d", "__proto__", "constructor", "");
    fc.assert(
      fc.property(fc.array(fc.array(word), { maxLength: 12 }), (texts) => {
        const [found, expected] = [diversity(texts).value, byTheLetter(texts)];
        if (expected === null) expect(found).toBeNull();
        else expect(found).toBeCloseTo(expected, 9);
      }),
    );
  });
});
