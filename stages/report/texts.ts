import { query, quote } from "../../pipeline/files/duckdb.ts";
import type { Turn } from "../../schemas/conversation.ts";
import { octave } from "./bins.ts";
import type { Bin } from "./report.ts";

/** What a report takes from the texts of the conversations. */
export interface Texts {
  /** Characters of each turn, by role. */
  readonly lengths: readonly Bin[];
  /** The turns of a conversation that was asked for; none of one that `prepare` did not keep. */
  of(id: string): readonly Turn[];
  /** How it began; null = not known. */
  opening(id: string | null): string | null;
}

/** Reads all texts once: unpacking them is most of what a report costs. Memory: the engine's row group and the wanted ones. */
export async function readTexts(conversations: string, wanted: readonly string[]): Promise<Texts> {
  const isWanted = wanted.length === 0 ? "false" : `id IN (${wanted.map(quote).join(", ")})`;
  const sql = `SELECT (${octave("t.size")})::BIGINT::DOUBLE AS "from", t.role AS kind, count(*)::DOUBLE AS count,
      list({id: id, turns: turns}) FILTER (t.is_first AND ${isWanted}) AS wanted
    FROM (SELECT unnest(list_transform(turns, lambda t, number: {role: t.role, size: length(t.content), is_first: number = 1})) AS t, id, turns
      FROM ${conversations}) GROUP BY ALL ORDER BY ALL`;
  const lengths: Bin[] = [];
  const found = new Map<string, readonly Turn[]>();
  for await (const row of query(sql, "conversations")) {
    const { wanted, ...bin } = row as Bin & { wanted: { id: string; turns: Turn[] }[] | null };
    lengths.push(bin);
    for (const { id, turns } of wanted ?? []) found.set(id, turns);
  }
  const of = (id: string) => found.get(id) ?? [];
  const opening = (id: string | null) => of(id ?? "").find(({ role }) => role === "user")?.content ?? null;
  return { lengths, of, opening };
}
