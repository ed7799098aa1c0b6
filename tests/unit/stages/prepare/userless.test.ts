import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, test } from "vitest";
import { PrepareOptions } from "../../../../stages/prepare/options.ts";
import { readRows } from "../../../../stages/prepare/rows.ts";
import { lmsysChat1m } from "../../../../stages/sources/lmsys.ts";
import type { RawConversation, Source } from "../../../../stages/sources/source.ts";
import { wildchatOld } from "../../../../stages/sources/wildchat-old.ts";
import { collect } from "../../../helpers/collect.ts";
import { useFolder } from "../../../helpers/folder.ts";

const folder = useFolder();
const turns = [
  { role: "user", content: "hi NAME_1" },
  { role: "assistant", content: "Hello." },
];

function converted(source: Source, row: Record<string, unknown>): RawConversation {
  return source.convert(source.row().parse(row)) as RawConversation;
}

describe("LMSYS-Chat-1M", () => {
  const row = {
    conversation_id: "abc",
    model: "vicuna-13b",
    conversation: turns,
    turn: 1,
    language: "English",
    openai_moderation: [
      { categories: { hate: false }, category_scores: { hate: 0.1 }, flagged: false },
      { flagged: true },
    ],
    redacted: true,
  };

  test("gives conversations without user, country and time; one flagged message makes it toxic", () => {
    expect(converted(lmsysChat1m, row)).toEqual({
      source_id: "abc",
      user: null,
      country: null,
      language: "English",
      model: "vicuna-13b",
      started_at: null,
      turns,
      redacted: true,
      toxic: true,
    });
    expect(converted(lmsysChat1m, { ...row, openai_moderation: [{ flagged: false }] }).toxic).toBe(false);
    expect(converted(lmsysChat1m, { ...row, openai_moderation: null }).toxic).toBeNull();
  });

  test("is read from Parquet of its own columns", async () => {
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    const path = folder("train.parquet");
    const moderation = "[{'categories': {'hate': false}, 'category_scores': {'hate': 0.1}, 'flagged': false}]";
    await connection.run(
      `COPY (SELECT 'abc' AS conversation_id, 'm' AS model, [{'content': 'hi', 'role': 'user'}] AS conversation, 1::BIGINT AS turn,
        'English' AS language, ${moderation} AS openai_moderation, false AS redacted) TO '${path}' (FORMAT parquet)`,
    );
    const found = await collect(readRows(path, "train.parquet", lmsysChat1m, PrepareOptions.parse({})));
    expect(found).toMatchObject([
      { conversation: { source_id: "abc", toxic: false, turns: [{ role: "user", content: "hi" }] } },
    ]);
  });
});

describe("the older WildChat", () => {
  const row = {
    conversation_id: "abc",
    model: "gpt-4",
    timestamp: "2023-04-10T10:00:00",
    conversation: turns.map((turn) => ({ ...turn, language: "English", redacted: false, toxic: false })),
    turn: 1,
    language: "English",
    toxic: false,
    redacted: false,
  };

  test("gives conversations without user and country, with the time of the last turn", () => {
    expect(converted(wildchatOld, row)).toMatchObject({
      source_id: "abc",
      user: null,
      country: null,
      ended_at: "2023-04-10T10:00:00.000Z",
      toxic: false,
    });
  });

  test("is read from Parquet of its own columns", async () => {
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    const path = folder("train.parquet");
    const message = "{'content': 'hi', 'language': 'English', 'redacted': false, 'role': 'user', 'toxic': false}";
    await connection.run(
      `COPY (SELECT 'abc' AS conversation_id, 'm' AS model, TIMESTAMP '2023-04-10 10:00:00' AS timestamp, [${message}] AS conversation,
        1::BIGINT AS turn, 'English' AS language, [] AS openai_moderation, false AS toxic, false AS redacted) TO '${path}' (FORMAT parquet)`,
    );
    const found = await collect(readRows(path, "train.parquet", wildchatOld, PrepareOptions.parse({})));
    expect(found).toMatchObject([{ conversation: { source_id: "abc", started_at: "2023-04-10T10:00:00.000Z" } }]);
  });
});

test.each([lmsysChat1m, wildchatOld])("$name says that it names no users, and is drawn in groups", (source) => {
  expect(source.noUsers).toBeTruthy();
  expect(source.summary).toContain("every conversation stands alone");
  expect(source.defaults).toEqual({ split: { by: "groups" } });
});
