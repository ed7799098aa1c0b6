import { createHash } from "node:crypto";
import { z } from "zod";
import { identifier } from "../../pipeline/files/duckdb.ts";
import { canonical } from "../../pipeline/hash.ts";
import { isLogRow, look } from "./columns.ts";
import { languageName } from "./language.ts";
import { rowKindNamed } from "./logs/index.ts";
import { CALLS, roleNamed } from "./logs/message.ts";
import { at, columnOf } from "./logs/path.ts";
import { TurnNumber, turnNumber } from "./logs/turn-number.ts";
import type { LogSettings, RawConversation, Source } from "./source.ts";
import { Time, timeReader } from "./time.ts";

const column = (what: string) =>
  z.string().nullable().default(null).describe(`${what}; null = found by its name, empty = none`);

/** What columns may be named in `columns`: null = it is looked for by the names that logs usually have, "" = there is none. */
export const ChatColumns = z.strictObject({
  id: column("conversation id; without it the id is a hash of user, time and messages"),
  user: column("user id, any text or number; without it every conversation stands alone"),
  country: column("the user's country"),
  language: column("language, compared with `language`"),
  model: column("the assistant's model"),
  time: column("start of the conversation, or time of the message where that is a row"),
  turn: column("number of the message or exchange in its conversation, where that is a row"),
  messages: column("list of messages, such as messages or inputs.messages"),
  role: column("of a message: who speaks, such as role or author.role"),
  content: column("of a message: the text, such as content or content.parts"),
  prompt: column("what the user says, where a row is a prompt and its answer"),
  input: column("what the prompt is about, which is put behind it"),
  response: column("the answer, where it is not among the messages"),
});

/** Text, or a whole number that is exact: a larger one would be taken for its neighbours. */
const Id = z.union([z.string().min(1), z.int()], { error: "text or a whole number below 2^53" });
const UserId = z.union([z.string(), z.int()], { error: "text or a whole number below 2^53" });

/** Columns that any log may have; one that is named and has no value in any row is a mistake. */
export const OPTIONAL = ["id", "user", "country", "language", "model", "time", "turn"] as const;

const TYPES: Readonly<Record<(typeof OPTIONAL)[number], z.ZodType>> = {
  id: Id,
  user: UserId.nullish(),
  country: z.string().nullish(),
  language: z.string().nullish(),
  model: z.string().nullish(),
  time: Time,
  turn: TurnNumber,
};

/** Logs as they are read with these settings. */
function chatWith(settings: LogSettings): Source {
  const kind = rowKindNamed(settings.rows);
  // Without a conversation id rows cannot be brought together.
  const columns = kind.isInParts ? { ...settings.columns, id: settings.columns["id"] || "id" } : settings.columns;
  const timeOf = timeReader(settings.timeFormat);
  const own = Object.fromEntries(Object.entries(settings.roleMap).map(([name, role]) => [name.toLowerCase(), role]));
  const named = OPTIONAL.flatMap((key) => (columns[key] ? [[key, columns[key]] as const] : []));

  function project(row: unknown): unknown {
    if (typeof row !== "object" || row === null || Array.isArray(row)) return row;
    const common = Object.fromEntries(named.map(([, path]) => [path, at(row, path)]));
    return { ...common, ...kind.project(row, columns) };
  }

  function convert(row: Record<string, unknown>): RawConversation {
    const value = (key: string) => (columns[key] ? (row[columns[key]] ?? null) : null);
    const asText = (key: string) => (value(key) === null || value(key) === "" ? null : String(value(key)));
    const time = value("time") as string | number | null;
    const started_at = timeOf(time);
    const language = asText("language");
    const turns = kind.turns(row, columns, (name) => roleNamed(name, own));
    return {
      source_id: asText("id") ?? hashOf({ user: asText("user"), time, turns }),
      user: asText("user"),
      country: asText("country"),
      language: language && languageName(language),
      model: asText("model"),
      started_at,
      turns,
      redacted: null,
      toxic: null,
      present: OPTIONAL.filter((key) => value(key) !== null && value(key) !== ""),
      ...(kind.isInParts && { turn: turnNumber(value("turn")) }),
      ...(time !== null && time !== "" && started_at === null && { counts: { times_not_read: 1 } }),
    };
  }

  function select(_unread?: string | null, has: (name: string) => boolean = () => false) {
    // What is nested is read whole.
    const paths = [...named.map(([, path]) => path), ...Object.keys(kind.project({}, columns))];
    const mayMiss = (path: string) => !has(columnOf(path, has)) && CALLS.includes(path);
    const needs = [...new Set(paths.filter((path) => !mayMiss(path)).map((path) => columnOf(path, has)))];
    // As text, so that ids of 64 bits stay exact.
    const ids = [columns["id"], columns["user"]];
    const sql = needs.map((name) => {
      return ids.includes(name) ? `CAST(${identifier(name)} AS VARCHAR) AS ${identifier(name)}` : identifier(name);
    });
    return { needs, sql: sql.join(", ") };
  }

  return {
    ...about,
    row: () => kind.schema(columns, Object.fromEntries(named.map(([key, path]) => [path, TYPES[key]]))),
    project,
    fields: () => ({ id: columns["id"] || null, personal: columns["user"] ? [columns["user"]] : [] }),
    select,
    convert,
    isInParts: kind.isInParts,
  };
}

/** The id of a row without one: equal talks of two people, or at two times, are two conversations. */
function hashOf(row: object): string {
  return createHash("sha256").update(canonical(row)).digest("hex").slice(0, 32);
}

const about = {
  name: "chat",
  summary: "your own logs, JSONL, JSON, CSV or Parquet; a row is a conversation, a message, or a prompt and its answer",
  hub: null,
  license: "other",
  credit: "the owner of the logs",
  withSettings: chatWith,
  look,
  isRow: isLogRow,
};

/** People's own logs: which column holds what is said, or found out, before they are read. */
export const chat = chatWith({ columns: {}, rows: null, roleMap: {}, timeFormat: null });
