import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Union } from "../../../../pipeline/collections.ts";
import { Entries } from "../../../../stages/dedup/near/bands.ts";
import { enter, linkSimilar, type NearOptions } from "../../../../stages/dedup/near/link.ts";
import { jaccard, MinHash } from "../../../../stages/dedup/near/minhash.ts";
import { Sets } from "../../../../stages/dedup/near/sets.ts";
import { WordScanner } from "../../../../stages/dedup/words.ts";

const NEAR: NearOptions = { bands: 32, rows: 4, jaccard: 0.8, shingle: 3 };

/** Words that follow from a number, so that texts are the same in every run. */
function words(seed: number, count: number): string[] {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return `w${(state >>> 8) % 50_000}`;
  });
}

/** Clusters of texts, each as the numbers of its members, found with so many ranges in this order of entries. */
function clustersOf(texts: readonly string[], given: Partial<NearOptions> = {}, ranges = 1): number[][] {
  const options = { ...NEAR, ...given };
  const into = { sets: new Sets(), entries: new Entries(ranges) };
  const scanner = new WordScanner();
  const minHash = new MinHash("seed", options);
  for (const [at, text] of texts.entries()) {
    scanner.scan(text);
    enter(scanner, at, minHash, options, into);
  }
  const union = new Union();
  for (let range = 0; range < ranges; range++) {
    const linked = linkSimilar([into.entries.range(range)], (text) => into.sets.at(text), options.jaccard);
    for (let at = 0; at < linked.length; at += 2) union.join(linked[at] as number, linked[at + 1] as number);
  }
  const found = new Map<number, number[]>();
  for (const at of texts.keys()) found.set(union.root(at), [...(found.get(union.root(at)) ?? []), at]);
  return [...found.values()].filter((each) => each.length > 1);
}

/** The set of shingles of a text, as texts: written down a second time. */
function shingles(text: string, width = 3): Set<string> {
  const list = text.split(" ");
  return new Set(list.slice(width - 1).map((_, at) => list.slice(at, at + width).join(" ")));
}

function exact(a: string, b: string): number {
  const [left, right] = [shingles(a), shingles(b)];
  const shared = [...left].filter((each) => right.has(each)).length;
  return shared / (left.size + right.size - shared);
}

/**
 * Pairs of texts of a planted Jaccard similarity: `shared` shingles in common and `own` in each alone, by one long
 * common start and another end of so many words each.
 */
function planted(pairs: number, shared: number, own: number, first = 0): [string, string][] {
  return Array.from({ length: pairs }, (_, at) => {
    const start = words(7 * (first + at) + 1, shared + 2).join(" ");
    const end = (which: number) =>
      words(7 * (first + at) + 2 + which, own)
        .map((word) => `${word}x${which}`)
        .join(" ");
    return own === 0 ? [start, start] : [`${start} ${end(0)}`, `${start} ${end(1)}`];
  });
}

const isFound = (clusters: readonly number[][], a: number, b: number) =>
  clusters.some((each) => each.includes(a) && each.includes(b));

describe("planted near-duplicates", () => {
  test.each([
    ["at the threshold, Jaccard 0.8", 80, 10],
    ["above it, Jaccard 0.9", 90, 5],
    ["that are short, Jaccard 0.8", 8, 1],
  ])("%s, are found with a recall of at least 0.95 and a precision of 1 (500 pairs)", (_, shared, own) => {
    const pairs = planted(500, shared, own);
    expect(exact(...(pairs[0] as [string, string]))).toBeCloseTo(shared / (shared + 2 * own), 10);
    const clusters = clustersOf(pairs.flat());
    const hits = pairs.filter((_, at) => isFound(clusters, 2 * at, 2 * at + 1)).length;
    expect(hits / pairs.length).toBeGreaterThanOrEqual(0.95);
    expect(
      clusters.every((each) => each.length === 2 && (each[0] ?? 0) % 2 === 0 && each[1] === (each[0] ?? 0) + 1),
    ).toBe(true);
  });

  test("below it, Jaccard 0.78, are found never: what is alike by its signature is compared exactly", () => {
    const pairs = planted(500, 78, 11);
    expect(exact(...(pairs[0] as [string, string]))).toBeCloseTo(0.78, 10);
    expect(clustersOf(pairs.flat())).toEqual([]);
  });

  test("at another threshold, 0.5 with 64 bands of 2, are found with a recall of at least 0.95 (300 pairs)", () => {
    const pairs = planted(300, 40, 20);
    const clusters = clustersOf(pairs.flat(), { jaccard: 0.5, bands: 64, rows: 2 });
    const hits = pairs.filter((_, at) => isFound(clusters, 2 * at, 2 * at + 1)).length;
    expect(hits / pairs.length).toBeGreaterThanOrEqual(0.95);
  });

  test("are what comparing all pairs exactly would find: recall at least 0.95, precision 1, among 150 mixed texts", () => {
    const mixed = [...planted(25, 80, 10), ...planted(25, 70, 20, 25), ...planted(25, 95, 2, 50)].flat();
    const clusters = clustersOf(mixed);
    let [near, found, wrong] = [0, 0, 0];
    for (const [a, left] of mixed.entries())
      for (const [b, right] of mixed.entries()) {
        if (b <= a) continue;
        const isNear = exact(left, right) >= 0.8;
        if (isNear) near++;
        if (isNear && isFound(clusters, a, b)) found++;
        if (!isNear && isFound(clusters, a, b)) wrong++;
      }
    expect(near).toBe(50);
    expect(found / near).toBeGreaterThanOrEqual(0.95);
    expect(wrong).toBe(0);
  });

  test("under seven words must be the same, but for case and punctuation", () => {
    const texts = [
      "Hi there!",
      "hi there",
      "hi there you",
      "",
      "?!",
      "one two three four five six",
      "one two three four five seven",
    ];
    expect(clustersOf(texts)).toEqual([[0, 1]]);
  });

  test("that are many copies of one template with a slot are one cluster", () => {
    const start = words(1, 60).join(" ");
    const texts = Array.from({ length: 400 }, (_, at) => `${start} ${words(at + 9, 3).join(" ")}`);
    expect(clustersOf(texts)).toEqual([texts.map((_, at) => at)]);
  });

  test("are the same in any order of the texts and any number of ranges", () => {
    const texts = [...planted(20, 80, 10), ...planted(20, 78, 11, 20), ...planted(5, 20, 0, 50)].flat();
    const named = (list: readonly string[], ranges: number) =>
      clustersOf(list, {}, ranges)
        .map((each) => each.map((at) => list[at]).sort())
        .sort();
    const expected = named(texts, 1);
    expect(expected.length).toBeGreaterThan(20);
    fc.assert(
      fc.property(
        fc.shuffledSubarray(texts, { minLength: texts.length }),
        fc.integer({ min: 1, max: 9 }),
        (list, ranges) => {
          expect(named(list, ranges)).toEqual(expected);
        },
      ),
      { numRuns: 10 },
    );
  });
});

describe("signatures", () => {
  type Oracle = { update(text: string): void; jaccard(other: Oracle): number };
  const { Minhash } = createRequire(import.meta.url)("minhash") as {
    Minhash: new (given: { numPerm: number }) => Oracle;
  };
  const sets = (shared: number, own: number) => {
    const common = words(3, shared);
    return [
      [...common, ...words(5, own).map((word) => `${word}a`)],
      [...common, ...words(6, own).map((word) => `${word}b`)],
    ] as const;
  };

  test.each([
    [400, 0],
    [400, 50],
    [200, 100],
    [100, 200],
    [0, 200],
  ])(
    "estimate the Jaccard similarity of sets with %i shared and %i own values as those of npm minhash do",
    (shared, own) => {
      const [left, right] = sets(shared, own);
      const truth = jaccard(...([left, right].map(valuesOf) as [Uint32Array, Uint32Array]));
      const ours = agreement(valuesOf(left), valuesOf(right));
      const [a, b] = [left, right].map((values) => {
        const oracle = new Minhash({ numPerm: 512 });
        for (const value of values) oracle.update(value);
        return oracle;
      }) as [Oracle, Oracle];
      // Four standard deviations of an estimate from 512 places.
      const allowed = 4 * Math.sqrt((truth * (1 - truth)) / 512) + 1e-9;
      expect(Math.abs(ours - truth)).toBeLessThanOrEqual(allowed);
      expect(Math.abs(a.jaccard(b) - truth)).toBeLessThanOrEqual(allowed);
    },
  );

  const valuesOf = (list: readonly string[]): Uint32Array => {
    const scanner = new WordScanner();
    const values = list.map((word) => {
      scanner.scan(word);
      return scanner.hash()[0];
    });
    return Uint32Array.from(new Set(values)).sort();
  };

  /** The share of 512 places in which two sets have the same least value. */
  function agreement(a: Uint32Array, b: Uint32Array): number {
    const minHash = new MinHash("seed", { bands: 128, rows: 4 });
    minHash.sign(a);
    const first = minHash.signature.slice();
    minHash.sign(b);
    return first.filter((value, at) => value === minHash.signature[at]).length / first.length;
  }

  test("follow from the seed alone", () => {
    const sign = (seed: string) => {
      const minHash = new MinHash(seed, NEAR);
      minHash.sign(Uint32Array.of(1, 2, 3));
      return minHash.signature;
    };
    expect(sign("a")).toEqual(sign("a"));
    expect(sign("a")).not.toEqual(sign("b"));
    expect(sign("a").slice(0, 4)).toMatchInlineSnapshot(`
      Int32Array [
        -1134601473,
        -731509202,
        -957165871,
        -1281861368,
      ]
    `);
  });
});

test("jaccard is what sets give, for any sets", () => {
  const values = fc.uniqueArray(fc.nat(30));
  fc.assert(
    fc.property(values, values, (a, b) => {
      const shared = a.filter((each) => b.includes(each)).length;
      const together = new Set([...a, ...b]).size;
      const sorted = (list: number[]) => Uint32Array.from(list).sort();
      expect(jaccard(sorted(a), sorted(b))).toBe(together === 0 ? 1 : shared / together);
    }),
  );
});

test("in a family of hundreds, one prompt with three slots, are those that have a slot in common, all of them", () => {
  const [prompt, values] = [words(1, 57), words(2, 1200)];
  const slots = Array.from({ length: 400 }, (_, at) =>
    [0, 1, 2].map((which) => `${values[3 * at + which]?.slice(-3)}-${which}`),
  );
  // With a slot in common two texts share 52 of 64 shingles, Jaccard 0.81; without, 49 of 67.
  const texts = slots.map(([one, two, three]) =>
    prompt.toSpliced(45, 0, `${three}`).toSpliced(30, 0, `${two}`).toSpliced(15, 0, `${one}`).join(" "),
  );
  const union = new Union();
  const first = new Map<string, number>();
  for (const [at, own] of slots.entries())
    for (const slot of own) {
      union.join(at, first.get(slot) ?? at);
      first.set(slot, first.get(slot) ?? at);
    }
  const expected = new Map<number, number[]>();
  for (const at of texts.keys()) expected.set(union.root(at), [...(expected.get(union.root(at)) ?? []), at]);
  const several = [...expected.values()].filter((each) => each.length > 1);
  expect(several.flat().length).toBeGreaterThan(200);
  expect(clustersOf(texts)).toEqual(several);
});
