import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, test } from "vitest";
import { InputError } from "../../../../pipeline/errors.ts";
import { quote } from "../../../../pipeline/files/duckdb.ts";
import { compress } from "../../../../pipeline/files/zstd.ts";
import { type RawRow, readRows } from "../../../../stages/prepare/rows.ts";
import type { Columns } from "../../../../stages/sources/source.ts";
import { wildchat1m, wildchat48m } from "../../../../stages/sources/wildchat.ts";
import { collect } from "../../../helpers/collect.ts";
import { useFolder } from "../../../helpers/folder.ts";
import { logs } from "../../../helpers/logs.ts";

const at = useFolder();

/** What the lines of a log turn out to be. */
async function rows(lines: string | Uint8Array, columns: Partial<Columns> = {}, name = "log.jsonl"): Promise<RawRow[]> {
  writeFileSync(at(name), lines);
  return collect(readRows(at(name), name, logs(columns), { paths: "best" }));
}

/** Writes the result of a query as Parquet. */
async function parquet(sql: string): Promise<string> {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  await connection.run(`COPY (${sql}) TO ${quote(at("rows.parquet"))} (FORMAT parquet)`);
  connection.closeSync();
  return at("rows.parquet");
}

const good = '{"id":"a","messages":[{"role":"user","content":"hi"}]}';

describe("lines of a log", () => {
  test("are rows, plain or compressed", async () => {
    const plain = await rows(`${good}\n`, { id: "id" });
    expect(plain).toMatchObject([{ conversation: { source_id: "a" } }]);
    expect(await rows(gzipSync(`${good}\n`), { id: "id" }, "log.jsonl.gz")).toEqual(plain);
  });

  test("that are wrong are told with file, row, field and what was found and expected", async () => {
    const found = await rows(`${good}\n\n{"id":"b","messages":[{"role":"user","content":7}]}\n`, { id: "id" });
    expect(found[1]).toEqual({
      bad: {
        reason: "schema",
        file: "log.jsonl",
        row: 3,
        source_id: "b",
        field: "messages.0.content",
        found: "7",
        expected: "text, or a list of parts with text",
      },
    });
  });

  test.each([
    ["no JSON", "{not json}", /no JSON/],
    ["half a line", '{"id":"a","messages":[', /no JSON/],
    ["no object", "[1,2]", /\[1,2\]/],
    ["null", "null", /null/],
    ["bytes that are not UTF-8", Buffer.from([0x22, 0xe9, 0x22]), /not UTF-8/],
  ])("that hold %s are bad rows, and the rest is read", async (_, line, message) => {
    const found = await rows(Buffer.concat([Buffer.from(line), Buffer.from(`\n${good}\n`)]), { id: "id" });
    expect(found).toMatchObject([
      { bad: { row: 1, source_id: null, found: expect.stringMatching(message) } },
      { conversation: { source_id: "a" } },
    ]);
  });

  test.each([6000, 200_000])("nested %i deep are bad rows like others", async (depth) => {
    const deep = `{"id":"d","messages":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    const found = await rows(`${deep}\n${good}\n`, { id: "id" });
    expect(found).toMatchObject([{ bad: { row: 1 } }, { conversation: { source_id: "a" } }]);
  });

  test("show at most 80 characters of what was found", async () => {
    const found = await rows(`{"messages":${JSON.stringify("x".repeat(1000))}}\n`);
    expect(found).toMatchObject([{ bad: { found: `"${"x".repeat(79)}` } }]);
  });
});

describe("a bad row never tells who wrote it", () => {
  const secret = "203.0.113.7";
  const columns = { user: "ip" };

  test("when another field is wrong and there is no id", async () => {
    expect(JSON.stringify(await rows(`{"ip":"${secret}","messages":5}\n`, columns))).not.toContain(secret);
  });

  test("when the user field itself is wrong", async () => {
    expect(JSON.stringify(await rows(`{"ip":["${secret}"],"messages":[]}\n`, columns))).not.toContain(secret);
  });

  test.each(["{'ip': 'SECRET'}", '{"ip":"SECRET";}', '{"ip":SECRET}', "from SECRET"])(
    "when the line is no JSON: %s",
    async (line) => {
      expect(JSON.stringify(await rows(line.replace("SECRET", secret), columns))).not.toContain(secret);
    },
  );
});

describe("a Parquet file", () => {
  const header = "{'accept-language': 'en', 'user-agent': 'Mozilla'}";
  const message = (role: string, content: string, time: string) =>
    `{'content': '${content}', 'country': 'Chile', 'hashed_ip': 'ff', 'header': ${header}, 'role': '${role}', 'timestamp': ${time}, 'turn_identifier': 1}`;
  const wildchat = (
    type: string,
  ) => `SELECT 'c81f' AS conversation_hash, 'gpt-4' AS model, ${type} '2023-04-09 00:05:00' AS "timestamp",
    [${message("user", "hi \u2028", `NULL::${type}`)}, ${message("assistant", "hello", `${type} '2023-04-09 00:02:53'`)}] AS conversation,
    1 AS turn, 'English' AS language, false AS toxic, true AS redacted, 'Texas' AS state, 'Chile' AS country, 'ff' AS hashed_ip, ${header} AS header`;

  test.each([
    ["WildChat-1M, times with a zone", wildchat1m, "TIMESTAMPTZ"],
    ["WildChat-4.8M, times without", wildchat48m, "TIMESTAMP"],
  ])("of %s is read in UTC and without headers", async (_, source, type) => {
    const path = await parquet(
      wildchat(type)
        .replaceAll("00:05:00'", `00:05:00${type === "TIMESTAMPTZ" ? "+00" : ""}'`)
        .replaceAll("00:02:53'", `00:02:53${type === "TIMESTAMPTZ" ? "+00" : ""}'`),
    );
    const found = await collect(readRows(path, "rows.parquet", source, { paths: "best" }));
    expect(found).toMatchObject([
      {
        conversation: { source_id: "c81f", user: "ff", started_at: "2023-04-09T00:02:53.000Z", redacted: true },
      },
    ]);
    expect(JSON.stringify(found)).not.toMatch(/Mozilla|Texas/);
  });

  test("is read in the order of its rows, numbered from 1", async () => {
    const path = await parquet(
      "SELECT i AS id, CASE WHEN i = 2 THEN NULL ELSE [{'role': 'user', 'content': 'hi'}] END AS messages FROM range(3) t(i)",
    );
    const found = await collect(readRows(path, "rows.parquet", logs({ id: "id" }), { paths: "best" }));
    expect(found).toMatchObject([
      { conversation: { source_id: "0" } },
      { conversation: { source_id: "1" } },
      { bad: { row: 3, field: "messages", found: "null" } },
    ]);
  });

  test("without a column is refused with what is there and what was expected", async () => {
    const path = await parquet("SELECT 1 AS id, 'x' AS text");
    const reading = collect(readRows(path, "rows.parquet", logs({ id: "id" }), { paths: "best" }));
    await expect(reading).rejects.toThrow(InputError);
    await expect(reading).rejects.toThrow(
      "rows.parquet: no column `messages`; found id, text; expected the columns of chat: id, messages",
    );
  });

  test("that is none is refused by name", async () => {
    writeFileSync(at("rows.parquet"), "no parquet");
    const reading = collect(readRows(at("rows.parquet"), "rows.parquet", logs(), { paths: "best" }));
    await expect(reading).rejects.toThrow(InputError);
    await expect(reading).rejects.toThrow("rows.parquet");
  });
});

describe("rows that are larger than a row may be", () => {
  const chat = logs({ id: "id" });
  const reading = { paths: "best", maxRowBytes: 1000 } as const;
  const row = (id: string, length: number) =>
    JSON.stringify({ id, messages: [{ role: "user", content: "x".repeat(length) }] });
  const large = (place: number, bytes: number) => ({
    bad: {
      ...{ reason: "too_large", row: place, source_id: null, field: "" },
      ...{ found: `${bytes} bytes`, expected: "at most 1000 (prepare.maxRowBytes)" },
    },
  });
  const lines = [row("a", 10), row("b", 5000), `${" ".repeat(3_000_000)}`, row("c", 10), row("d", 5_000_000)];

  test.each([
    ["plain", "log.jsonl", (text: string) => Buffer.from(text)],
    ["gzipped", "log.jsonl.gz", (text: string) => gzipSync(text)],
    ["in zstd", "log.jsonl.zst", (text: string) => compress(Buffer.from(text))],
  ])("are told by place and size, and the rest is read: lines, %s", async (_, name, pack) => {
    writeFileSync(at(name), pack(lines.join("\n")));
    const found = await collect(readRows(at(name), name, chat, reading));
    expect(found).toMatchObject([
      { conversation: { source_id: "a" } },
      large(2, row("b", 5000).length),
      large(3, 3_000_000),
      { conversation: { source_id: "c" } },
      large(5, row("d", 5_000_000).length),
    ]);
  });

  test("are told by place and size in Parquet, whether the messages are a list or text", async () => {
    for (const messages of ["m", "to_json(m)::VARCHAR"]) {
      const sizes =
        "SELECT i::VARCHAR AS id, [{role: 'user', content: repeat('x', i * i * 1000)}] AS m FROM range(4) t(i)";
      const path = await parquet(`SELECT id, ${messages} AS messages FROM (${sizes})`);
      const found = await collect(readRows(path, "rows.parquet", chat, reading));
      expect(found).toMatchObject([
        { conversation: { source_id: "0" } },
        ...[2, 3, 4].map((row) => ({ bad: { reason: "too_large", row, expected: large(row, 0).bad.expected } })),
      ]);
    }
  });
});

describe("Parquet with a text that is not UTF-8", () => {
  /** Rows of WildChat's shape; the text `BADTEXT` of one of them is overwritten with bytes that are no text. */
  async function broken(row: number, options: string): Promise<string> {
    const content = `CASE WHEN i = ${row} THEN 'BADTEXT' ELSE 'hello ' || i END`;
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    await connection.run(`COPY (SELECT 'h' || i AS conversation_hash, 'gpt' AS model,
        TIMESTAMP '2023-04-09 00:02:53' + to_seconds(i) AS "timestamp",
        [{role: 'user', content: ${content}, "timestamp": TIMESTAMPTZ '2023-04-09 00:01:53.5+00'}] AS conversation,
        'English' AS language, false AS toxic, false AS redacted, NULL::VARCHAR AS country, 'ip' || i AS hashed_ip
      FROM range(5000) t(i)) TO ${quote(at("rows.parquet"))} (FORMAT parquet, COMPRESSION uncompressed, ${options})`);
    connection.closeSync();
    const bytes = readFileSync(at("rows.parquet"));
    for (let place = bytes.indexOf("BADTEXT"); place >= 0; place = bytes.indexOf("BADTEXT", place + 1))
      bytes[place + 3] = 0xff;
    writeFileSync(at("rows.parquet"), bytes);
    return at("rows.parquet");
  }

  test.each([
    ["row groups of 2,048 rows", 3000, "ROW_GROUP_SIZE 2048"],
    ["its first row", 0, "ROW_GROUP_SIZE 100000"],
    ["no rows that are left", 4999, "ROW_GROUP_SIZE 100000"],
  ])("rejects its row and keeps the others as they are: %s", async (_, row, options) => {
    const path = await broken(row, options);
    const found = await collect(readRows(path, "rows.parquet", wildchat1m, { paths: "best" }));
    expect(found[row]).toEqual({
      bad: {
        ...{ reason: "schema", file: "rows.parquet", row: row + 1, source_id: `h${row}` },
        ...{ field: "", found: "bytes that are not UTF-8", expected: "text" },
      },
    });
    const expected = Array.from({ length: 5000 }, (_, i) => {
      const ended_at = new Date(Date.UTC(2023, 3, 9, 0, 2, 53 + i)).toISOString();
      return { source_id: `h${i}`, user: `ip${i}`, started_at: "2023-04-09T00:01:53.500Z", ended_at };
    });
    const others = [...expected.slice(0, row), ...expected.slice(row + 1)];
    const kept = found.flatMap((each) => ("conversation" in each ? [each.conversation] : []));
    expect(kept).toMatchObject(others);
  });
});
