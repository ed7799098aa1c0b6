import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { InputError, UsageError } from "../../../../../pipeline/errors.ts";
import { type ImportColumns, readPublished, sha256, textHash } from "../../../../../stages/intents/import/read.ts";
import { collect } from "../../../../helpers/collect.ts";
import { execute } from "../../../../helpers/engine.ts";
import { useFolder } from "../../../../helpers/folder.ts";

const at = useFolder();
const { signal } = new AbortController();

function jsonl(rows: readonly unknown[], columns: ImportColumns = {}) {
  writeFileSync(at("x.jsonl"), rows.map((row) => `${typeof row === "string" ? row : JSON.stringify(row)}\n`).join(""));
  return collect(readPublished(at("x.jsonl"), columns, signal));
}

async function parquet(select: string, columns: ImportColumns = {}) {
  await execute(`COPY (${select}) TO '${at("x.parquet")}' (FORMAT parquet)`);
  return collect(readPublished(at("x.parquet"), columns, signal));
}

const none = { id: null, text: null, intent: null, model: null };

describe("published intents", () => {
  test("are read from JSONL and Parquet alike, by the names that are known", async () => {
    const expected = [{ id: "a", text: textHash("hi"), intent: "I", model: "m" }];
    expect(await jsonl([{ conversation_hash: "a", opening: " hi", intent: "I", intent_model: "m", more: 1 }])).toEqual(
      expected,
    );
    expect(
      await parquet("SELECT 'a' AS conversation_hash, ' hi' AS opening, 'I' AS intent, 'm' AS intent_model, 1 AS more"),
    ).toEqual(expected);
  });

  test("may be compressed", async () => {
    writeFileSync(at("x.jsonl.gz"), gzipSync('{"id":"a","intent":"I"}\n'));
    expect(await collect(readPublished(at("x.jsonl.gz"), {}, signal))).toEqual([{ ...none, id: "a", intent: "I" }]);
  });

  test("have other names where those are given", async () => {
    const columns = { id: "chat", intent: "goal", text: "start", model: "by" };
    const row = { chat: "a", goal: "I", start: "hi", by: "m", intent: "other" };
    expect(await jsonl([row], columns)).toEqual([{ id: "a", text: textHash("hi"), intent: "I", model: "m" }]);
  });

  test("keep whole numbers as ids, exact in Parquet beyond what JavaScript counts to", async () => {
    expect(await jsonl([{ id: 42, intent: "I" }])).toEqual([{ ...none, id: "42", intent: "I" }]);
    expect(await parquet("SELECT 9007199254740993::BIGINT AS id, 'I' AS intent")).toEqual([
      { ...none, id: "9007199254740993", intent: "I" },
    ]);
    await expect(jsonl(['{"id": 9007199254740993, "intent": "I"}'])).rejects.toThrow(InputError);
  });

  test("take the column model for theirs only beside the version of a prompt: elsewhere it is the assistant's", async () => {
    expect(await jsonl([{ id: "a", intent: "I", model: "gpt-4" }])).toMatchObject([{ model: null }]);
    expect(await jsonl([{ id: "a", intent: "I", model: "gpt-4", prompt_version: "x" }])).toMatchObject([
      { model: "gpt-4" },
    ]);
  });

  test("may have no text, id or intent in a row; a hash goes before the text", async () => {
    const hash = sha256("as it was").toUpperCase();
    expect(
      await jsonl([
        { id: null, opening: "hi", intent: "I" },
        { id: "a", opening: " ", intent: "  " },
        { text_sha256: hash, opening: "cut", intent: "I" },
      ]),
    ).toEqual([
      { ...none, text: textHash("hi"), intent: "I" },
      { ...none, id: "a" },
      { ...none, text: hash.toLowerCase(), intent: "I" },
    ]);
  });

  test.each<[string, unknown, RegExp]>([
    ["no JSON", "{broken", /x\.jsonl:2: expected one JSON object on the line/],
    ["a list", "[1]", /x\.jsonl:2: expected one JSON object on the line, found \[1\]/],
    ["an intent that is no text", { id: "b", intent: 3 }, /x\.jsonl:2: not a published intent/],
    ["a hash that is none", { text_sha256: "abc", intent: "I" }, /x\.jsonl:2: not a published intent/],
  ])("that are %s are an error with the line", async (_, line, message) => {
    const reading = jsonl([{ id: "a", intent: "I" }, line]);
    await expect(reading).rejects.toThrow(InputError);
    await expect(reading).rejects.toThrow(message);
  });

  test.each<[string, object, ImportColumns, RegExp]>([
    [
      "the intent",
      { id: "a", goal: "I" },
      {},
      /no column with the intent; found id, goal; name them with --set intents.importColumns/,
    ],
    ["whose it is", { intent: "I", x: 1 }, {}, /no column with the conversation's id, its first turn/],
    ["a column that was named", { id: "a", intent: "I" }, { id: "chat" }, /no column chat \(id\); found id, intent/],
  ])("without %s are wrong use, and what is there is named", async (_, row, columns, message) => {
    await expect(jsonl([row], columns)).rejects.toThrow(message);
    await expect(jsonl([row], columns)).rejects.toThrow(UsageError);
    const select = Object.entries(row).map(([name, value]) => `'${value}' AS ${name}`);
    await expect(parquet(`SELECT ${select.join(", ")}`, columns)).rejects.toThrow(message);
  });
});
