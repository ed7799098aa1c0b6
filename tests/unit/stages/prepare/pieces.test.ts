import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { piecesOf, rowsOf } from "../../../../stages/prepare/pieces.ts";
import { readRows } from "../../../../stages/prepare/rows.ts";
import { collect } from "../../../helpers/collect.ts";
import { execute } from "../../../helpers/engine.ts";
import { useFolder } from "../../../helpers/folder.ts";
import { logs } from "../../../helpers/logs.ts";

const at = useFolder();
const input = (path: string, bytes: number) => ({ path, bytes, modified_ms: 0, sha256: null, git_oid: null });

describe("pieces", () => {
  test("of a Parquet file are of two shards' bytes at most, of a file of lines one", () => {
    const inputs = [input("a.parquet", 500), input("b.jsonl", 400), input("c.PARQUET", 100)];
    expect(piecesOf({ inputs, shards: 10 })).toEqual([
      { inputs: [0], part: { index: 0, of: 3 } },
      { inputs: [0], part: { index: 1, of: 3 } },
      { inputs: [0], part: { index: 2, of: 3 } },
      { inputs: [1], part: { index: 0, of: 1 } },
      { inputs: [2], part: { index: 0, of: 1 } },
    ]);
    expect(piecesOf({ inputs, shards: 1 }).map(({ part }) => part.of)).toEqual([1, 1, 1]);
  });

  test("of many small files are some hundreds, each of several neighbours", () => {
    const inputs = Array.from({ length: 20_000 }, (_, at) =>
      input(`${at}.${at % 7 ? "jsonl" : "parquet"}`, 900 + (at % 200)),
    );
    const pieces = piecesOf({ inputs, shards: 1 });
    expect(pieces.length).toBeLessThan(1000);
    expect(pieces.flatMap((piece) => piece.inputs)).toEqual([...inputs.keys()]);
    expect(new Set(pieces.map(({ part }) => part.of))).toEqual(new Set([1]));
  });

  test("of files beside a large one hold 16 MB of them at most", () => {
    const inputs = [input("a.jsonl", 9e6), input("b.jsonl", 6e6), input("c.jsonl", 2e6), input("d.jsonl", 1e12)];
    expect(piecesOf({ inputs, shards: 1 }).map((piece) => piece.inputs)).toEqual([[0, 1], [2], [3]]);
  });

  test("have every row once, in order, whatever the row groups are", () => {
    const groups = fc.array(fc.nat(9), { maxLength: 12 });
    fc.assert(
      fc.property(groups, fc.integer({ min: 1, max: 9 }), (sizes, of) => {
        const parts = Array.from({ length: of }, (_, index) => rowsOf(sizes, { index, of }));
        expect(parts.at(-1)?.end).toBe(sizes.reduce((sum, rows) => sum + rows, 0));
        for (const [index, { first, end }] of parts.entries()) {
          expect(first).toBe(parts[index - 1]?.end ?? 0);
          expect(end).toBeGreaterThanOrEqual(first);
        }
      }),
    );
  });

  test("are alike where row groups are", () => {
    expect([0, 1, 2].map((index) => rowsOf(Array(9).fill(10), { index, of: 3 }))).toEqual([
      { first: 0, end: 30 },
      { first: 30, end: 60 },
      { first: 60, end: 90 },
    ]);
  });
});

describe("a Parquet file in parts", () => {
  const read = async (part?: { index: number; of: number }) => {
    const reading = { paths: "best", ...(part && { part }) } as const;
    return collect(readRows(at("rows.parquet"), "rows.parquet", logs({ id: "id" }), reading));
  };
  /** 10,000 rows in five groups, the 5,001st bad. */
  const write = (more = "") =>
    execute(`COPY (SELECT i AS id${more}, CASE WHEN i = 5000 THEN NULL ELSE [{'role': 'user', 'content': 'hi ' || i}] END AS messages
      FROM range(10000) t(i)) TO '${at("rows.parquet")}' (FORMAT parquet, ROW_GROUP_SIZE 2048)`);

  test.each([2, 8])("in %i parts has the rows that it has as a whole, under the same numbers", async (of) => {
    await write();
    const parts = await Promise.all(Array.from({ length: of }, (_, index) => read({ index, of })));
    expect(parts.filter((part) => part.length > 0)).toHaveLength(Math.min(of, 5));
    expect(parts.flat()).toEqual(await read());
    expect(parts.flat()[5000]).toMatchObject({ bad: { row: 5001 } });
  });

  test("with a column that hides the engine's row numbers is read whole, as the first", async () => {
    await write(", -1 - i % 2 AS File_Row_Number");
    const whole = await read();
    expect(whole).toHaveLength(10_000);
    expect(await read({ index: 0, of: 3 })).toEqual(whole);
    expect(await read({ index: 1, of: 3 })).toEqual([]);
  });

  test("without a row has none in any part", async () => {
    await execute(`COPY (SELECT '' AS id, [{'role': 'user', 'content': ''}] AS messages WHERE false)
      TO '${at("rows.parquet")}' (FORMAT parquet)`);
    expect(await Promise.all([0, 1].map((index) => read({ index, of: 2 })))).toEqual([[], []]);
  });
});
