import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { Offsets } from "../../../../pipeline/models/offsets.ts";

const key = (number: number) => createHash("sha256").update(String(number)).digest("hex");

test("the table finds what was put in last under each key, and nothing else, however often it has grown", () => {
  const offsets = new Offsets();
  const expected = new Map<string, number>();
  for (let number = 0; number < 20_000; number++) {
    // Every fifth key comes again, with a later offset; the first offset is 0.
    const each = key(number % 5 === 4 ? number - 3 : number);
    offsets.set(each, number * 450);
    expected.set(each, number * 450);
  }
  expect(offsets.size).toBe(expected.size);
  for (const [each, offset] of expected) if (offsets.get(each) !== offset) expect.fail(`${each}: ${offsets.get(each)}`);
  expect(Array.from({ length: 1000 }, (_, at) => offsets.get(key(-1 - at)))).toEqual(Array(1000).fill(undefined));
});
