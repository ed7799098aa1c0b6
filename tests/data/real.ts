// Real conversations lie beside the repository, not in it. Tests over them are skipped where they are not there. What a
// run wrote is read back with hyparquet and a zstd decoder in plain JavaScript: neither wrote it, nor reads it in the pipeline.

import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { decompress } from "fzstd";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { globSync } from "tinyglobby";
import { afterAll, describe, expect } from "vitest";
import type { z } from "zod";
import type { Given } from "../../pipeline/config.ts";
import { stageIn } from "../../pipeline/stage.ts";
import type { Conversation } from "../../schemas/conversation.ts";
import type { Manifest } from "../../schemas/manifest.ts";
import { Rejection } from "../../schemas/rejection.ts";
import { run } from "../../stages/index.ts";
import type { DatasetRow } from "../helpers/dataset-row.ts";

const real = join(import.meta.dirname, "..", "..", "..", "shared", "data");
const isThere = existsSync(real);

/** Path of a file of real conversations. */
export const realFile = (...parts: string[]): string => join(real, ...parts);

/** Tests that need the real conversations; skipped, with the reason in the name, where they are missing. */
export function describeReal(name: string, tests: () => void): void {
  const reason = isThere ? "" : " (skipped: no folder ../shared/data beside the repository)";
  describe.skipIf(!isThere)(`${name}${reason}`, tests);
}

/** A folder that is removed when the tests of this file are done. */
export const scratch = mkdtempSync(join(tmpdir(), "flipturn-data-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The rows of a JSONL file, cut at "\n" alone. */
export function jsonl<T>(path: string): T[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as T);
}

/** Writes rows as a JSONL file of the scratch folder; returns its path. */
export function writeJsonl(name: string, rows: readonly object[]): string {
  const path = join(scratch, name);
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
}

/** The rows of Parquet files as hyparquet reads them. */
export async function parquetRows(paths: readonly string[]): Promise<Record<string, unknown>[]> {
  const compressors = { ZSTD: (bytes: Uint8Array, size: number) => decompress(bytes, new Uint8Array(size)) };
  const files = [...paths].sort().map(async (path) => {
    return parquetReadObjects({ file: await asyncBufferFromFile(path), compressors });
  });
  return (await Promise.all(files)).flat();
}

/** What a run left: its folder, and its manifests by stage. */
export type Finished = { folder: string; manifest: (stage: string) => Manifest };

/** Runs the pipeline in this process into a folder of the scratch folder, without intents and with contexts of any length unless told otherwise. */
export async function runInto(name: string, given: Given, to?: string): Promise<Finished> {
  const folder = join(scratch, name);
  const settings = { output: folder, intents: { provider: "none" }, render: { maxTokens: null }, ...given };
  const manifests = await run(settings, { executor: { name: "in-process" }, ...(to !== undefined && { to }) });
  return { folder, manifest: (stage) => found(manifests.find((each) => stageIn(each.stage) === stage)) };
}

/** A value that must be there. */
export function found<T>(value: T | undefined): T {
  if (value === undefined) expect.fail("expected a value, found nothing");
  return value;
}

/** All rows of an artefact of a run, in the order of its shards, each checked against its schema. */
export async function artefact<T extends z.ZodObject>(
  { folder }: Finished,
  pattern: string,
  schema: T,
): Promise<z.infer<T>[]> {
  const rows = await parquetRows(globSync(pattern, { cwd: folder, absolute: true }));
  return rows.map((row) => schema.parse(row));
}

/** How often each value occurs, sorted by value. */
export function tally(values: Iterable<string>): Record<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** In = kept + rejected at every stage; there is a rejection row for each that left; every stage takes what the one before it kept. */
export async function expectAccounted(finished: Finished): Promise<void> {
  for (const stage of ["prepare", "dedup", "intents", "flip", "render"]) {
    const { in: rowsIn, kept, rejected } = finished.manifest(stage);
    const rows = await artefact(finished, `*-${stage}*/rejections-*.parquet`, Rejection);
    expect(tally(rows.map((row) => row.reason)), stage).toEqual(rejected);
    expect(new Set(rows.map((row) => row.id)).size, stage).toBe(rows.length);
    expect(kept + rows.length, stage).toBe(rowsIn);
  }
  expect(finished.manifest("dedup").in).toBe(finished.manifest("prepare").kept);
  expect(finished.manifest("split").in).toBe(finished.manifest("dedup").kept);
  expect(finished.manifest("render").in).toBe(finished.manifest("flip").kept);
}

/** Samples of these conversations as the paper says: each user turn with something in it from all before it, then the end. */
export function expectFlipped(conversations: readonly Conversation[], samples: readonly DatasetRow[]): void {
  const expected = conversations.flatMap(({ id, turns }) => {
    const users = turns.flatMap((turn, at) => (turn.role === "user" ? [at] : []));
    const spoken = users.map((at, number) => ({
      id: `${id}:${number + 1}`,
      context: turns.slice(0, at),
      target: turns[at]?.content ?? "",
    }));
    const end = { id: `${id}:${users.length + 1}`, context: turns, target: "<|endconversation|>" };
    const isAnswered = turns.at(-1)?.role === "assistant";
    return [...spoken.filter((each) => each.target.trim() !== ""), ...(isAnswered ? [end] : [])];
  });
  const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
  const actual = samples.map(({ id, context, target }) => ({ id, context, target }));
  expect(actual.sort(byId)).toEqual(expected.sort(byId));
}

/** The sha256 of the conversations, the rejections, the users, the samples and the dataset's rows, by path. */
export function digests({ folder }: Finished): Record<string, string> {
  const paths = globSync(["[0-9]*/*.parquet", "dataset/*/data/*"], { cwd: folder }).sort();
  const hash = (path: string) =>
    createHash("sha256")
      .update(readFileSync(join(folder, path)))
      .digest("hex");
  return Object.fromEntries(paths.map((path) => [path, hash(path)]));
}

/** The same rows in an order that has nothing to do with theirs, and is the same every time. */
export function shuffled<T>(rows: readonly T[]): T[] {
  const place = (at: number) => createHash("md5").update(`${at}`).digest("hex");
  const placed = rows.map((row, at) => ({ row, place: place(at) }));
  return placed.sort((a, b) => (a.place < b.place ? -1 : 1)).map(({ row }) => row);
}

/** The rows of a query of DuckDB's own, asked apart from the pipeline's connection. */
export async function sql<T>(text: string): Promise<T[]> {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    return (await connection.runAndReadAll(text)).getRowObjectsJS() as T[];
  } finally {
    connection.closeSync();
  }
}
