import { createHash } from "node:crypto";
import { z } from "zod";
import { identifier } from "../../pipeline/files/duckdb.ts";
import { canonical } from "../../pipeline/hash.ts";
import { textOfParts } from "../../pipeline/text/parts.ts";
import { at, findColumns } from "./columns.ts";
import { languageName } from "./language.ts";
import type { Columns, RawConversation, Source } from "./source.ts";
import { Time, utc } from "./time.ts";

const column = (what: string) =>
  z.string().nullable().default(null).describe(`${what}; null = found by its name, empty = none`);

/** What columns may be named in `columns`: null = it is looked for by the names that logs usually have, "" = there is none. */
export const ChatColumns = z.strictObject({
  id: column("conversation id; without it the id is a hash of user, time and messages"),
  user: column("user id, any text or number; without it every conversation stands alone"),
  country: column("the user's country"),
  language: column("language, compared with `language`"),
  model: column("the assistant's model"),
  time: column("start of the conversation"),
  messages: column("list of messages, such as messages or inputs.messages"),
  role: column("inside a message: who speaks, such as role or author.role"),
  content: column("inside a message: the text, such as content or content.parts"),
});

/** Names for who speaks that are met in people's logs, brought to `user`, `assistant`, `system` and `tool`. */
const ROLES: Readonly<Record<string, string>> = {
  human: "user",
  prompter: "user",
  customer: "user",
  visitor: "user",
  gpt: "assistant",
  bot: "assistant",
  model: "assistant",
  ai: "assistant",
  chatbot: "assistant",
  agent: "assistant",
  chatgpt: "assistant",
  developer: "system",
  function: "tool",
  tool_result: "tool",
  function_response: "tool",
  observation: "tool",
};

/** Text, or a whole number that is exact: a larger one would be taken for its neighbours. */
const Id = z.union([z.string().min(1), z.int()], { error: "text or a whole number below 2^53" });
const UserId = z.union([z.string(), z.int()], { error: "text or a whole number below 2^53" });

/** Columns that a log may have; one that is named and has no value in any row is a mistake. */
export const OPTIONAL = ["id", "user", "country", "language", "model", "time"] as const;

/** A field at a path such as `author.role`, as the schema of what it stands in. */
function nested(path: string, type: z.ZodType): Record<string, z.ZodType> {
  const dot = path.indexOf(".");
  if (dot < 0) return { [path]: type };
  return { [path.slice(0, dot)]: z.looseObject(nested(path.slice(dot + 1), type)) };
}

const TEXT = "text, or a list of parts with text";

/** True for what may stand as the text of a message; none at all only where a tool is called in place of words. */
function isSaid(message: unknown, path: string): boolean {
  const content = at(message, path);
  return content === undefined ? isCalling(message) : textOfParts(content) !== undefined;
}

function isCalling(message: unknown): boolean {
  return CALLS.some((call) => Boolean(at(message, call)));
}

/** Fields of messages that call tools, today's and the one before. */
const CALLS = ["tool_calls", "function_call"];

function row(columns: Columns): z.ZodObject {
  const named = (key: string) => columns[key] ?? "";
  const content = named("content") || "content";
  const message = z
    .looseObject(nested(named("role") || "role", z.string()))
    .refine((each) => isSaid(each, content), { path: content.split("."), error: TEXT });
  const list = z.preprocess(fromJson, z.array(message));
  const optional = {
    user: UserId.nullish(),
    country: z.string().nullish(),
    language: z.string().nullish(),
    model: z.string().nullish(),
    time: Time,
  };
  const shape: Record<string, z.ZodType> = { ...nested(named("messages") || "messages", list) };
  if (named("id")) Object.assign(shape, nested(named("id"), Id));
  for (const [key, type] of Object.entries(optional)) if (named(key)) Object.assign(shape, nested(named(key), type));
  return z.object(shape);
}

/** A list that a column holds as JSON text. */
function fromJson(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function turnOf(message: unknown, columns: Columns, roles: Readonly<Record<string, string>>) {
  const said = String(at(message, columns["role"] || "role")).toLowerCase();
  const role = roles[said] ?? ROLES[said] ?? said;
  const content = textOfParts(at(message, columns["content"] || "content")) ?? "";
  // A call of a tool in place of words is no turn of a dialogue.
  return { role: role === "assistant" && content === "" && isCalling(message) ? "tool" : role, content };
}

function convert(
  row: Record<string, unknown>,
  columns: Columns,
  roles: Readonly<Record<string, string>> = {},
): RawConversation {
  const value = (key: string) => (columns[key] ? (at(row, columns[key]) ?? null) : null);
  const asText = (key: string) => (value(key) === null ? null : String(value(key)));
  const messages = at(row, columns["messages"] || "messages") as unknown[];
  const time = value("time") as string | number | null;
  const started_at = utc(time);
  const language = asText("language");
  const turns = messages.map((message) => turnOf(message, columns, roles));
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
    present: OPTIONAL.filter((key) => value(key) !== null),
    ...(time !== null && time !== "" && started_at === null && { counts: { times_not_read: 1 } }),
  };
}

/** The id of a row without one: equal talks of two people, or at two times, are two conversations. */
function hashOf(row: object): string {
  return createHash("sha256").update(canonical(row)).digest("hex").slice(0, 32);
}

function select(columns: Columns): { needs: string[]; sql: string } {
  const keys = OPTIONAL.filter((key) => columns[key]);
  // What is nested is read whole.
  const top = (key: string) => (columns[key] || key).split(".")[0] as string;
  const needs = [...new Set([...keys.map(top), top("messages")])];
  // As text, so that ids of 64 bits stay exact.
  const ids = [columns["id"], columns["user"]];
  const sql = needs.map((column) => {
    return ids.includes(column)
      ? `CAST(${identifier(column)} AS VARCHAR) AS ${identifier(column)}`
      : identifier(column);
  });
  return { needs, sql: sql.join(", ") };
}

/** People's own logs: JSONL or Parquet, one conversation a row; `prepare.columns` says which column holds what where that is not plain. */
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
  findColumns,
};
