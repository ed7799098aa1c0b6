import { fileLiteral, query } from "../../pipeline/files/duckdb.ts";

/** The languages of the conversations that have samples, as the source names them; those it does not name are left out. */
export async function languagesOf(conversations: readonly string[], samples: readonly string[]): Promise<string[]> {
  const table = (paths: readonly string[]) => `read_parquet([${paths.map(fileLiteral).join(", ")}])`;
  const sql = `SELECT DISTINCT language FROM ${table(conversations)}
    WHERE language IS NOT NULL AND id IN (SELECT conversation_id FROM ${table(samples)}) ORDER BY 1`;
  const found: string[] = [];
  for await (const row of query(sql, "conversations")) found.push((row as { language: string }).language);
  return found;
}
