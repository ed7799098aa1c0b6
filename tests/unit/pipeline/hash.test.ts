import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonical, digest, keyed, shardOf } from "../../../pipeline/hash.ts";

describe("canonical JSON", () => {
  test("sorts the keys of every object and keeps the order of lists", () => {
    expect(canonical({ b: [{ d: 1, c: 2 }, null], a: "x" })).toBe('{"a":"x","b":[{"c":2,"d":1},null]}');
  });

  test("sorts by code unit, not by the language of the machine", () => {
    expect(canonical({ ä: 1, z: 2, Z: 3 })).toBe('{"Z":3,"z":2,"ä":1}');
  });

  test("leaves out what is undefined, as JSON does", () => {
    expect(canonical({ b: undefined, a: [undefined, 1] })).toBe('{"a":[null,1]}');
  });

  test("is what JSON makes of the value with its keys sorted", () => {
    /** JavaScript itself puts keys that are numbers first, so no key here is one. */
    const sorted = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(sorted);
      if (value === null || typeof value !== "object") return value;
      const keys = Object.keys(value).sort((a, b) => (a < b ? -1 : 1));
      return Object.fromEntries(keys.map((key) => [key, sorted((value as Record<string, unknown>)[key])]));
    };
    const values = fc.jsonValue().filter((value) => !/"\d+":/.test(JSON.stringify(value)));
    fc.assert(
      fc.property(values, (value) => {
        expect(canonical(value)).toBe(JSON.stringify(sorted(value)));
      }),
    );
  });

  test("means the same value as plain JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonical(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe("a digest", () => {
  test("is the same for objects that differ only in the order of their keys", () => {
    expect(digest({ a: 1, b: { c: 2, d: 3 } })).toBe(digest({ b: { d: 3, c: 2 }, a: 1 }));
  });

  test("differs where a value, a type or an order in a list differs", () => {
    const values = [{ a: 1 }, { a: "1" }, { a: [1, 2] }, { a: [2, 1] }, { a: null }, {}];
    expect(new Set(values.map(digest)).size).toBe(values.length);
  });
});

test("the keyed hash is HMAC-SHA-256 (RFC 4231, case 2)", () => {
  expect(keyed("Jefe", "what do ya want for nothing?")).toBe(
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
});

describe("the shard of an id", () => {
  test("is one of the shards, and always the same", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 10_000 }), (id, shards) => {
        const shard = shardOf(id, shards);
        expect(shard).toBeGreaterThanOrEqual(0);
        expect(shard).toBeLessThan(shards);
        expect(shardOf(id, shards)).toBe(shard);
      }),
    );
  });

  test("never changes between versions, or every published dataset would", () => {
    expect(["a", "b", "wildchat-1m:0", ""].map((id) => shardOf(id, 1000))).toMatchInlineSnapshot(`
      [
        610,
        566,
        455,
        610,
      ]
    `);
  });

  test("spreads ids evenly", () => {
    const sizes = new Array<number>(10).fill(0);
    for (let id = 0; id < 10_000; id++) {
      const shard = shardOf(`id ${id}`, 10);
      sizes[shard] = (sizes[shard] ?? 0) + 1;
    }
    expect(Math.min(...sizes)).toBeGreaterThan(900);
    expect(Math.max(...sizes)).toBeLessThan(1100);
  });
});
