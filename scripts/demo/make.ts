// Writes the bundled demo data beside this file's source: three Parquet files in the shape of WildChat-1M and the
// recorded intents. All of it is synthetic, and two runs give the same bytes. Run: `node dist/scripts/demo/make.js`.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import { packageFolder } from "../../pipeline/code-identity.ts";
import { type DemoConversation, INTENT_PREFIX } from "./conversation.ts";
import { wildchatSchema } from "./parquet-schema.ts";
import { DETOXIFY_SCORES, type DemoRow, MODERATION_CATEGORIES, sha256, toRow } from "./row.ts";

const FILES = 3;

type Entry = { demo: DemoConversation; row: DemoRow };

function compare<T extends string | bigint>(a: T, b: T): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** A fixed shuffle, except that rows with the same hash stay in the order of their time: the earlier row comes first. */
function scramble(entries: readonly Entry[]): Entry[] {
  const key = ({ row }: Entry) => sha256(`demo-order:${row.conversation_hash}:${row.timestamp}`);
  const shuffled = entries.toSorted((a, b) => compare(key(a), key(b)));
  const waiting = entries.toSorted((a, b) => compare(a.row.timestamp, b.row.timestamp));
  return shuffled.flatMap(({ row }) => {
    const place = waiting.findIndex((each) => each.row.conversation_hash === row.conversation_hash);
    return waiting.splice(place, 1);
  });
}

function toParquet(rows: readonly DemoRow[]): Uint8Array {
  const schema = wildchatSchema(MODERATION_CATEGORIES, DETOXIFY_SCORES);
  const columns = Object.keys(rows[0] ?? {});
  const columnData = columns.map((name) => ({ name, data: rows.map((row) => row[name]) }));
  return new Uint8Array(parquetWriteBuffer({ columnData, schema, codec: "SNAPPY", createdBy: "flipturn demo" }));
}

function intentLine({ demo, row }: Entry): string {
  const intent = demo.intent === "" ? "" : `${INTENT_PREFIX}${demo.intent}`;
  return `${JSON.stringify({ conversation_id: `wildchat-1m:${row.conversation_hash}`, intent })}\n`;
}

const folder = join(packageFolder(), "scripts", "demo");
const lines = readFileSync(join(folder, "texts", "conversations.jsonl"), "utf8")
  .trimEnd()
  .split("\n");
const written = lines.map((line) => JSON.parse(line) as DemoConversation);
const entries = scramble(written.map((demo, index) => ({ demo, row: toRow(demo, index) })));

for (let file = 0; file < FILES; file += 1) {
  const from = Math.floor((entries.length * file) / FILES);
  const to = Math.floor((entries.length * (file + 1)) / FILES);
  const name = `conversations-${String(file).padStart(5, "0")}.parquet`;
  writeFileSync(join(folder, name), toParquet(entries.slice(from, to).map(({ row }) => row)));
  console.log(`${name}: ${to - from} rows`);
}

const intents = entries.filter(({ demo }) => demo.intent !== undefined).map(intentLine);
writeFileSync(join(folder, "intents.jsonl"), intents.join(""));
console.log(`intents.jsonl: ${intents.length} lines`);
