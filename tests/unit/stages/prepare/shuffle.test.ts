import { writeFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readShard, ShardWriter } from "../../../../stages/prepare/shuffle.ts";
import { useFolder } from "../../../helpers/folder.ts";
import { texts } from "../../../helpers/texts.ts";

const at = useFolder();

type Placed = { shard: number; record: string[] };

/** Writes records to their shards; returns the file's bytes. */
function bytesOf(shards: number, records: readonly Placed[]): Buffer {
  const writer = new ShardWriter(shards);
  const bytes = records.flatMap(({ shard, record }) => [...writer.add(shard, record)]);
  return Buffer.concat([...bytes, ...writer.end()]);
}

/** Writes records to their shards; returns what each shard holds. */
function shuffle(shards: number, records: readonly Placed[]): string[][][] {
  writeFileSync(at("rows.blocks"), bytesOf(shards, records));
  return Array.from({ length: shards }, (_, shard) => [...readShard(at("rows.blocks"), shard)]);
}

const inShard = (records: readonly Placed[], shard: number) =>
  records.filter((each) => each.shard === shard).map(({ record }) => record);

test("every record comes back in exactly its shard, in order, for any number of shards and of texts", () => {
  const setup = fc.integer({ min: 1, max: 20 }).chain((shards) => {
    const shard = fc.integer({ min: 0, max: shards - 1 });
    return fc.tuple(fc.constant(shards), fc.array(fc.record({ shard, record: fc.array(texts, { maxLength: 5 }) })));
  });
  fc.assert(
    fc.property(setup, ([shards, records]) => {
      const expected = Array.from({ length: shards }, (_, shard) => inShard(records, shard));
      expect(shuffle(shards, records)).toEqual(expected);
    }),
  );
});

test("records that fill many blocks come back in order", () => {
  const records = Array.from({ length: 30_000 }, (_, number) => ({
    shard: number % 3,
    record: [`${number} ${"é🙂".repeat(10)}`, "plain"],
  }));
  const found = shuffle(3, records);
  for (const shard of [0, 1, 2]) expect(found[shard]).toEqual(inShard(records, shard));
});

test("a text may be far longer than a block, and what comes after it is small again", () => {
  const long = ["x".repeat(5_000_000), "é".repeat(2_000_000)];
  const found = shuffle(2, [
    { shard: 1, record: ["before"] },
    { shard: 1, record: long },
    { shard: 1, record: ["after", ""] },
  ]);
  expect(found).toEqual([[], [["before"], long, ["after", ""]]]);
});

test("no records make a file of empty shards", () => {
  expect(shuffle(3, [])).toEqual([[], [], []]);
});

test("the same records make the same bytes", () => {
  const records = Array.from({ length: 5000 }, (_, at) => ({
    shard: at % 2,
    record: [`${at}`, "text ".repeat(at % 90)],
  }));
  expect(bytesOf(2, records).equals(bytesOf(2, records))).toBe(true);
});
