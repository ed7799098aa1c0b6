import { writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Counted,
  encodeRuns,
  KeyCounter,
  KeyIndex,
  mergeAll,
  moreThan,
  readRange,
} from "../../../../stages/dedup/runs.ts";
import { useFolder } from "../../../helpers/folder.ts";

const at = useFolder();

const key = fc.oneof(
  fc.bigInt({ min: 0n, max: 5n }),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.constantFrom(1n << 32n, (1n << 32n) - 1n, 1n << 63n, (1n << 63n) - 1n, (1n << 64n) - 1n),
);
const keys = fc.array(key, { maxLength: 60 });

/** Keys that were counted, as `key×count@owner`. */
function shown({ keys, counts, owners }: Counted): string[] {
  return Array.from(keys, (each, place) => `${each}×${counts[place]}@${owners[place]}`);
}

/** The same from a plain map. */
function naive(all: readonly { key: bigint; owner: number }[]): string[] {
  const found = new Map<bigint, { count: number; owner: number }>();
  for (const each of all) {
    const before = found.get(each.key) ?? { count: 0, owner: each.owner };
    found.set(each.key, { count: before.count + 1, owner: Math.min(before.owner, each.owner) });
  }
  const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([each, { count, owner }]) => `${each}×${count}@${owner}`);
}

function counted(all: readonly bigint[], owner = 0, most?: number): Counted {
  const counter = new KeyCounter(owner, most);
  for (const each of all) counter.add(each);
  return counter.finish();
}

const lanes = (all: readonly bigint[]) => ({
  low: Uint32Array.from(all, (each) => Number(each & 0xffffffffn)),
  high: Uint32Array.from(all, (each) => Number(each >> 32n)),
});

describe("a counter of keys", () => {
  test("counts as a map does, however often it sets keys aside", () => {
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 8 }), fc.nat(9), (all, most, owner) => {
        expect(shown(counted(all, owner, most))).toEqual(naive(all.map((each) => ({ key: each, owner }))));
      }),
    );
  });

  test("counts the keys of one text once each", () => {
    fc.assert(
      fc.property(fc.array(keys, { maxLength: 10 }), fc.integer({ min: 1, max: 8 }), (texts, most) => {
        const counter = new KeyCounter(0, most);
        for (const text of texts) {
          const { low, high } = lanes(text);
          counter.addDistinct(low, high, text.length);
        }
        expect(shown(counter.finish())).toEqual(
          naive(texts.flatMap((text) => [...new Set(text)]).map((each) => ({ key: each, owner: 0 }))),
        );
      }),
    );
  });

  test("takes only as many lanes as it is told", () => {
    const counter = new KeyCounter(0);
    const { low, high } = lanes([1n, 2n, 3n]);
    counter.addDistinct(low, high, 2);
    counter.addDistinct(low, high, 0);
    expect(shown(counter.finish())).toEqual(["1×1@0", "2×1@0"]);
  });

  test("grows past the room that it begins with", () => {
    const many = Array.from({ length: 200_000 }, (_, place) => BigInt(place % 70_000));
    expect(counted(many).keys.length).toBe(70_000);
  });

  test("is empty when it is finished", () => {
    const counter = new KeyCounter(0);
    counter.add(1n);
    counter.finish();
    expect(shown(counter.finish())).toEqual([]);
  });
});

describe("counted runs", () => {
  test("merge to the sum, each key with its smallest owner", () => {
    fc.assert(
      fc.property(fc.array(keys, { maxLength: 7 }), (runs) => {
        const merged = mergeAll(runs.map((run, owner) => counted(run, owner)));
        expect(shown(merged)).toEqual(naive(runs.flatMap((run, owner) => run.map((each) => ({ key: each, owner })))));
      }),
    );
  });

  test("merge to the same in any order", () => {
    const runs = [counted([1n, 2n, 2n], 0), counted([2n, 3n], 1), counted([3n, 1n << 63n], 2)];
    expect(shown(mergeAll(runs.toReversed()))).toEqual(shown(mergeAll(runs)));
    expect(shown(mergeAll(runs))).toEqual(["1×1@0", "2×3@0", "3×2@1", `${1n << 63n}×1@2`]);
  });

  test("are cut to the keys seen more often than a number, not as often", () => {
    expect(shown(moreThan(counted([1n, 2n, 2n, 3n, 3n, 3n]), 2))).toEqual(["3×3@0"]);
  });
});

describe("a file of counted keys", () => {
  const ranges = fc.integer({ min: 1, max: 12 });

  test("gives all keys back, range by range and in order, for any number of ranges", () => {
    fc.assert(
      fc.property(keys, ranges, (all, count) => {
        const run = counted(all, 3);
        writeFileSync(at("a.runs"), Buffer.concat([...encodeRuns(run, count)]));
        const parts = Array.from({ length: count }, (_, range) => readRange(at("a.runs"), range));
        expect(parts.flatMap(shown)).toEqual(shown(run));
      }),
    );
  });

  test("cuts every run at the same keys, so that a range of all runs can be merged alone", () => {
    fc.assert(
      fc.property(keys, keys, ranges, (one, two, count) => {
        writeFileSync(at("a.runs"), Buffer.concat([...encodeRuns(counted(one, 0), count)]));
        writeFileSync(at("b.runs"), Buffer.concat([...encodeRuns(counted(two, 1), count)]));
        const parts = Array.from({ length: count }, (_, range) =>
          mergeAll([readRange(at("a.runs"), range), readRange(at("b.runs"), range)]),
        );
        expect(parts.flatMap(shown)).toEqual(shown(mergeAll([counted(one, 0), counted(two, 1)])));
      }),
    );
  });

  test("splits the space of keys into equal ranges", () => {
    const quarter = 1n << 62n;
    const run = counted([0n, quarter - 1n, quarter, 2n * quarter, 3n * quarter, 4n * quarter - 1n]);
    writeFileSync(at("a.runs"), Buffer.concat([...encodeRuns(run, 4)]));
    expect([0, 1, 2, 3].map((range) => readRange(at("a.runs"), range).keys.length)).toEqual([2, 1, 1, 2]);
  });
});

describe("an index of keys", () => {
  const find = (index: KeyIndex, each: bigint) => index.find(Number(each & 0xffffffffn), Number(each >> 32n));

  test("finds the place of every key, and no other key", () => {
    fc.assert(
      fc.property(fc.uniqueArray(key), keys, (list, others) => {
        const index = new KeyIndex(BigUint64Array.from(list));
        for (const each of [...list, ...others]) expect(find(index, each)).toBe(list.indexOf(each));
      }),
    );
  });

  test("of nothing finds nothing", () => {
    expect(find(new KeyIndex(new BigUint64Array(0)), 0n)).toBe(-1);
  });

  test("tells keys apart that agree in one lane", () => {
    const list = Array.from({ length: 500 }, (_, place) => (BigInt(place) << 32n) | 7n);
    const index = new KeyIndex(BigUint64Array.from(list));
    expect(list.every((each, place) => find(index, each) === place)).toBe(true);
    expect(find(index, (500n << 32n) | 7n)).toBe(-1);
  });
});
