import { readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { InputError } from "../../../../pipeline/errors.ts";
import { jsonLines, parquet, query } from "../../../../pipeline/files/duckdb.ts";
import { writeParquet } from "../../../../pipeline/files/parquet.ts";
import { useFolder } from "../../../helpers/folder.ts";

const at = useFolder();
const Row = z.strictObject({ id: z.int(), split: z.string() });

async function file(...names: string[]): Promise<string> {
  const path = at(...names);
  const rows = Array.from({ length: 10_000 }, (_, id) => ({ id, split: "own" }));
  await writeParquet(path, Row, rows);
  return path;
}

/** The files in the folder of the test that this process has open. */
function open(): string[] {
  const links = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "";
    }
  });
  return links.filter((path) => path.startsWith(at()));
}

describe("a query", () => {
  test.skipIf(process.platform !== "linux")("that is left early holds no file open", async () => {
    const path = await file("rows.parquet");
    for await (const row of query(`SELECT * FROM ${parquet(path)}`, path)) {
      expect(row).toEqual({ id: 0, split: "own" });
      break;
    }
    expect(open()).toEqual([]);
  });

  test("that cannot be answered names its place", async () => {
    writeFileSync(at("odd.parquet"), "no Parquet");
    const rows = query(`SELECT * FROM ${parquet(at("odd.parquet"))}`, "odd.parquet");
    await expect(rows.next()).rejects.toThrow(InputError);
  });
});

describe("a file in a folder called `key=value`", () => {
  test.each(["parquet", "jsonl"])("has the columns that are in it, and no others: %s", async (kind) => {
    const path = await file("id=7", "split=hash", "x=1", "rows.parquet");
    writeFileSync(at("id=7", "split=hash", "rows.jsonl"), '{"id":0,"split":"own"}\n');
    const lines = jsonLines(at("id=7", "split=hash", "rows.jsonl"), { id: "INT", split: "VARCHAR" });
    const from = kind === "parquet" ? parquet(path) : lines;
    for await (const row of query(`SELECT * FROM ${from} LIMIT 1`, path)) expect(row).toEqual({ id: 0, split: "own" });
  });
});
