import { expect, test } from "vitest";
import { z } from "zod";
import {
  artefactsOf,
  bytes,
  fileName,
  files,
  inputs,
  isShardOf,
  passing,
  rejections,
  shardName,
  singleTable,
  table,
} from "../../../pipeline/artefact.ts";
import { chains } from "../../../stages/index.ts";

const Row = z.strictObject({ a: z.string() });

const made = artefactsOf("stage", {
  rows: table(Row, "a row"),
  sums: singleTable(Row, "a sum"),
  parts: passing(table(Row, "a part")),
  runs: bytes("runs", "sorted"),
  rejections: rejections(),
  dataset: files("dataset", (path) => path.startsWith("data/"), "for others"),
  raw: inputs("from outside"),
});

test("an artefact has the name that it is declared under, and its stage's", () => {
  expect([made.rows.name, made.rows.stage, made.runs.name]).toEqual(["rows", "stage", "runs"]);
});

test("what is kept, and how it is cut into files, is said where it is declared", () => {
  const kept = Object.values(made).filter(({ isKept }) => isKept);
  expect(kept.map(({ name }) => name)).toEqual(["rows", "sums", "rejections", "dataset", "raw"]);
  expect(Object.values(made).map(({ per }) => per)).toEqual(["shard", "run", "shard", "task", "shard", "task", "task"]);
});

test("files are named after their artefact, number and count", () => {
  expect(fileName(made.rows, 3, 14)).toBe("rows-00003-of-00014.parquet");
  expect(fileName(made.runs, 3, 14)).toBe("runs-00003.runs");
});

test("a name is a shard's only if it is spelled as shards are", () => {
  expect(isShardOf("rows", "parquet", shardName("rows", 3, 14))).toBe(true);
  for (const name of ["rows-3-of-14.parquet", "rows-00003-of-00014.jsonl", "rowsX00003-of-00014.parquet", "rows", ""])
    expect(isShardOf("rows", "parquet", name), name).toBe(false);
});

test("no two artefacts of a chain's stage share a name, and each says what it is", () => {
  for (const { stages } of Object.values(chains))
    for (const { name: stage, writes } of stages)
      for (const [name, artefact] of Object.entries(writes)) {
        expect([artefact.stage, artefact.name]).toEqual([stage, name]);
        expect(artefact.about, `${stage}.${name}`).not.toBe("");
      }
});
