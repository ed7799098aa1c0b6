import { InputError, UsageError } from "../../../pipeline/errors.ts";
import { describeParquet, identifier, parquet, query } from "../../../pipeline/files/duckdb.ts";
import { parseLine, readLines } from "../../../pipeline/files/jsonl.ts";

/** One text of an evaluation set: `<file>:<row>`, rows from 1. */
export type Item = { name: string; text: string };

/**
 * Columns that hold the question of an evaluation set, in the order in which they are looked for: GSM8K `question`,
 * HumanEval `prompt`, CommonsenseQA `question` (or `question.stem`), NaturalQuestions `question` (or `question.text`,
 * `question_text`), PRISM `opening_prompt`, others.
 */
const COLUMNS = [
  "question",
  "question_text",
  "prompt",
  "opening_prompt",
  "user_prompt",
  "problem",
  "query",
  "instruction",
  "input",
  "text",
];
/** Where a column is an object: the field of it that is the question. */
const FIELDS = ["text", "stem", "content"];

/**
 * The texts of a file: lines of `.txt`, or one column of JSONL or Parquet. `columns` are paths such as `question.stem`;
 * lists on the way are gone through. `name` is what items are called after. Memory: one batch.
 * Throws UsageError if a row has none of the columns, InputError if the file cannot be read.
 */
export async function* readItems(
  path: string,
  name: string,
  columns: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<Item> {
  let row = 0;
  if (/\.txt(\.gz|\.zst)?$/i.test(path)) {
    for await (const line of readLines(path, signal))
      yield { name: `${name}:${line.number}`, text: line.bytes.toString() };
    return;
  }
  for await (const { number, value } of rowsOf(path, columns, signal)) {
    row = number;
    const texts = columns.length > 0 ? columns.flatMap((column) => textsAt(value, column.split("."))) : guess(value);
    if (texts === null) throw noColumn(path, row, value, columns);
    if (columns.length > 0 && texts.length === 0) throw noColumn(path, row, value, columns);
    for (const text of texts) yield { name: `${name}:${row}`, text };
  }
}

async function* rowsOf(
  path: string,
  columns: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<{ number: number; value: unknown }> {
  if (/\.parquet$/i.test(path)) {
    const there = await describeParquet(path);
    const wanted = columns.length > 0 ? columns.map((column) => column.split(".")[0] ?? "") : COLUMNS;
    const found = [...new Set(wanted)].filter((column) => there.has(column));
    if (found.length === 0) throw new UsageError(`${path}: ${missing(columns)}; found ${[...there.keys()].join(", ")}`);
    let number = 0;
    for await (const value of query(`SELECT ${found.map(identifier).join(", ")} FROM ${parquet(path)}`, path, signal))
      yield { number: ++number, value };
    return;
  }
  if (!/\.(jsonl|ndjson|json)(\.gz|\.zst)?$/i.test(path))
    throw new UsageError(`${path}: expected a name that ends in .jsonl, .parquet or .txt`);
  for await (const line of readLines(path, signal)) yield { number: line.number, value: parsed(line, path) };
}

function parsed(line: Parameters<typeof parseLine>[0], path: string): unknown {
  try {
    return parseLine(line);
  } catch (cause) {
    throw new InputError(`${path}:${line.number}: expected one JSON object on the line`, { cause });
  }
}

/** All texts at the end of a path; lists on the way are gone through. */
function textsAt(value: unknown, path: readonly string[]): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => textsAt(each, path));
  const [key, ...rest] = path;
  if (key === undefined) return typeof value === "string" ? [value] : [];
  return typeof value === "object" && value !== null ? textsAt((value as Record<string, unknown>)[key], rest) : [];
}

/** The question of a row by the names that are known; null if it has none of them. */
function guess(value: unknown): string[] | null {
  for (const column of COLUMNS) {
    for (const path of [[column], ...FIELDS.map((field) => [column, field])]) {
      const texts = textsAt(value, path);
      if (texts.length > 0) return texts;
    }
  }
  return null;
}

function noColumn(path: string, row: number, value: unknown, columns: readonly string[]): UsageError {
  const found = typeof value === "object" && value !== null ? Object.keys(value).join(", ") : typeof value;
  return new UsageError(`${path}:${row}: ${missing(columns)}; found ${found}`);
}

function missing(columns: readonly string[]): string {
  if (columns.length > 0)
    return `no text in ${columns.map((column) => `\`${column}\``).join(", ")}, which --column names`;
  return `none of the columns ${COLUMNS.join(", ")} has a text; name the one to compare with --column`;
}
