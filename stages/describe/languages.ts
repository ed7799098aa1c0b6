import { query } from "../../pipeline/files/duckdb.ts";

/**
 * The languages of the conversations that have samples, as the source names them; those it does not name are left out.
 * Both tables are given as SQL.
 */
export async function languagesOf(conversations: string, samples: string): Promise<string[]> {
  const sql = `SELECT DISTINCT language FROM ${conversations}
    WHERE language IS NOT NULL AND id IN (SELECT conversation_id FROM ${samples}) ORDER BY 1`;
  const found: string[] = [];
  for await (const row of query(sql, "conversations")) found.push((row as { language: string }).language);
  return found;
}
