import { writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countKeys, readRangeKeys, Scatter } from "../../../../stages/dedup/scatter.ts";
import { useFolder } from "../../../helpers/folder.ts";

const at = useFolder();

const key = fc.oneof(
  fc.bigInt({ min: 0n, max: 5n }),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.constantFrom(1n << 32n, (1n << 32n) - 1n, 1n << 63n, (1n << 63n) - 1n, (1n << 64n) - 1n),
);
const texts = fc.array(fc.array(key, { maxLength: 40 }), { maxLength: 8 });
const ascending = (a: bigint, b: bigint) => (a < b ? -1 : Number(a > b));

/** Writes the keys of texts; gives the keys of each range as they are read back. */
function scattered(all: readonly (readonly bigint[])[], ranges: number, block: number): bigint[][] {
  const scatter = new Scatter(ranges, block);
  const bytes: Uint8Array[] = [];
  for (const keys of all) {
    const low = Uint32Array.from(keys, (each) => Number(each & 0xffffffffn));
    const high = Uint32Array.from(keys, (each) => Number(each >> 32n));
    scatter.add(low, high, keys.length);
    bytes.push(...scatter.full());
  }
  writeFileSync(at("a.runs"), Buffer.concat([...bytes, ...scatter.finish()]));
  return Array.from({ length: ranges }, (_, range) => [...readRangeKeys(at("a.runs"), range)]);
}

describe("keys dealt out into ranges", () => {
  test("are all there, those of one text once, whatever the ranges and blocks are", () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 5 }), (all, ranges, block) => {
        const expected = all.flatMap((text) => [...new Set(text)]).sort(ascending);
        expect(scattered(all, ranges, block).flat().sort(ascending)).toEqual(expected);
      }),
    );
  });

  test("are in ranges that follow one another", () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 9 }), (all, ranges) => {
        const found = scattered(all, ranges, 3).map((keys) => keys.sort(ascending));
        expect(found.flat()).toEqual(found.flat().sort(ascending));
      }),
    );
  });

  test("of a text longer than any before are told apart as well", () => {
    const long = Array.from({ length: 5000 }, (_, place) => BigInt(place % 4000));
    expect(scattered([[1n], long, [1n, 1n]], 2, 512).flat()).toHaveLength(1 + 4000 + 1);
  });
});

test("the keys above a threshold have their counts and the first shard that has them, as a map says", () => {
  const shards = fc.array(fc.array(key, { maxLength: 30 }), { maxLength: 5 });
  fc.assert(
    fc.property(shards, fc.integer({ min: 1, max: 3 }), (all, least) => {
      const expected = new Map<bigint, { count: number; owner: number }>();
      for (const [owner, keys] of all.entries())
        for (const each of keys) {
          const before = expected.get(each) ?? { count: 0, owner };
          expected.set(each, { ...before, count: before.count + 1 });
        }
      const lists = all.map((keys) => BigUint64Array.from(keys));
      const { distinct, frequent } = countKeys(lists, least);
      expect(distinct).toBe(expected.size);
      const chosen = [...expected].filter(([, { count }]) => count > least).sort(([a], [b]) => ascending(a, b));
      const found = Array.from(frequent.keys, (each, place) => {
        return [each, { count: frequent.counts[place], owner: frequent.owners[place] }];
      });
      expect(found).toEqual(chosen);
      expect(lists.map((list) => [...list])).toEqual(all);
    }),
  );
});
