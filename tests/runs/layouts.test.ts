import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { run } from "../../stages/index.ts";
import { execute } from "../helpers/engine.ts";
import { useFolder } from "../helpers/folder.ts";

const at = useFolder();

/** Eight talks of three or four messages, of five users. */
const talks = Array.from({ length: 8 }, (_, talk) => ({
  id: `c${talk}`,
  user: `u${talk % 5}`,
  time: `2025-03-0${talk + 1}T09:00:00.000Z`,
  messages: Array.from({ length: 3 + (talk % 2) }, (_, turn) => ({
    role: turn % 2 === 0 ? "user" : "assistant",
    content: `message ${turn} of ${talk}, "so, to say"\nand more`,
  })),
}));
const messages = talks.flatMap(({ id, user, time, messages }) =>
  messages.map((message, turn) => ({ conversation_id: id, user_id: user, time, n: turn, ...message })),
);

/** What `prepare` makes of files: its counts, and the bytes of what it kept. */
async function prepare(inputs: string[], options: object = {}, shards = 2) {
  const given = { source: "chat", input: inputs.map((name) => at(name)), output: at("run"), shards, prepare: options };
  const manifest = (await run(given, { executor: { name: "in-process" }, to: "prepare", force: true })).at(-1);
  const files = manifest?.outputs.filter(({ path }) => path.includes("conversations")).map(({ sha256 }) => sha256);
  return { in: manifest?.in, kept: manifest?.kept, rejected: manifest?.rejected, files };
}

const jsonl = (name: string, rows: readonly object[]) =>
  writeFileSync(at(name), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));

const cell = (value: unknown) => `"${String(value).replaceAll('"', '""')}"`;
const csv = (rows: readonly object[], delimiter = ",") =>
  [Object.keys(rows[0] ?? {}), ...rows.map((row) => Object.values(row).map(cell))]
    .map((values) => values.join(delimiter))
    .join("\r\n");

describe("the same conversations", () => {
  const whole = async () => {
    jsonl("talks.jsonl", talks);
    return prepare(["talks.jsonl"]);
  };

  test("come from a list of JSON, from an object with one, and from CSV with messages as JSON", async () => {
    const expected = await whole();
    expect(expected).toMatchObject({ in: 8, kept: 8, rejected: {} });
    writeFileSync(at("talks.json"), JSON.stringify(talks, null, 1));
    expect(await prepare(["talks.json"])).toEqual(expected);
    writeFileSync(at("data.json"), JSON.stringify({ version: 1, data: talks }));
    expect(await prepare(["data.json"])).toEqual(expected);
    const rows = talks.map(({ messages, ...row }) => ({ ...row, messages: JSON.stringify(messages) }));
    writeFileSync(at("talks.csv"), Buffer.from(`\ufeff${csv(rows, ";")}`, "utf16le"));
    expect(await prepare(["talks.csv"])).toEqual(expected);
    writeFileSync(at("TALKS.TSV.GZ"), gzipSync(csv(rows, "\t")));
    expect(await prepare(["TALKS.TSV.GZ"])).toEqual(expected);
  });

  test("come from one message a row, in any order and over several files, as text and as Parquet", async () => {
    const expected = await whole();
    const mixed = messages.toSorted((a, b) => (a.content.length % 7) - (b.content.length % 7) || b.n - a.n);
    writeFileSync(at("a.csv"), csv(mixed.slice(0, 9)));
    jsonl("b.jsonl", mixed.slice(9, 20));
    jsonl("c.jsonl", mixed.slice(20));
    await execute(`COPY (SELECT * FROM '${at("c.jsonl")}') TO '${at("c.parquet")}' (FORMAT parquet)`);
    expect(await prepare(["a.csv", "b.jsonl", "c.parquet"])).toEqual(expected);
    expect(await prepare(["c.jsonl", "b.jsonl", "a.csv"])).toEqual(expected);
  });

  test("come from one exchange a row", async () => {
    const even = talks.filter((_, at) => at % 2 === 1);
    jsonl("even.jsonl", even);
    const rows = even.flatMap(({ messages, ...row }) =>
      [0, 1].map((turn) => ({
        session_id: row.id,
        user: row.user,
        time: row.time,
        turn,
        prompt: messages[2 * turn]?.content,
        response: messages[2 * turn + 1]?.content,
      })),
    );
    jsonl("exchanges.jsonl", rows.toReversed());
    expect(await prepare(["exchanges.jsonl"])).toEqual(await prepare(["even.jsonl"]));
  });
});

describe("of one message a row", () => {
  test("a conversation with a row that cannot be read is rejected whole, and nothing is lost", async () => {
    const broken = messages.map((row, at) => (at === 5 ? { ...row, content: 7 } : row));
    jsonl("broken.jsonl", broken);
    writeFileSync(at("worse.jsonl"), "no JSON\n");
    const found = await prepare(["broken.jsonl", "worse.jsonl"], { maxBadRows: 0.5 });
    expect(found).toMatchObject({ in: 9, kept: 7, rejected: { schema: 2 } });
  });

  test("too many rows that cannot be read stop the run, whatever they belong to", async () => {
    jsonl("broken.jsonl", [...messages, { conversation_id: "c1", role: "user", content: 7 }]);
    await expect(prepare(["broken.jsonl"])).rejects.toThrow(/1 of 29 rows \(3.4 %\).*broken.jsonl:29.*"found":"7"/);
  });
});

describe("a column whose own name has a dot", () => {
  const rows = talks.map(({ user, messages, ...row }) => ({ ...row, "meta.user": user, "the.talk": messages }));
  const columns = { user: "meta.user", messages: "the.talk" };

  test("is found as it is named, in lines and in Parquet", async () => {
    jsonl("plain.jsonl", talks);
    const expected = await prepare(["plain.jsonl"]);
    jsonl("dots.jsonl", rows);
    expect(await prepare(["dots.jsonl"], { columns })).toEqual(expected);
    await execute(`COPY (SELECT * FROM '${at("dots.jsonl")}') TO '${at("dots.parquet")}' (FORMAT parquet)`);
    expect(await prepare(["dots.parquet"], { columns })).toEqual(expected);
  });
});

test("times are read by a format where one is given", async () => {
  jsonl("plain.jsonl", talks);
  jsonl(
    "days.jsonl",
    talks.map((row, at) => ({ ...row, time: `0${at + 1}/03/2025 09:00` })),
  );
  const expected = await prepare(["plain.jsonl"]);
  expect(await prepare(["days.jsonl"], { timeFormat: "%d/%m/%Y %H:%M" })).toEqual(expected);
  expect((await prepare(["days.jsonl"])).files).not.toEqual(expected.files);
});
