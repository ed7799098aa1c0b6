import { writeFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { rejectedUnread } from "../../../../stages/prepare/check-conversation.ts";
import { PrepareOptions } from "../../../../stages/prepare/options.ts";
import { recordOf } from "../../../../stages/prepare/record-of.ts";
import { readRows } from "../../../../stages/prepare/rows.ts";
import { wildchat1m } from "../../../../stages/sources/wildchat.ts";
import { collect } from "../../../helpers/collect.ts";
import { execute } from "../../../helpers/engine.ts";
import { useFolder } from "../../../helpers/folder.ts";

const at = useFolder();

const text = fc.constantFrom("hi", "", " ", "it's", null);
const message = fc.record({ role: fc.constantFrom("user", "assistant", "system", null), content: text });
const row = fc.record({
  language: fc.constantFrom("English", "Chinese", "", "it's", null),
  toxic: fc.constantFrom(true, false, null),
  redacted: fc.constantFrom(true, false, null),
  conversation: fc.option(fc.array(fc.option(message, { freq: 8 }), { maxLength: 3 }), { freq: 8 }),
});
const options = fc.record({
  language: fc.constantFrom("English", "any", "it's"),
  unknownLanguage: fc.constantFrom("keep", "drop"),
  toxic: fc.constantFrom("keep", "drop"),
  redacted: fc.constantFrom("keep", "drop"),
});

const TYPES = `{conversation_hash: 'VARCHAR', model: 'VARCHAR', timestamp: 'TIMESTAMP', language: 'VARCHAR', toxic: 'BOOLEAN',
  redacted: 'BOOLEAN', country: 'VARCHAR', hashed_ip: 'VARCHAR',
  conversation: 'STRUCT(role VARCHAR, content VARCHAR, "timestamp" TIMESTAMP)[]'}`;

/** The rows as a Parquet file. */
async function parquetOf(rows: readonly object[]): Promise<string> {
  const common = { model: "gpt-4", timestamp: "2024-01-01 00:00:00", country: "Chile", hashed_ip: "ip" };
  const lines = rows.map((each, number) => JSON.stringify({ conversation_hash: String(number), ...common, ...each }));
  writeFileSync(at("rows.jsonl"), `${lines.join("\n")}\n`);
  const source = `read_json('${at("rows.jsonl")}', format = 'newline_delimited', columns = ${TYPES})`;
  await execute(`COPY (SELECT * FROM ${source}) TO '${at("rows.parquet")}' (FORMAT parquet)`);
  return at("rows.parquet");
}

test("what the engine leaves unread changes nothing about which rows stay, with what, and why the others leave", async () => {
  const rows = fc.array(row, { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(rows, options, async (given, chosen) => {
      const path = await parquetOf(given);
      const settings = PrepareOptions.parse(chosen);
      const records = async (unread: string | null) => {
        const found = await collect(readRows(path, "rows.parquet", wildchat1m, { paths: "best", unread }));
        return found.map((each) =>
          "bad" in each ? each : recordOf(each.conversation, wildchat1m.name, settings, "key"),
        );
      };
      expect(await records(rejectedUnread(settings))).toEqual(await records(null));
    }),
    { numRuns: 20 },
  );
});

test("the turns of rows of another language are not handed out", async () => {
  const said = [{ role: "user", content: "hi" }];
  const path = await parquetOf([
    { language: "English", toxic: false, conversation: said },
    { language: "Chinese", toxic: false, conversation: said },
    { language: "English", toxic: true, conversation: said },
  ]);
  const unread = rejectedUnread(PrepareOptions.parse({}));
  const found = await collect(readRows(path, "rows.parquet", wildchat1m, { paths: "best", unread }));
  expect(
    found.map((each) => "conversation" in each && "turns" in each.conversation && each.conversation.turns.length),
  ).toEqual([1, 0, 0]);
});
