import { createHash } from "node:crypto";
import { z } from "zod";
import { InputError, UsageError } from "../../../pipeline/errors.ts";
import { describeParquet, identifier, parquet, query } from "../../../pipeline/files/duckdb.ts";
import { parseLine, readLines } from "../../../pipeline/files/jsonl.ts";

/** One row of what somebody published. */
export interface Published {
  /** Id of the conversation; null = the row has none. */
  readonly id: string | null;
  /** sha256 (hex) of the first user turn's text without white space at its ends; null = the row has none. */
  readonly text: string | null;
  /** Null = the publisher has none for this conversation. */
  readonly intent: string | null;
  /** Model that wrote it, where that is said. */
  readonly model: string | null;
}

/** What a column can hold. */
export const ROLES = ["id", "text", "text_sha256", "intent", "model"] as const;
type Role = (typeof ROLES)[number];

/** Which column holds what, where it is not called by a known name. */
export type ImportColumns = Partial<Record<Role, string | undefined>>;

/** Known names, in the order in which they are looked for. */
const KNOWN: Record<Role, readonly string[]> = {
  id: ["conversation_id", "conversation_hash", "id"],
  text: ["opening", "opening_prompt", "first_prompt", "first_user_turn", "prompt"],
  text_sha256: ["opening_sha256", "text_sha256"],
  intent: ["intent"],
  model: ["intent_model"],
};

const text = z.string().nullish();
const Row = z.object({
  id: z.union([z.string(), z.int().transform(String)]).nullish(),
  text,
  text_sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/i)
    .nullish(),
  intent: text,
  model: text,
});

/**
 * The rows of one file, Parquet or JSONL (plain, `.gz` or `.zst`). Memory: one batch.
 * Throws UsageError if a column that is needed is not there, InputError at the first row that cannot be read.
 */
export async function* readPublished(
  path: string,
  columns: ImportColumns,
  signal: AbortSignal,
): AsyncGenerator<Published> {
  if (/\.parquet$/i.test(path)) {
    const names = await parquetColumns(path, columns);
    const cells = names.map(([role, name]) => `${identifier(name)}${role === "id" ? "::VARCHAR" : ""} AS ${role}`);
    let number = 0;
    for await (const row of query(`SELECT ${cells.join(", ")} FROM ${parquet(path)}`, path, signal))
      yield published(row, `${path}: row ${++number}`);
    return;
  }
  if (!/\.(jsonl|ndjson|json)(\.gz|\.zst)?$/i.test(path))
    throw new UsageError(`--import ${path}: expected a name that ends in .parquet, .jsonl, .jsonl.gz or .jsonl.zst`);
  for await (const line of readLines(path, signal)) {
    const place = `${path}:${line.number}`;
    const row = lineObject(line, place);
    const names = columnsIn((name) => Object.hasOwn(row, name), columns);
    requireColumns(names, Object.keys(row), columns, place);
    yield published(Object.fromEntries(names.map(([role, name]) => [role, row[name]])), place);
  }
}

async function parquetColumns(path: string, columns: ImportColumns): Promise<[Role, string][]> {
  const there = await describeParquet(path);
  const names = columnsIn((name) => there.has(name), columns);
  requireColumns(names, [...there.keys()], columns, path);
  return names;
}

/** The column of each role that has one. flipturn's own `model` is that of the intent only beside its prompt's version. */
function columnsIn(has: (name: string) => boolean, columns: ImportColumns): [Role, string][] {
  const known = { ...KNOWN, ...(has("prompt_version") && { model: ["model"] }) };
  return ROLES.flatMap((role): [Role, string][] => {
    const given = columns[role];
    const found = given === undefined ? known[role].find(has) : has(given) ? given : undefined;
    return found === undefined ? [] : [[role, found]];
  });
}

function requireColumns(
  names: readonly [Role, string][],
  there: readonly string[],
  columns: ImportColumns,
  place: string,
): void {
  const roles = new Set(names.map(([role]) => role));
  const lost = ROLES.find((role) => columns[role] !== undefined && !roles.has(role));
  const advice = `found ${there.join(", ")}; name them with --set intents.importColumns=id=…,intent=…`;
  if (lost) throw new UsageError(`${place}: no column ${columns[lost]} (${lost}); ${advice}`);
  if (!roles.has("intent")) throw new UsageError(`${place}: no column with the intent; ${advice}`);
  if (!roles.has("id") && !roles.has("text") && !roles.has("text_sha256"))
    throw new UsageError(
      `${place}: no column with the conversation's id, its first turn or the sha256 of it; ${advice}`,
    );
}

function lineObject(line: Parameters<typeof parseLine>[0], place: string): Record<string, unknown> {
  let row: unknown;
  try {
    row = parseLine(line);
  } catch (cause) {
    throw new InputError(`${place}: expected one JSON object on the line: ${(cause as Error).message}`, { cause });
  }
  if (typeof row === "object" && row !== null && !Array.isArray(row)) return row as Record<string, unknown>;
  throw new InputError(`${place}: expected one JSON object on the line, found ${JSON.stringify(row).slice(0, 60)}`);
}

function published(row: unknown, place: string): Published {
  const parsed = Row.safeParse(row);
  if (!parsed.success) throw new InputError(`${place}: not a published intent: ${z.prettifyError(parsed.error)}`);
  const { id, text: opening, text_sha256, intent, model } = parsed.data;
  return {
    id: id || null,
    text: text_sha256?.toLowerCase() ?? (opening?.trim() ? textHash(opening) : null),
    intent: intent?.trim() ? intent : null,
    model: model ?? null,
  };
}

/** What a first turn's text is known by: white space at its ends is left out of it, since publishers trim. */
export function textHash(opening: string): string {
  return sha256(opening.trim().toWellFormed());
}

/** sha256 (hex) of a text. */
export function sha256(value: string): string {
  return createHash("sha256").update(value).digest("hex");
}
