/** What is changed in a row before it is published: whose it is, where from, and what personal data it spells out. */
import { keyed } from "../../pipeline/hash.ts";
import type { Pii } from "./pii/find-pii.ts";

/** What a country with too few users is called. */
const OTHER = "other";

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
 * The countries to be called `other`, by their users: those with fewer than `least`, and the next smallest ones if all of
 * these together are still fewer, so that `other` names nobody either. What is not known stays so.
 */
export function rareCountries(users: ReadonlyMap<string, ReadonlySet<string>>, least: number): Set<string> {
  const rare = new Set<string>();
  let others: ReadonlySet<string> = new Set<string>();
  for (const [country, own] of [...users].sort((a, b) => a[1].size - b[1].size || (a[0] < b[0] ? -1 : 1))) {
    if (own.size >= least && (rare.size === 0 || others.size >= least)) break;
    rare.add(country);
    others = new Set([...others, ...own]);
  }
  return rare;
}

/** How rows become fit to be published. */
export interface Privacy {
  /** Secret that user ids are keyed with anew. */
  readonly key: string;
  readonly rare: ReadonlySet<string>;
  /** Personal data by conversation, to be masked or, with `block`, reason enough to leave the conversation out. */
  readonly found: ReadonlyMap<string, readonly Pii[]>;
  readonly pii: "mask" | "block" | "allow";
}

/** The row as it is published; null = it is not. */
export function publicRow(row: Readonly<Record<string, unknown>>, privacy: Privacy): Record<string, unknown> | null {
  const { user_id, country, conversation_id } = row;
  const found = privacy.found.get(String(conversation_id)) ?? [];
  if (privacy.pii === "block" && found.length > 0) return null;
  const open = {
    ...row,
    ...(typeof user_id === "string" && { user_id: keyed(privacy.key, user_id).slice(0, 32) }),
    ...(typeof country === "string" && privacy.rare.has(country) && { country: OTHER }),
  };
  return privacy.pii === "mask" && found.length > 0 ? masked(open, found) : open;
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
