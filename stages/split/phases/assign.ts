import type { Task } from "../../../pipeline/task.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import { deduplicated } from "../../dedup/artefacts.ts";
import { prepared } from "../../prepare/artefacts.ts";
import { assigned } from "../artefacts.ts";
import type { SplitOptions } from "../options.ts";

/** The split of each conversation of a shard that `dedup` kept: the engine joins them with all users, and reads no text. */
export async function assign(task: Task<SplitOptions>): Promise<Partial<Tally>> {
  const sameCountry = task.options.by === "user-and-country" ? "AND u.country IS NOT DISTINCT FROM c.country" : "";
  const kept = (await task.rowsByShard(deduplicated.group_keys))[task.index] ?? 0;
  // The engine's numbers of rows keep the order of the shard, which is that of code units and not the engine's own.
  const sql = `SELECT k.conversation_id, u.split
    FROM (SELECT *, file_row_number AS place FROM ${await task.table(deduplicated.group_keys)}) k
    JOIN ${await task.table(prepared.conversations)} c ON c.id = k.conversation_id
    JOIN ${await task.table(assigned.users)} u ON u.user_id = coalesce(c.user_id, c.id) ${sameCountry}
    ORDER BY k.place`;
  const written = await task.copy(assigned.split_assignments, sql);
  if (written !== kept) throw new Error(`shard ${task.index}: ${kept} conversations, but ${written} have a split`);
  return {};
}
