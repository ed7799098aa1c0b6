import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { PieceCache } from "../../../../../pipeline/text/tokenizer/cache.ts";

test("what was put in comes out", () => {
  const cache = new PieceCache();
  cache.set("hello", [1, 2]);
  cache.set("a half pair \ud83d", [3]);
  expect([cache.get("hello"), cache.get("a half pair \ud83d"), cache.get("other")]).toEqual([[1, 2], [3], undefined]);
});

test("forgets what was not asked for lately, and keeps what was", () => {
  const cache = new PieceCache();
  cache.set("kept", [1]);
  cache.set("forgotten", [2]);
  for (let at = 0; at < 300_000; at++) {
    cache.set(`piece ${at}`, [at]);
    if (at % 10_000 === 0) cache.get("kept");
  }
  expect([cache.get("kept"), cache.get("forgotten"), cache.get("piece 0")]).toEqual([[1], undefined, undefined]);
});

test("does not hold long pieces", () => {
  const cache = new PieceCache();
  cache.set("x".repeat(1000), [1]);
  expect(cache.get("x".repeat(1000))).toBeUndefined();
});

test("holds no text that a piece was cut from", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const cache = new PieceCache();
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let at = 0; at < 100; at++) {
    const text = Buffer.alloc(1_000_000, `text ${at} `).toString("latin1");
    cache.set(text.slice(at, at + 20), [at]);
  }
  collect();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000);
});
