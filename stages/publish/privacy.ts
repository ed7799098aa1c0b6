/** What is changed in a row before it is published: whose it is, where from, and what personal data it spells out. */
import { keyed } from "../../pipeline/hash.ts";
import type { Pii } from "./pii/find-pii.ts";

/** What a value that too few users have is called. */
const OTHER = "other";

/** Columns that tell something of a user that few may have. */
export const SHARED_COLUMNS = ["country", "language", "model"] as const;
/** One of them. */
export type SharedColumn = (typeof SHARED_COLUMNS)[number];

/** The users who have each value of a column. */
export type UsersByValue = ReadonlyMap<string, ReadonlySet<string>>;

/** Values of a column that are not published, and what stands in their place; null = nothing, since all of them together are too few. */
export interface Rare {
  readonly values: ReadonlySet<string>;
  readonly name: string | null;
}

/** Columns that hold no text of people. */
const NO_TEXT: ReadonlySet<string> = new Set(
  "id conversation_id source split kind language country model user_id ids".split(" "),
);

/** Words in column names that nothing published may have: raw addresses, headers, places and precise times. */
const PRIVATE = /(^|_)(ip|hashed_ip|header|headers|state|city|time|timestamp|started_at|ended_at)($|_)/;

/** The columns that must not be published. */
export function privateColumns(columns: readonly string[]): string[] {
  return columns.filter((column) => PRIVATE.test(column));
}

/**
 * The values that too few users have to be published: those with fewer than `least`, and the next smallest ones if all of
 * these together are still fewer, so that what they are called names nobody either. What is not known stays so.
 */
export function rareValues(users: UsersByValue, least: number): Rare {
  const values = new Set<string>();
  let others: ReadonlySet<string> = new Set<string>();
  for (const [value, own] of [...users].sort((a, b) => a[1].size - b[1].size || (a[0] < b[0] ? -1 : 1))) {
    if (own.size >= least && (values.size === 0 || others.size >= least)) break;
    values.add(value);
    others = new Set([...others, ...own]);
  }
  return { values, name: others.size >= least ? OTHER : null };
}

/** How rows become fit to be published. */
export interface Privacy {
  /** Secret that ids are keyed with anew. */
  readonly key: string;
  /** Ids of conversations: those of the source, or keyed as those of users are. */
  readonly ids: "keep" | "key";
  readonly rare: Readonly<Record<SharedColumn, Rare>>;
  /** Personal data by conversation, to be masked or, with `block`, reason enough to leave the conversation out. */
  readonly found: ReadonlyMap<string, readonly Pii[]>;
  readonly pii: "mask" | "block" | "allow";
}

/** The row as it is published; null = it is not. */
export function publicRow(row: Readonly<Record<string, unknown>>, privacy: Privacy): Record<string, unknown> | null {
  const { user_id, conversation_id } = row;
  const found = privacy.found.get(String(conversation_id)) ?? [];
  if (privacy.pii === "block" && found.length > 0) return null;
  const open: Record<string, unknown> = {
    ...row,
    ...(typeof user_id === "string" && { user_id: keyed(privacy.key, user_id).slice(0, 32) }),
    ...(privacy.ids === "key" && keyedIds(row, privacy.key)),
  };
  for (const column of SHARED_COLUMNS) {
    const { values, name } = privacy.rare[column];
    if (values.has(row[column] as string)) open[column] = name;
  }
  return privacy.pii === "mask" && found.length > 0 ? masked(open, found) : open;
}

/** Ids of conversations, and those of rows, which begin with them, without what the source calls them. */
function keyedIds({ id, ids, conversation_id }: Readonly<Record<string, unknown>>, key: string): object {
  const conversation = (own: string) => `${own.slice(0, own.indexOf(":"))}:${keyed(key, own).slice(0, 32)}`;
  const sample = (own: string) =>
    `${conversation(own.slice(0, own.lastIndexOf(":")))}${own.slice(own.lastIndexOf(":"))}`;
  return {
    ...(typeof id === "string" && { id: sample(id) }),
    ...(Array.isArray(ids) && { ids: ids.map(sample) }),
    ...(typeof conversation_id === "string" && { conversation_id: conversation(conversation_id) }),
  };
}

/** The row with `[email]`, `[phone]`, … in place of what was found, wherever text of people stands in it. */
function masked(row: Record<string, unknown>, found: readonly Pii[]): Record<string, unknown> {
  const longest = [...found].sort((a, b) => b.text.length - a.text.length);
  const mask = (value: unknown): unknown => {
    if (typeof value === "string") return maskText(value, longest);
    if (Array.isArray(value)) return value.map(mask);
    if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, mask(each)]));
  };
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, NO_TEXT.has(name) ? value : mask(value)]),
  );
}

function maskText(text: string, longest: readonly Pii[]): string {
  return longest.reduce((left, { kind, text: found }) => left.replaceAll(found, `[${kind}]`), text);
}
