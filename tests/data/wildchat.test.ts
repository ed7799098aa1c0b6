import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { globSync } from "tinyglobby";
import { beforeAll, expect, test } from "vitest";
import { Conversation, type Turn } from "../../schemas/conversation.ts";
import { Rejection } from "../../schemas/rejection.ts";
import { User } from "../../schemas/user.ts";
import { DatasetRow } from "../helpers/dataset-row.ts";
import {
  artefact,
  describeReal,
  digests,
  expectAccounted,
  expectFlipped,
  type Finished,
  found,
  jsonl,
  parquetRows,
  realFile,
  runInto,
  scratch,
  shuffled,
  sql,
  tally,
  writeJsonl,
} from "./real.ts";

const parquet = realFile("wildchat", "parquet_shape_sample.SYNTHETIC_META", "data", "*.parquet");
const rowsFile = realFile("wildchat", "wildchat1m_rows.jsonl");

/** What these tests look at in a raw row. */
type Row = {
  conversation_hash: string;
  conversation: { role: string; content: string }[];
  language: string | null;
  hashed_ip: string | null;
};

const conversations = (finished: Finished) => artefact(finished, "02-prepare/conversations-*.parquet", Conversation);
const samples = (finished: Finished) => artefact(finished, "dataset/samples/data/*.parquet", DatasetRow);
const isBlank = (turn: Turn) => turn.content.trim() === "";
const userTurns = (all: readonly Conversation[]) => all.flatMap(({ turns }) => turns.filter((t) => t.role === "user"));

/** The text of a row as its messages have it. */
function textOf({ conversation_hash, conversation }: Row): [string, { role: string; content: string }[]] {
  return [conversation_hash, conversation.map(({ role, content }) => ({ role, content }))];
}

/** The text of every conversation is in the rows under its id, character for character. */
function expectSameText(written: readonly Conversation[], rows: readonly Row[]): void {
  const byHash = new Map(rows.map(textOf));
  for (const { id, source_id, turns, opening } of written) {
    expect(turns, id).toEqual(byHash.get(source_id));
    expect(opening).toBe(turns[0]?.content);
  }
}

/** WildChat's own hash of a conversation: sha256 over what Python's `json.dumps` makes of its messages. */
function wildchatHash(turns: readonly Turn[]): string {
  const text = (value: string) =>
    JSON.stringify(value).replace(/[\u007f-\uffff]/g, (unit) => {
      return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
    });
  const messages = turns.map(({ role, content }) => `{"content": ${text(content)}, "role": ${text(role)}}`);
  return createHash("sha256")
    .update(`[${messages.join(", ")}]`)
    .digest("hex")
    .slice(0, 32);
}

test("the hash is Python's, also for quotes, controls, DEL and what lies beyond the basic plane", () => {
  const turns: Turn[] = [{ role: "user", content: 'a"\\\n\u0001\u007fé\u2028🙂' }];
  // python3: hashlib.sha256(json.dumps([{"content": 'a"\\\n\x01\x7fé\u2028🙂', "role": "user"}]).encode()).hexdigest()[:32]
  expect(wildchatHash(turns)).toBe("409c8476db9be89ce49ecd8d890d5438");
});

describeReal("298 WildChat rows as Parquet", () => {
  let finished: Finished;
  let kept: Conversation[];
  let rows: Row[];

  beforeAll(async () => {
    finished = await runInto("parquet", { source: "wildchat-1m", input: [parquet], shards: 3 });
    kept = await conversations(finished);
    rows = (await parquetRows(globSync(parquet))) as Row[];
  });

  test("run to the end with every row accounted for", async () => {
    expect(finished.manifest("prepare").in).toBe(298);
    expect(finished.manifest("render").kept).toBeGreaterThan(1000);
    await expectAccounted(finished);
  });

  test("are counted as DuckDB counts them in the files", async () => {
    const from = `FROM read_parquet('${parquet}')`;
    const english = `${from} WHERE language = 'English'`;
    const [count] = await sql<Record<string, number>>(`SELECT
      (SELECT count(*)::INT ${from} WHERE language <> 'English') AS other_languages,
      (SELECT count(*)::INT ${english} AND toxic) AS toxic,
      (SELECT count(*)::INT ${english} AND NOT toxic) AS kept,
      (SELECT count(DISTINCT hashed_ip)::INT ${english} AND NOT toxic) AS users,
      (SELECT count(*)::INT ${english} AND country IS NULL) AS without_country,
      (SELECT sum(len(list_filter(conversation, lambda m: m.role = 'user' AND trim(m.content) = '')))::INT ${english}) AS blank`);
    const { rejected, counts } = finished.manifest("prepare");
    expect([rejected["language"] ?? 0, rejected["toxic"] ?? 0]).toEqual([count?.["other_languages"], count?.["toxic"]]);
    expect(kept).toHaveLength(count?.["kept"] ?? -1);
    expect(new Set(kept.map((each) => each.user_id)).size).toBe(count?.["users"]);
    expect(finished.manifest("split").counts["users"]).toBe(count?.["users"]);
    expect(kept.filter((each) => each.country === null)).toHaveLength(count?.["without_country"] ?? -1);
    expect(counts["empty_user_turns"]).toBe(count?.["blank"]);
    expect(finished.manifest("flip").rejected["empty_target"]).toBe(count?.["blank"]);
  });

  test("leave under the language that the file names", async () => {
    const languages = await sql<{ language: string; rows: number }>(
      `SELECT language, count(*)::INT AS rows FROM read_parquet('${parquet}') WHERE language <> 'English' GROUP BY 1`,
    );
    const rejections = await artefact(finished, "02-prepare/rejections-*.parquet", Rejection);
    const details = rejections.map((each) => (JSON.parse(each.detail) as { found: string }).found);
    expect(tally(details)).toEqual(Object.fromEntries(languages.map((each) => [each.language, each.rows]).sort()));
  });

  test("keep their text, their hash, model, country and first time", async () => {
    expectSameText(kept, rows);
    for (const { source_id, turns } of kept) expect(wildchatHash(turns)).toBe(source_id);
    const facts = await sql<{ id: string; model: string; country: string | null; started: string }>(
      `SELECT conversation_hash AS id, model, country,
        strftime(list_min([m.timestamp FOR m IN conversation]), '%Y-%m-%dT%H:%M:%S.%gZ') AS started
        FROM read_parquet('${parquet}')`,
    );
    const byId = new Map(facts.map((each) => [each.id, each]));
    for (const { source_id: id, model, country, started_at: started } of kept)
      expect({ id, model, country, started }).toEqual(byId.get(id));
  });

  test("become one sample a user turn and one for the end", async () => {
    expectFlipped(kept, await samples(finished));
  });

  test("have every user in one split, near 90/5/5, and no raw id anywhere", async () => {
    const users = await artefact(finished, "04-split/users-*.parquet", User);
    const splits = tally(users.map((user) => user.split));
    expect(Math.abs((splits["train"] ?? 0) - 0.9 * users.length)).toBeLessThanOrEqual(1);
    expect(Math.abs((splits["test"] ?? 0) - 0.05 * users.length)).toBeLessThanOrEqual(1);
    const splitOf = new Map(users.map((user) => [user.user_id, user.split]));
    const written = await samples(finished);
    for (const { user_id, split } of written) expect(splitOf.get(user_id ?? "")).toBe(split);
    const raw = new Set(rows.map((row) => row.hashed_ip));
    for (const { user_id } of [...kept, ...written]) expect(raw.has(user_id)).toBe(false);
  });

  test("give the same bytes as JSONL that DuckDB makes of them, shuffled, in a plain and a gzipped file", async () => {
    const path = join(scratch, "ordered.jsonl");
    await sql(`COPY (FROM read_parquet('${parquet}')) TO '${path}' (FORMAT json)`);
    const mixed = shuffled(jsonl<object>(path));
    const plain = writeJsonl("mixed-b.jsonl", mixed.slice(0, 117));
    writeFileSync(join(scratch, "mixed-a.jsonl.gz"), gzipSync(readFileSync(writeJsonl("rest", mixed.slice(117)))));
    const input = [plain, join(scratch, "*.jsonl.gz")];
    const again = await runInto("mixed", { source: "wildchat-1m", input, shards: 3 });
    expect(digests(again)).toEqual(digests(finished));
  });

  test("are the same conversations in the shape of WildChat-4.8M", async () => {
    const path = join(scratch, "wildchat-4.8m.parquet");
    await sql(`COPY (${ROWS_OF_4_8M(parquet)}) TO '${path}' (FORMAT parquet)`);
    const shape = await sql<{ column_type: string }>(
      `SELECT column_type FROM (DESCRIBE FROM read_parquet('${path}')) WHERE column_name IN ('timestamp', 'conversation')`,
    );
    expect(shape.map((each) => each.column_type).join()).not.toContain("WITH TIME ZONE");
    const again = await runInto("4.8m", { source: "wildchat-4.8m", input: [path], shards: 3 }, "prepare");
    const renamed = (await conversations(again)).map((each) => {
      expect(each.source).toBe("wildchat-4.8m");
      return { ...each, id: each.id.replace("wildchat-4.8m", "wildchat-1m"), source: "wildchat-1m" };
    });
    const byId = (a: Conversation, b: Conversation) => (a.id < b.id ? -1 : 1);
    expect(renamed.sort(byId)).toEqual(kept.toSorted(byId));
    expect(again.manifest("prepare").rejected).toEqual(finished.manifest("prepare").rejected);
  });
});

/** The same rows with what the card of WildChat-4.8M says is different: times without a zone, further fields, another order. */
function ROWS_OF_4_8M(path: string): string {
  const message = `{
    'content': m.content, 'created': CASE WHEN m.role = 'assistant' THEN epoch(m.timestamp)::BIGINT END, 'header': m.header,
    'hashed_ip': m.hashed_ip, 'country': m.country, 'toxic': m.toxic, 'redacted': m.redacted, 'state': m.state,
    'language': m.language, 'openai_id': CASE WHEN m.role = 'assistant' THEN 'chatcmpl-made-up' END, 'role': m.role,
    'temperature': CASE WHEN m.role = 'assistant' THEN 1.0::DOUBLE END, 'timestamp': m.timestamp::TIMESTAMP,
    'token_counter': CASE WHEN m.role = 'assistant' THEN 7::BIGINT END, 'top_p': CASE WHEN m.role = 'assistant' THEN 1.0::DOUBLE END,
    'turn_identifier': m.turn_identifier, 'system_fingerprint': NULL::VARCHAR,
    'usage': CASE WHEN m.role = 'assistant' THEN {'completion_tokens': 7::BIGINT, 'completion_tokens_details': {'reasoning_tokens': 0::BIGINT},
      'prompt_tokens': 3::BIGINT, 'total_tokens': 10::BIGINT} END}`;
  return `SELECT * REPLACE (timestamp::TIMESTAMP AS timestamp, [${message} FOR m IN conversation] AS conversation)
    FROM read_parquet('${path}')`;
}

describeReal("841 WildChat rows as JSONL, most without language, user or time", () => {
  let finished: Finished;
  let kept: Conversation[];
  let rows: Row[];

  beforeAll(async () => {
    finished = await runInto("jsonl", { source: "wildchat-1m", input: [rowsFile] });
    kept = await conversations(finished);
    rows = jsonl<Row>(rowsFile);
  });

  test("run to the end with every row accounted for", async () => {
    expect(finished.manifest("prepare")).toMatchObject({ in: 841, kept: 841, rejected: {} });
    await expectAccounted(finished);
  });

  test("count what is not known", () => {
    const { counts } = finished.manifest("prepare");
    expect(counts["conversations_of_unknown_language"]).toBe(rows.filter((row) => row.language === null).length);
    expect(counts["conversations_without_user"]).toBe(841);
    expect(finished.manifest("split").counts["users"]).toBe(finished.manifest("dedup").kept);
  });

  test("hold what the README of the data counts", () => {
    const blank = userTurns(kept).filter(isBlank);
    const holdsEmpty = (each: Conversation) => each.turns.some((turn) => turn.role === "user" && turn.content === "");
    const all = kept.flatMap((each) => each.turns.map((turn) => turn.content));
    const spaced = userTurns(kept).filter((turn) => turn.content !== turn.content.trim() && !isBlank(turn));
    expect(blank.filter((turn) => turn.content === "")).toHaveLength(73);
    expect(blank.filter((turn) => turn.content !== "")).toHaveLength(1);
    expect(kept.filter(holdsEmpty)).toHaveLength(36);
    expect(kept.filter((each) => each.opening === "")).toHaveLength(11);
    expect(all.filter((text) => text.includes("\r"))).toHaveLength(2);
    expect(all.filter((text) => /[\u2028\u2029]/.test(text))).toHaveLength(1);
    expect(all.filter((text) => text.includes("<PRESIDIO_ANONYMIZED_"))).toHaveLength(22);
    expect(spaced).toHaveLength(962);
    expect(Math.max(...userTurns(kept).map((turn) => [...turn.content].length))).toBe(147_410);
    expect(finished.manifest("prepare").counts["empty_user_turns"]).toBe(74);
    expect(finished.manifest("flip").rejected).toEqual({ empty_target: 74 });
  });

  test("keep their text character for character, and so their hash, empty messages and all", () => {
    expectSameText(kept, rows);
    expect(kept.map((each) => each.source_id).sort()).toEqual(rows.map((row) => row.conversation_hash).sort());
    for (const { source_id, turns } of kept) expect(wildchatHash(turns)).toBe(source_id);
  });

  test("become one sample a user turn and one for the end", async () => {
    expectFlipped(kept, await samples(finished));
  });

  test("are all there with any language, and only those of a known one where the unknown are dropped", async () => {
    const any = { source: "wildchat-1m", input: [rowsFile], prepare: { language: "any" } };
    expect((await runInto("any", any, "prepare")).manifest("prepare").kept).toBe(841);
    const known = { ...any, prepare: { unknownLanguage: "drop" } };
    const { kept: left, rejected } = (await runInto("known", known, "prepare")).manifest("prepare");
    expect([left, rejected]).toEqual([122, { language: 719 }]);
  });

  test("give the same bytes in another order, in several files", async () => {
    const mixed = shuffled(rows);
    for (const part of [0, 1, 2]) writeJsonl(`lines-${part}.jsonl`, mixed.slice(part * 281, (part + 1) * 281));
    const input = [join(scratch, "lines-*.jsonl")];
    const again = await runInto("lines", { source: "wildchat-1m", input, shards: 1 });
    expect(digests(again)).toEqual(digests(finished));
  });

  test("come in the forms for trainers too, with the same rows", async () => {
    const forms = ["messages", "trl"];
    const given = { source: "wildchat-1m", input: [rowsFile], render: { form: forms, fileFormat: "jsonl" } };
    const again = await runInto("jsonl", given);
    const { in: taken, kept: rowsKept } = again.manifest("render");
    expect(taken).toBe(finished.manifest("render").in);
    for (const form of forms) {
      const lines = globSync(join(again.folder, "dataset", form, "data", "*.jsonl")).flatMap((path) => jsonl(path));
      expect(lines).toHaveLength(rowsKept);
    }
  });
});

describeReal("one WildChat row with every field of its messages", () => {
  test("is a conversation with its user, country and time", async () => {
    const path = realFile("wildchat", "wildchat1m_fullschema_row.jsonl");
    const finished = await runInto("full", { source: "wildchat-1m", input: [path] }, "split");
    const [kept] = await conversations(finished);
    const [row] = jsonl<Row>(path);
    expectSameText([found(kept)], [found(row)]);
    expect(kept).toMatchObject({ country: "Philippines", language: "English", toxic: false, redacted: false });
    expect(kept?.user_id).toMatch(/^[0-9a-f]{32}$/);
  });
});
