/**
 * Files of people's own logs -> what their rows are and which of their columns holds what. Names that leave no doubt are
 * found by themselves, so that a log does not lose its users, languages and times in silence; what is used and what is not
 * is said, and where no conversation is found, what is there and how to name it.
 */
import { UsageError } from "../../pipeline/errors.ts";
import { parquet, queryWithin } from "../../pipeline/files/duckdb.ts";
import { readTextRows } from "../../pipeline/files/text-rows.ts";
import { ROW_KINDS } from "./logs/index.ts";
import { at, columnOf } from "./logs/path.ts";
import type { RowKind } from "./logs/row-kind.ts";
import { TurnNumber } from "./logs/turn-number.ts";
import type { Columns, FoundLog, LogSettings } from "./source.ts";

type Row = Record<string, unknown>;

/** Names of columns by what they hold, the most telling first; compared without regard to case, spaces, `_` and `-`. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  id: ["conversation_id", "conversation_hash", "chat_id", "session_id", "thread_id", "dialogue_id", "dialog_id", "id"],
  user: ["user_id", "user", "hashed_ip", "uid", "username", "author_id", "customer_id", "visitor_id", "client_id"],
  country: ["country", "country_code"],
  language: ["language", "lang"],
  model: ["model", "model_name", "assistant_model"],
  time: ["timestamp", "started_at", "created_at", "create_time", "start_time", "datetime", "time", "date", "ts"],
  turn: ["turn", "turn_number", "turn_index", "message_index", "index", "position", "sequence", "seq", "order", "n"],
  messages: [
    ...["messages", "conversation", "conversations", "turns", "dialogue", "dialog", "chat"],
    ...["inputs.messages", "input.messages", "request.messages", "body.messages"],
  ],
  role: ["role", "from", "speaker", "sender", "author.role", "type", "author"],
  content: ["content", "value", "text", "message", "body", "utterance", "content.parts"],
  prompt: [
    ...["prompt", "instruction", "question", "query", "user_message", "user_input", "user_prompt", "input"],
    ...["inputs.question", "inputs.input", "inputs.prompt", "inputs.query"],
  ],
  input: ["input"],
};

/** The columns that any log may have, in the order in which they are looked for. */
const COMMON = ["user", "country", "language", "model", "time"] as const;

/** Rows that are looked at in a file. */
const LOOK = 200;
/** Files that are looked at: logs are written by one program. */
const FILES = 8;

/** Bytes that are looked at in a file; of a longer row none: one of gigabytes may be there to do harm. */
const LOOK_BYTES = 64e6;

/** Finds what was not said (null) from the first rows of the first files; "" stays as none. */
export async function look(paths: readonly string[], given: LogSettings): Promise<FoundLog> {
  const rows: Row[] = [];
  for (const path of paths.slice(0, FILES)) rows.push(...(await firstRows(path)));
  return columnsOf(rows, given, paths.slice(0, FILES).join(", "));
}

/** The same for rows at hand; `place` is where they are from. Throws UsageError if they are nothing that is known. */
export function columnsOf(rows: readonly Row[], given: Pick<LogSettings, "columns" | "rows">, place: string): FoundLog {
  const tried = ROW_KINDS.filter((kind) => mayBe(kind, given)).map((kind) => columnsFor(kind, rows, given.columns));
  // Rows are exchanges of longer conversations only where some have a conversation in common.
  const isSure = ({ kind, columns }: Tried) =>
    kind.name !== "exchange" || given.rows !== null || isShared(kind, columns["id"] ?? "", rows, columns);
  const fits = tried.find((each) => each.missing.length === 0 && (rows.length === 0 || isSure(each)));
  if (!fits) throw new UsageError(`${place}: ${whatIsMissing(tried, rows, given.columns)}`);
  const { kind, columns } = fits;
  const tops = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const used = new Set(Object.values(columns).map((path) => columnOf(path, (name) => tops.includes(name))));
  return { settings: { columns, rows: kind.name }, unused: tops.filter((name) => !used.has(name)).sort() };
}

/** True for a kind of row that what people named does not speak against. */
function mayBe(kind: RowKind, { columns, rows }: Pick<LogSettings, "columns" | "rows">): boolean {
  if (rows !== null) return kind.name === rows;
  // Who speaks is named of the messages of a list too.
  return ROW_KINDS.every(({ telling }) => telling === "role" || !columns[telling] || kind.telling === telling);
}

/** What a kind of row needs, where it was found, and what of it was not. */
interface Tried {
  readonly kind: RowKind;
  readonly columns: Record<string, string>;
  readonly missing: readonly string[];
}

/** The columns of rows that are taken to be of a kind, and the keys of those that it needs and that were not found. */
function columnsFor(kind: RowKind, rows: readonly Row[], given: Columns): Tried {
  // What people named first: nothing else is found in such a column.
  const columns: Record<string, string> = {};
  for (const [key, name] of Object.entries(given)) if (name) columns[key] = name;
  const pick = (key: string, from: readonly Row[]) => {
    const isTaken = (name: string) => Object.entries(columns).some(([other, own]) => other !== key && own === name);
    const names = namesIn(from).filter((name) => !isTaken(name));
    const known = (kind.names?.[key] ?? KNOWN[key] ?? [])
      .map((known) => names.find((name) => plain(name) === plain(known)))
      .filter((name) => name !== undefined && isFound(kind, key, name, from));
    columns[key] = given[key] ?? (key === "id" ? idAmong(kind, known as string[], rows, columns) : known[0]) ?? "";
  };
  const own = [...kind.needs, ...kind.may].filter((key) => key !== "id");
  const inside = kind.inside ? INSIDE : [];
  for (const key of [...own, "id", ...COMMON]) pick(key, rows);
  const messages = rows.flatMap((row) => kind.inside?.(row, columns) ?? []);
  for (const key of inside) pick(key, messages);
  if (rows.length === 0) for (const key of [...kind.needs, ...inside]) columns[key] ||= key;
  const isMissing = (key: string) =>
    !columns[key] || !isFound(kind, key, columns[key], inside.includes(key) ? messages : rows);
  for (const key of Object.keys(given)) columns[key] ??= "";
  const missing = rows.length === 0 ? [] : [...kind.needs, ...inside].filter(isMissing);
  return { kind, columns, missing };
}

/** What is looked for inside of messages where they are in a list. */
const INSIDE = ["role", "content"];

/** True if some row has a value in a column that may stand there. */
function isFound(kind: RowKind, key: string, name: string, rows: readonly Row[]): boolean {
  const isOwn = [...kind.needs, ...kind.may, ...INSIDE].includes(key) && key !== "id";
  const isFit = (value: unknown) => {
    if (key === "turn") return TurnNumber.safeParse(value).success;
    return !isOwn || !kind.isFit || kind.isFit(key, value);
  };
  return rows.some((row) => {
    const value = at(row, name);
    return !isEmpty(value) && isFit(value);
  });
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === "";
}

/** The column that tells a conversation: what no two rows share or, where rows are parts of one, what different rows do. */
function idAmong(kind: RowKind, names: readonly string[], rows: readonly Row[], columns: Columns): string | undefined {
  if (!kind.isInParts) return names.find((name) => isDistinct(rows, name)) ?? names[0];
  const shared = names.find((name) => isShared(kind, name, rows, columns));
  // What is only called `id` may as well be that of the message.
  return shared ?? names.find((name) => plain(name) !== "id");
}

function isDistinct(rows: readonly Row[], path: string): boolean {
  return new Set(rows.map((row) => at(row, path))).size === rows.length;
}

/** True if two rows that say other things have a value in common. */
function isShared(kind: RowKind, path: string, rows: readonly Row[], columns: Columns): boolean {
  const said = columns[kind.telling === "prompt" ? "prompt" : "content"] ?? "";
  const first = new Map<unknown, unknown>();
  return rows.some((row) => {
    const [id, text] = [at(row, path), JSON.stringify(at(row, said))];
    if (isEmpty(id)) return false;
    if (first.has(id)) return first.get(id) !== text;
    first.set(id, text);
    return false;
  });
}

/** What is there and what is not, and how to name it. */
function whatIsMissing(tried: readonly Tried[], rows: readonly Row[], given: Columns): string {
  const near = tried
    .filter(({ kind, missing }) => given[kind.telling] || !missing.includes(kind.telling))
    .sort((a, b) => a.missing.length - b.missing.length)[0];
  const there = namesIn(rows).join(", ");
  if (!near) {
    const kinds = tried.map(({ kind }) => kind).filter(({ name }) => name !== "exchange");
    const ways = kinds.map(({ summary, needs }) => `${summary} (${flag(needs)})`);
    return `no conversations are found in its columns: ${there}; expected that a row is ${ways.join(", or ")}`;
  }
  const { kind, columns, missing } = near;
  const messages = rows.flatMap((row) => kind.inside?.(row, columns) ?? []);
  const isInside = kind.inside !== undefined && missing.every((key) => INSIDE.includes(key));
  const place = isInside
    ? `the messages in \`${columns["messages"]}\` have ${namesIn(messages).join(", ")}`
    : `its columns are ${there}`;
  return `a row seems to be ${kind.summary}, but ${missing.map((key) => whatIs(key, columns)).join(", and ")}; ${place}; name it with ${flag(missing)}`;
}

function whatIs(key: string, columns: Columns): string {
  const what = HOLDS[key] ?? key;
  return columns[key] ? `\`${columns[key]}\` does not hold ${what}` : `no column is known to hold ${what}`;
}

/** What is needed, in words. */
const HOLDS: Readonly<Record<string, string>> = {
  id: "the id of the conversation",
  messages: "a list of messages",
  role: "who speaks",
  content: "what is said",
  prompt: "the prompt",
  response: "the answer",
};

function flag(keys: readonly string[]): string {
  return `--columns ${keys.map((key) => `${key}=<name>`).join(",")}`;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[ _-]/g, "");
}

/** Names of what has a value in some row, one level down too: `author.role`. */
function namesIn(rows: readonly Row[]): string[] {
  const names = new Set<string>();
  for (const row of rows)
    for (const [name, value] of Object.entries(row)) {
      if (isEmpty(value)) continue;
      const isNested = typeof value === "object" && !Array.isArray(value);
      if (!isNested) names.add(name);
      else for (const [inner, own] of Object.entries(value as Row)) if (!isEmpty(own)) names.add(`${name}.${inner}`);
    }
  return [...names];
}

/** True for what is a row of somebody's own log rather than a message of one: an object with a list is told by it. */
export function isLogRow(value: unknown): boolean {
  const keys = Object.keys(value ?? {}).map(plain);
  const has = (key: string) => (KNOWN[key] ?? []).some((name) => name !== "id" && keys.includes(plain(name)));
  return has("id") || !(has("role") && has("content"));
}

async function firstRows(path: string): Promise<Row[]> {
  const rows: Row[] = [];
  let bytes = 0;
  try {
    for await (const value of valuesOf(path)) {
      if (typeof value === "object" && value !== null && !Array.isArray(value)) rows.push(value as Row);
      bytes += JSON.stringify(value).length;
      if (rows.length >= LOOK || bytes >= LOOK_BYTES) break;
    }
  } catch {
    // What cannot be read is said by whoever reads it all.
  }
  return rows;
}

async function* valuesOf(path: string): AsyncGenerator<unknown> {
  if (/\.parquet$/i.test(path)) yield* valuesOfParquet(path);
  else
    for await (const row of readTextRows(path, { isRow: isLogRow, most: LOOK_BYTES }))
      if ("value" in row) yield row.value;
}

/** The engine has all of these rows at once: each may have a part of the bytes. */
async function* valuesOfParquet(path: string): AsyncGenerator<unknown> {
  const rows = queryWithin(`SELECT * FROM ${parquet(path)} LIMIT ${LOOK}`, path, LOOK_BYTES / 20);
  for await (const { value } of rows) if (value !== null) yield value;
}
