import { writeFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readShard, ShardWriter } from "../../../stages/prepare/shuffle.ts";
import { useFolder } from "../../helpers/folder.ts";
import { texts } from "../../helpers/texts.ts";

const at = useFolder();

/** Writes lines to their shards; returns what each shard holds. */
function shuffle(shards: number, lines: readonly { shard: number; line: string }[]): string[][] {
  const writer = new ShardWriter(shards);
  const bytes = lines.flatMap(({ shard, line }) => [...writer.add(shard, line)]);
  writeFileSync(at("rows.blocks"), Buffer.concat([...bytes, ...writer.end()]));
  return Array.from({ length: shards }, (_, shard) => [...readShard(at("rows.blocks"), shard)]);
}

const line = texts.map((text) => text.replaceAll("\n", "¶"));

test("every line comes back in exactly its shard, in order, for any number of shards", () => {
  const setup = fc
    .integer({ min: 1, max: 20 })
    .chain((shards) =>
      fc.tuple(fc.constant(shards), fc.array(fc.record({ shard: fc.integer({ min: 0, max: shards - 1 }), line }))),
    );
  fc.assert(
    fc.property(setup, ([shards, lines]) => {
      const expected = Array.from({ length: shards }, (_, shard) =>
        lines.filter((each) => each.shard === shard).map((each) => each.line),
      );
      expect(shuffle(shards, lines)).toEqual(expected);
    }),
  );
});

test("lines that fill many blocks come back in order", () => {
  const lines = Array.from({ length: 30_000 }, (_, number) => ({
    shard: number % 3,
    line: `${number} ${"é🙂".repeat(10)}`,
  }));
  const found = shuffle(3, lines);
  for (const shard of [0, 1, 2])
    expect(found[shard]).toEqual(lines.filter((each) => each.shard === shard).map((each) => each.line));
});

test("a line may be far longer than a block", () => {
  const long = "x".repeat(5_000_000);
  const found = shuffle(2, [
    { shard: 1, line: "before" },
    { shard: 1, line: long },
    { shard: 1, line: "after" },
  ]);
  expect(found).toEqual([[], ["before", long, "after"]]);
});

test("no lines make a file of empty shards", () => {
  expect(shuffle(3, [])).toEqual([[], [], []]);
});

test("the same lines make the same bytes", () => {
  const lines = [
    { shard: 0, line: "a" },
    { shard: 1, line: "b" },
  ];
  const bytes = () => {
    const writer = new ShardWriter(2);
    return Buffer.concat([...lines.flatMap(({ shard, line: each }) => [...writer.add(shard, each)]), ...writer.end()]);
  };
  expect(bytes().equals(bytes())).toBe(true);
});
