import { query } from "../../pipeline/files/duckdb.ts";
import { finishedManifest } from "../../pipeline/fingerprint.ts";
import { tableSql } from "../../pipeline/finished-run.ts";
import type { Run } from "../../pipeline/run-folder.ts";
import { flipped } from "../flip/artefacts.ts";
import { prepared } from "../prepare/artefacts.ts";
import { assigned } from "./artefacts.ts";
import type { SplitOptions } from "./options.ts";
import type { Weighed } from "./seed-sweep.ts";

/**
 * The users of a run with their conversations and samples: those that `flip` made or, before it, K + 1 for each
 * conversation of K user turns. Throws NotReadyError if `split` is not done.
 */
export async function weighUsers(run: Run, by: SplitOptions["by"]): Promise<Weighed[]> {
  const country = (table: string) => (by === "user-and-country" ? `${table}.country` : "NULL");
  const sql = `SELECT u.user_id, u.country, u.conversations, u."group", sum(n.samples)::INT AS samples
    FROM ${await tableSql(run, assigned.users)} u JOIN (${await samplesByUser(run)}) n
    ON u.user_id = n.user_id AND ${country("u")} IS NOT DISTINCT FROM ${country("n")} GROUP BY ALL`;
  const groups = new Map<string, number>();
  const users: Weighed[] = [];
  for await (const row of query(sql, run.folder)) {
    const { group, ...user } = row as Omit<Weighed, "group"> & { group: string | null };
    if (group !== null && !groups.has(group)) groups.set(group, groups.size);
    users.push({ ...user, group: group === null ? -1 : (groups.get(group) ?? -1) });
  }
  return users;
}

/** The samples of each conversation that was split, with its user and country, as SQL. */
async function samplesByUser(run: Run): Promise<string> {
  const isFlipped = (await finishedManifest(run, flipped.samples.stage)) !== null;
  const turns = "len(list_filter(c.turns, lambda t: t.role = 'user')) + 1";
  const made = isFlipped
    ? `(SELECT conversation_id, count(*) AS n FROM ${await tableSql(run, flipped.samples)} GROUP BY 1)`
    : null;
  return `SELECT coalesce(c.user_id, c.id) AS user_id, c.country, ${made ? "coalesce(f.n, 0)" : turns} AS samples
    FROM ${await tableSql(run, prepared.conversations)} c
    JOIN ${await tableSql(run, assigned.split_assignments)} p ON p.conversation_id = c.id
    ${made ? `LEFT JOIN ${made} f ON f.conversation_id = c.id` : ""}`;
}
