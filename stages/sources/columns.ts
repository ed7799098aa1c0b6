/**
 * Files of people's own logs -> which of their columns holds what. Names that leave no doubt are found by themselves, so
 * that a log does not lose its users, languages and times in silence; what is used and what is not is said.
 */
import { parquet, queryWithin } from "../../pipeline/files/duckdb.ts";
import { readLines } from "../../pipeline/files/jsonl.ts";
import type { Columns } from "./source.ts";

/** Names of columns by what they hold, the most telling first; compared without regard to case, `_` and `-`. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  id: ["conversation_id", "conversation_hash", "chat_id", "session_id", "thread_id", "dialogue_id", "dialog_id", "id"],
  user: ["user_id", "user", "hashed_ip", "uid", "username", "author_id", "customer_id", "visitor_id", "client_id"],
  country: ["country", "country_code"],
  language: ["language", "lang"],
  model: ["model", "model_name", "assistant_model"],
  time: ["timestamp", "started_at", "created_at", "create_time", "start_time", "datetime", "time", "date"],
  messages: ["messages", "conversation", "conversations", "turns", "dialogue", "dialog", "chat", "inputs.messages"],
  role: ["role", "from", "speaker", "sender", "author.role", "type", "author"],
  content: ["content", "value", "text", "message", "body", "utterance", "content.parts"],
};

/** Rows that are looked at in a file. */
const LOOK = 200;
/** Files that are looked at: logs are written by one program. */
const FILES = 8;

/** Bytes that are looked at in a file; of a longer row none: one of gigabytes may be there to do harm. */
const LOOK_BYTES = 64e6;

/** Which column holds what, and those that hold nothing of use, by their names. */
export interface FoundColumns {
  readonly columns: Columns;
  readonly unused: readonly string[];
}

/** Fills in the columns that are not named (null), from the first rows of the first files; "" stays as none. */
export async function findColumns(paths: readonly string[], given: Columns): Promise<FoundColumns> {
  const rows: Record<string, unknown>[] = [];
  for (const path of paths.slice(0, FILES)) rows.push(...(await firstRows(path)));
  return columnsOf(rows, given);
}

/** The same for rows at hand. */
export function columnsOf(rows: readonly Record<string, unknown>[], given: Columns): FoundColumns {
  const top = namesIn(rows);
  const columns: Record<string, string> = {};
  const pick = (key: string, names: readonly string[]) => {
    const named = given[key];
    const isTaken = (name: string) => Object.entries(columns).some(([other, own]) => other !== key && own === name);
    const found = (KNOWN[key] ?? [])
      .map((known) => names.find((name) => plain(name) === plain(known) && !isTaken(name)))
      .filter((name) => name !== undefined);
    // A session may have several conversations: an id is what no two rows share.
    const best = key === "id" ? (found.find((name) => isDistinct(rows, name)) ?? found[0]) : found[0];
    columns[key] = named ?? best ?? "";
  };
  // What people named first: nothing else is found in such a column.
  for (const [key, name] of Object.entries(given)) if (name) columns[key] = name;
  for (const key of ["messages", "id", "user", "country", "language", "model", "time"]) pick(key, top);
  const inside = namesIn(rows.flatMap((row) => messagesIn(at(row, columns["messages"] || "messages"))));
  for (const key of ["role", "content"]) pick(key, inside);
  for (const key of ["messages", "role", "content"]) columns[key] ||= key;
  const used = new Set(Object.values(columns).map((name) => name.split(".")[0]));
  const unused = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => !used.has(name)).sort();
  return { columns, unused };
}

function isDistinct(rows: readonly object[], path: string): boolean {
  return new Set(rows.map((row) => at(row, path))).size === rows.length;
}

/** What stands at a path of a value, such as `author.role`; a name that has dots in it is taken as it is first. */
export function at(value: unknown, path: string): unknown {
  const own = value as Record<string, unknown> | null | undefined;
  if (typeof own !== "object" || own === null) return undefined;
  if (Object.hasOwn(own, path)) return own[path];
  const dot = path.indexOf(".");
  return dot < 0 ? undefined : at(own[path.slice(0, dot)], path.slice(dot + 1));
}

/** A list of messages, or the list that a text holds as JSON. */
function messagesIn(value: unknown): Record<string, unknown>[] {
  const list = typeof value === "string" ? parsed(value) : value;
  return Array.isArray(list) ? list.filter((each) => typeof each === "object" && each !== null) : [];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, "");
}

/** Names of what has a value in some row, one level down too: `author.role`. */
function namesIn(rows: readonly Record<string, unknown>[]): string[] {
  const names = new Set<string>();
  for (const row of rows)
    for (const [name, value] of Object.entries(row)) {
      if (value === null || value === undefined || value === "") continue;
      const isNested = typeof value === "object" && !Array.isArray(value);
      if (!isNested) names.add(name);
      else
        for (const [inner, own] of Object.entries(value))
          if (own !== null && own !== undefined && own !== "") names.add(`${name}.${inner}`);
    }
  return [...names];
}

async function firstRows(path: string): Promise<Record<string, unknown>[]> {
  if (/\.parquet$/i.test(path)) return firstOfParquet(path);
  const rows: Record<string, unknown>[] = [];
  let bytes = 0;
  try {
    for await (const line of readLines(path, undefined, LOOK_BYTES)) {
      const value = parsed(line.bytes.toString());
      if (typeof value === "object" && value !== null && !Array.isArray(value))
        rows.push(value as Record<string, unknown>);
      bytes += line.tooLong ?? line.bytes.length;
      if (rows.length >= LOOK || bytes >= LOOK_BYTES) break;
    }
  } catch {
    // What cannot be read is said by whoever reads it all.
  }
  return rows;
}

async function firstOfParquet(path: string): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  try {
    const sql = `SELECT * FROM ${parquet(path)} LIMIT ${LOOK}`;
    for await (const { value } of queryWithin(sql, path, LOOK_BYTES / LOOK))
      if (value !== null) rows.push(value as Record<string, unknown>);
  } catch {
    // As above.
  }
  return rows;
}
