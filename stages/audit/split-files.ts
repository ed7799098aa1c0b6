import { basename } from "node:path";
import { KeyTable, keyOf } from "../../pipeline/collections.ts";
import { InputError, UsageError } from "../../pipeline/errors.ts";
import { describeParquet, identifier, parquet, query } from "../../pipeline/files/duckdb.ts";
import { parseLine, readLines } from "../../pipeline/files/jsonl.ts";
import { requireReadable } from "../../pipeline/plan.ts";
import { textKey } from "../../pipeline/text/text-key.ts";
import type { Leak } from "../../schemas/leak.ts";
import type { Split } from "../../schemas/user.ts";
import { type AlikeOptions, findAlike } from "../dedup/find-duplicates.ts";
import { Audit } from "../split/audit.ts";

/** Which column holds what, by these names; what is not named is looked for. */
export type AuditColumns = Partial<Record<"id" | "user" | "country" | "opening" | "split", string>>;

/** A conversation as a file of any finished split tells it. */
type Found = { id: string; split: Split; user: string | null; country: string | null; opening: string };
type Row = Record<string, unknown>;

/** Columns that are looked for where none is named. */
const KNOWN = {
  id: ["conversation_id", "conversation_hash", "id"],
  user: ["user_id", "hashed_ip", "user"],
  country: ["country"],
  split: ["split"],
  opening: ["opening", "context", "target", "messages", "conversation", "turns", "prompt", "completion"],
};

/** Names of splits as they begin the names of files. */
const SPLITS: readonly (readonly [RegExp, Split])[] = [
  [/^train/i, "train"],
  [/^(val|dev)/i, "validation"],
  [/^(test|eval)/i, "test"],
];

/**
 * What conversations of different splits have in common, for any split given as files: Parquet or JSONL, one row a
 * conversation or a sample of one. Of the rows of one conversation the first is taken. Files are read four times.
 */
export async function auditFiles(
  paths: readonly string[],
  columns: AuditColumns,
  options: AlikeOptions,
): Promise<Leak[]> {
  for (const path of paths) await requireReadable(path);
  const conversations = () => distinct(paths, columns);
  async function* openings(): AsyncGenerator<string> {
    for await (const { opening } of conversations()) yield opening;
  }
  async function* ids(): AsyncGenerator<string> {
    for await (const { id } of conversations()) yield id;
  }
  const { templates, clusters } = await findAlike(openings, options);
  const audit = new Audit();
  let number = 0;
  for await (const { split, user, country, opening } of conversations()) {
    const [template = -1, cluster = -1] = [templates[number], clusters[number]];
    number++;
    audit.add({
      split,
      user,
      country,
      opening: textKey(opening),
      template: template < 0 ? null : String(template),
      cluster: cluster < 0 ? null : String(cluster),
    });
  }
  return audit.leaks(ids());
}

/** The conversations of the files, each split's own once. */
async function* distinct(paths: readonly string[], columns: AuditColumns): AsyncGenerator<Found> {
  const seen = new KeyTable();
  for (const path of paths) {
    for await (const { number, row } of rowsOf(path, columns)) {
      const found = conversationOf(row, path, number, columns);
      const before = seen.size;
      if (seen.number(...keyOf(`${found.split}\n${found.id}`)) === before) yield found;
    }
  }
}

async function* rowsOf(path: string, columns: AuditColumns): AsyncGenerator<{ number: number; row: Row }> {
  let number = 0;
  if (!/\.parquet$/i.test(path)) {
    for await (const line of readLines(path)) yield { number: line.number, row: parsed(line, path) };
    return;
  }
  const there = await describeParquet(path);
  const wanted = [...Object.values(KNOWN).flat(), ...Object.values(columns)].filter((column) => there.has(column));
  if (wanted.length === 0) throw new UsageError(`${path}: no column of a split; found ${[...there.keys()].join(", ")}`);
  const sql = `SELECT ${[...new Set(wanted)].map(identifier).join(", ")} FROM ${parquet(path)}`;
  for await (const row of query(sql, path)) yield { number: ++number, row: row as Row };
}

function parsed(line: Parameters<typeof parseLine>[0], path: string): Row {
  try {
    return parseLine(line) as Row;
  } catch (cause) {
    throw new InputError(`${path}:${line.number}: expected one JSON object on the line`, { cause });
  }
}

function conversationOf(row: Row, path: string, number: number, columns: AuditColumns): Found {
  const text = (key: "id" | "user" | "country" | "split") => {
    const name = columns[key] ?? KNOWN[key].find((each) => (row[each] ?? null) !== null);
    const value = name === undefined ? null : (row[name] ?? null);
    return value === null ? null : String(value);
  };
  const opening = columns.opening === undefined ? openingOf(row) : String(row[columns.opening] ?? "");
  if (opening === null)
    throw new UsageError(
      `${path}:${number}: no first user turn; expected one of ${KNOWN.opening.join(", ")}, or --columns opening=<name>; found ${Object.keys(row).join(", ")}`,
    );
  const split = splitOf(text("split") ?? basename(path), path, number);
  return { id: text("id") ?? `${path}:${number}`, split, user: text("user"), country: text("country"), opening };
}

function splitOf(name: string, path: string, number: number): Split {
  const found = SPLITS.find(([pattern]) => pattern.test(name));
  if (found) return found[1];
  throw new UsageError(
    `${path}:${number}: ${JSON.stringify(name)} names no split; expected train, validation or test in a column \`split\` (--columns split=<name>) or at the start of the file's name`,
  );
}

/** The first user turn of a row of any of flipturn's forms, or of a list of messages; null if there is none. */
function openingOf(row: Row): string | null {
  if (typeof row["opening"] === "string") return row["opening"];
  for (const name of ["context", "messages", "conversation", "turns"]) {
    const first = firstUserTurn(row[name]);
    if (first !== null) return first;
  }
  if (typeof row["target"] === "string") return row["target"];
  if (typeof row["prompt"] !== "string") return null;
  return (
    /<\|start_header_id\|>user<\|end_header_id\|>\n([\s\S]*?)<\|eot_id\|>/.exec(
      `${row["prompt"]}${row["completion"] ?? ""}`,
    )?.[1] ?? row["prompt"]
  );
}

function firstUserTurn(messages: unknown): string | null {
  if (!Array.isArray(messages)) return null;
  const turn = (messages as Row[]).find((message) => message?.["role"] === "user" || message?.["role"] === "human");
  return typeof turn?.["content"] === "string" ? turn["content"] : null;
}
