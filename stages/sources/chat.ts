import { createHash } from "node:crypto";
import { z } from "zod";
import { identifier } from "../../pipeline/files/duckdb.ts";
import { canonical } from "../../pipeline/hash.ts";
import type { Columns, RawConversation, Source } from "./source.ts";
import { Time, utc } from "./time.ts";

/** What columns may be named in `columns`, and what they are called if nothing is said; "" = there is none. */
export const ChatColumns = z.strictObject({
  id: z.string().default("").describe("conversation id; without it the id is a hash of user, time and messages"),
  user: z.string().default("").describe("user id, any text or number; without it every conversation stands alone"),
  country: z.string().default("").describe("the user's country"),
  language: z.string().default("").describe("language, compared with `language`"),
  model: z.string().default("").describe("the assistant's model"),
  time: z.string().default("").describe("start of the conversation"),
  messages: z.string().default("messages").describe("list of messages"),
  role: z.string().default("role").describe("inside a message: who speaks"),
  content: z.string().default("content").describe("inside a message: the text"),
});

/** Names for the two sides that are met in people's logs, brought to `user`, `assistant` and `system`. */
const ROLES: Record<string, string> = {
  human: "user",
  prompter: "user",
  customer: "user",
  gpt: "assistant",
  bot: "assistant",
  model: "assistant",
  ai: "assistant",
  chatbot: "assistant",
};

/** Text, or a whole number that is exact: a larger one would be taken for its neighbours. */
const Id = z.union([z.string().min(1), z.int()], { error: "text or a whole number below 2^53" });
const UserId = z.union([z.string(), z.int()], { error: "text or a whole number below 2^53" });

/** Columns that a log may have; one that is named and has no value in any row is a mistake. */
export const OPTIONAL = ["id", "user", "country", "language", "model", "time"] as const;

function row(columns: Columns): z.ZodObject {
  const message = z.object({ [name(columns, "role")]: z.string(), [name(columns, "content")]: z.string() });
  const optional = {
    user: UserId.nullish(),
    country: z.string().nullish(),
    language: z.string().nullish(),
    model: z.string().nullish(),
    time: Time,
  };
  const shape: Record<string, z.ZodType> = { [name(columns, "messages")]: z.array(message) };
  if (columns["id"]) shape[columns["id"]] = Id;
  for (const [key, type] of Object.entries(optional)) if (columns[key]) shape[columns[key]] = type;
  return z.object(shape);
}

function name(columns: Columns, key: string): string {
  return columns[key] || key;
}

function convert(row: Record<string, unknown>, columns: Columns): RawConversation {
  const value = (key: string) => (columns[key] ? (row[columns[key]] ?? null) : null);
  const asText = (key: string) => (value(key) === null ? null : String(value(key)));
  const messages = row[name(columns, "messages")] as Record<string, string>[];
  const turns = messages.map((message) => {
    const role = String(message[name(columns, "role")]);
    return {
      role: ROLES[role.toLowerCase()] ?? role.toLowerCase(),
      content: String(message[name(columns, "content")]),
    };
  });
  return {
    source_id: asText("id") ?? hashOf({ user: asText("user"), time: value("time"), turns }),
    user: asText("user"),
    country: asText("country"),
    language: asText("language"),
    model: asText("model"),
    started_at: utc(value("time") as string | number | null),
    turns,
    redacted: null,
    toxic: null,
    present: OPTIONAL.filter((key) => value(key) !== null),
  };
}

/** The id of a row without one: equal talks of two people, or at two times, are two conversations. */
function hashOf(row: object): string {
  return createHash("sha256").update(canonical(row)).digest("hex").slice(0, 32);
}

function select(columns: Columns): { needs: string[]; sql: string } {
  const keys = OPTIONAL.filter((key) => columns[key]);
  const needs = [...new Set([...keys.map((key) => name(columns, key)), name(columns, "messages")])];
  // As text, so that ids of 64 bits stay exact.
  const ids = [columns["id"], columns["user"]];
  const sql = needs.map((column) => {
    return ids.includes(column)
      ? `CAST(${identifier(column)} AS VARCHAR) AS ${identifier(column)}`
      : identifier(column);
  });
  return { needs, sql: sql.join(", ") };
}

/** People's own logs: JSONL or Parquet, one conversation a row, the names of the columns given in `prepare.columns`. */
export const chat: Source = {
  name: "chat",
  summary: "your own logs, JSONL or Parquet, one conversation a row",
  hub: null,
  license: "other",
  credit: "the owner of the logs",
  row,
  fields: (columns) => ({ id: columns["id"] || null, personal: columns["user"] ? [columns["user"]] : [] }),
  select,
  convert,
};
