import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { parquetMetadata } from "hyparquet";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { InputError } from "../../../../pipeline/errors.ts";
import { describeParquet, query, quote } from "../../../../pipeline/files/duckdb.ts";
import { readParquet, writeParquet } from "../../../../pipeline/files/parquet.ts";
import { Conversation } from "../../../../schemas/conversation.ts";
import { Intent } from "../../../../schemas/intent.ts";
import { Rejection } from "../../../../schemas/rejection.ts";
import { Sample } from "../../../../schemas/sample.ts";
import { Template } from "../../../../schemas/template.ts";
import { User } from "../../../../schemas/user.ts";
import { collect } from "../../../helpers/collect.ts";
import { conversation } from "../../../helpers/conversation.ts";
import { useFolder } from "../../../helpers/folder.ts";
import { rowsOf } from "../../../helpers/rows.ts";

const at = useFolder();
const Note = z.strictObject({ number: z.int(), text: z.string() });
const notes = (count: number, text = "x") => Array.from({ length: count }, (_, number) => ({ number, text }));

/** Rows and uncompressed bytes of each row group, as DuckDB sees them. */
async function rowGroups(path: string): Promise<{ rows: number; bytes: number }[]> {
  const sql = `SELECT row_group_id, any_value(row_group_num_rows)::INT AS rows, sum(total_uncompressed_size)::INT AS bytes
    FROM parquet_metadata(${quote(path)}) GROUP BY row_group_id ORDER BY row_group_id`;
  return (await collect(query(sql, path))) as { rows: number; bytes: number }[];
}

/** The footer of a file. */
function metadata(name: string) {
  return parquetMetadata(new Uint8Array(readFileSync(at(name))).buffer);
}

describe("what is written is what DuckDB reads", () => {
  const artefacts = { Conversation, Rejection, Template, User, Intent, Sample };

  test.each(Object.entries(artefacts))("for any rows of %s", async (_, schema) => {
    await fc.assert(
      fc.asyncProperty(rowsOf(schema as z.ZodObject), async (rows) => {
        const written = await writeParquet(at("rows.parquet"), schema, rows);
        expect(written.rows).toBe(rows.length);
        expect(await collect(readParquet(at("rows.parquet"), schema))).toEqual(rows);
      }),
      { numRuns: 25 },
    );
  });

  test("with NUL, emoji, right-to-left text, quotes and nothing at all kept as they are", async () => {
    const texts = ["", "\0", "a\0b", "👩‍👩‍👧", "שלום\u202e", "\u2028\u2029\r\n", "\"'\\", "\ufeff", "null"];
    const rows = texts.map((text, number) => ({ number, text }));
    await writeParquet(at("rows.parquet"), Note, rows);
    expect(await collect(readParquet(at("rows.parquet"), Note))).toEqual(rows);
  });

  test("in the order in which it was written, across row groups", async () => {
    const rows = notes(45_000);
    await writeParquet(at("rows.parquet"), Note, rows);
    expect(await collect(readParquet(at("rows.parquet"), Note))).toEqual(rows);
  });

  test("with the columns in the order of the schema, texts as text and lists as lists", async () => {
    await writeParquet(at("rows.parquet"), Conversation, []);
    const columns = await describeParquet(at("rows.parquet"));
    expect([...columns.keys()]).toEqual(Object.keys(Conversation.shape));
    expect(columns.get("id")).toBe("VARCHAR");
    expect(columns.get("turns")).toBe('STRUCT("role" VARCHAR, "content" VARCHAR)[]');
    expect(columns.get("redacted")).toBe("BOOLEAN");
  });
});

describe("a file of rows", () => {
  test("has the same bytes for the same rows, however they come", async () => {
    const rows = notes(50, "same");
    async function* slowly() {
      for (const row of rows) yield await Promise.resolve(row);
    }
    const one = await writeParquet(at("one.parquet"), Note, rows);
    const two = await writeParquet(at("two.parquet"), Note, slowly());
    expect(two).toEqual(one);
    expect(readFileSync(at("one.parquet")).equals(readFileSync(at("two.parquet")))).toBe(true);
  });

  test("of no rows can be read", async () => {
    expect(await writeParquet(at("rows.parquet"), Sample, [])).toMatchObject({ rows: 0 });
    expect(await collect(readParquet(at("rows.parquet"), Sample))).toEqual([]);
  });

  test("is not left behind by a source of rows that fails", async () => {
    async function* failing() {
      yield* notes(3);
      throw new Error("the disk of the source is gone");
    }
    await expect(writeParquet(at("rows.parquet"), Note, failing())).rejects.toThrow("the disk of the source is gone");
    expect(readdirSync(at())).toEqual([]);
  });

  test("closes a row group at 20,000 rows", async () => {
    await writeParquet(at("rows.parquet"), Note, notes(20_001));
    expect((await rowGroups(at("rows.parquet"))).map(({ rows }) => rows)).toEqual([20_000, 1]);
  });

  test.each([
    ["Latin", "a"],
    ["emoji, four bytes a character", "🙂"],
  ])("closes a row group long before 64 MB of text: %s", async (_, character) => {
    function* rows() {
      for (let number = 0; number < 20; number++) yield { number, text: `${number}${character.repeat(1 << 20)}` };
    }
    await writeParquet(at("rows.parquet"), Note, rows());
    const groups = await rowGroups(at("rows.parquet"));
    expect(groups.length).toBeGreaterThan(1);
    expect(Math.max(...groups.map(({ bytes }) => bytes))).toBeLessThan(64 << 20);
    expect(groups.reduce((sum, { rows }) => sum + rows, 0)).toBe(20);
  });

  test("has a page index for every column of more than one page, in every row group", async () => {
    function* rows() {
      for (let number = 0; number < 40; number++) {
        const said = `${number}${"x".repeat(200_000)}`;
        yield { ...conversation(`user: ${said}`, `assistant: ${said}`), id: `test:${number}` };
      }
    }
    await writeParquet(at("rows.parquet"), Conversation, rows());
    const { row_groups } = metadata("rows.parquet");
    expect(row_groups.length).toBeGreaterThan(1);
    for (const group of row_groups) {
      const indexed = group.columns.filter((column) => column.column_index_offset && column.offset_index_offset);
      expect(indexed.map((column) => column.meta_data?.path_in_schema.join("."))).toEqual([
        "opening",
        "turns.list.element.content",
      ]);
    }
  });

  test("is compressed with zstd in every column", async () => {
    await writeParquet(at("rows.parquet"), Conversation, [conversation("user: hi", "assistant: hello")]);
    const columns = metadata("rows.parquet").row_groups.flatMap((group) => group.columns);
    expect(new Set(columns.map((column) => column.meta_data?.codec))).toEqual(new Set(["ZSTD"]));
  });

  test("says nothing of the machine or the time: its maker is flipturn", async () => {
    await writeParquet(at("rows.parquet"), Note, notes(1));
    expect(metadata("rows.parquet").created_by).toBe("flipturn");
  });
});

describe("reading", () => {
  test("takes only the columns of a picked schema", async () => {
    await writeParquet(at("rows.parquet"), Note, notes(2));
    expect(await collect(readParquet(at("rows.parquet"), Note.pick({ number: true })))).toEqual([
      { number: 0 },
      { number: 1 },
    ]);
  });

  test("goes through several files in the order in which they are named", async () => {
    await writeParquet(at("b.parquet"), Note, [{ number: 1, text: "b" }]);
    await writeParquet(at("a.parquet"), Note, [{ number: 2, text: "a" }]);
    const rows = await collect(readParquet([at("b.parquet"), at("a.parquet")], Note));
    expect(rows.map(({ text }) => text)).toEqual(["b", "a"]);
  });

  test("finds a file whose name has quotes, spaces or brackets", async () => {
    for (const name of ["it's.parquet", "a b.parquet", "run[1].parquet", "what?.parquet"]) {
      await writeParquet(at(name), Note, notes(1));
      expect(await collect(readParquet(at(name), Note)), name).toEqual(notes(1));
    }
  });

  test("of two files by turns loses no row of either", async () => {
    await writeParquet(at("a.parquet"), Note, notes(5_000));
    await writeParquet(at("b.parquet"), Note, notes(5_000));
    const other = readParquet(at("b.parquet"), Note);
    let [left, right] = [0, 0];
    for await (const _ of readParquet(at("a.parquet"), Note)) {
      left++;
      if (!(await other.next()).done) right++;
    }
    expect([left, right]).toEqual([5_000, 5_000]);
  });

  test("can be left early and begun again", async () => {
    await writeParquet(at("rows.parquet"), Note, notes(5_000));
    for await (const { number } of readParquet(at("rows.parquet"), Note)) if (number === 10) break;
    expect(await collect(readParquet(at("rows.parquet"), Note))).toHaveLength(5_000);
  });

  test("stops when it is told to", async () => {
    await writeParquet(at("rows.parquet"), Note, notes(1));
    const reading = collect(readParquet(at("rows.parquet"), Note, { signal: AbortSignal.abort() }));
    await expect(reading).rejects.toThrow(/abort/);
  });

  test.each([
    ["is missing", null],
    ["is empty", ""],
    ["is no Parquet", "PAR1 and then nothing"],
  ])("refuses a file that %s, by name", async (_, content) => {
    if (content !== null) writeFileSync(at("rows.parquet"), content);
    await expect(collect(readParquet(at("rows.parquet"), Note))).rejects.toThrow(InputError);
    await expect(collect(readParquet(at("rows.parquet"), Note))).rejects.toThrow(at("rows.parquet"));
  });

  test("refuses a file cut in two", async () => {
    await writeParquet(at("rows.parquet"), Note, notes(1000));
    const whole = readFileSync(at("rows.parquet"));
    writeFileSync(at("rows.parquet"), whole.subarray(0, whole.length / 2));
    await expect(collect(readParquet(at("rows.parquet"), Note))).rejects.toThrow(InputError);
  });

  test("refuses a row that is not what the schema says, naming file and column", async () => {
    await writeParquet(at("rows.parquet"), Note.extend({ text: z.string().nullable() }), [{ number: 1, text: null }]);
    const reading = collect(readParquet(at("rows.parquet"), Note));
    await expect(reading).rejects.toThrow(InputError);
    await expect(reading).rejects.toThrow(/rows\.parquet: .*[\s\S]*text/);
  });
});
