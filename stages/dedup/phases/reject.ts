import type { Task } from "../../../pipeline/task.ts";
import type { GroupKeys } from "../../../schemas/group-keys.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import type { Rejection } from "../../../schemas/rejection.ts";
import { prepared } from "../../prepare/artefacts.ts";
import { deduplicated, type Member } from "../artefacts.ts";
import type { DedupOptions } from "../options.ts";
import { writeEndLabels } from "./end-labels.ts";
import { matchTemplates, rejectionOf } from "./match-templates.ts";

/** Writes the rejections of a shard and, of the conversations that stay, their group keys and end labels. */
export async function reject(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const { rejections, templates, items } = await matchTemplates(task);
  const members = new Map<number, Member>();
  for await (const member of task.read(deduplicated.members)) members.set(member.row, member);
  const left: Rejection[] = [];
  let row = 0;
  async function* groupKeys(): AsyncGenerator<GroupKeys> {
    const all = task.read(prepared.end_signals, ["conversation_id", "opening_key"]);
    for await (const { conversation_id, opening_key } of all) {
      const member = members.get(row++);
      const rejection = rejections.get(conversation_id) ?? nearDuplicate(conversation_id, member, task.options);
      if (rejection) left.push(rejection);
      else
        yield {
          conversation_id,
          opening_key,
          template: templates.get(conversation_id) ?? null,
          cluster: member?.cluster ?? null,
          evaluation_item: items.get(conversation_id) ?? null,
        };
    }
  }
  const kept = await task.write(deduplicated.group_keys, groupKeys());
  const rejected = await task.reject(left);
  await writeEndLabels(task, new Set(left.map(({ id }) => id)));
  return { taken: row, in: row, kept, rejected };
}

/** The rejection of a conversation that is in a cluster and not the one of it that stays; null if it is to stay. */
function nearDuplicate(id: string, member: Member | undefined, options: DedupOptions): Rejection | null {
  if (options.nearDuplicates !== "drop" || !member || member.survivor === id) return null;
  return rejectionOf(id, "near_duplicate", { cluster: member.cluster, survivor: member.survivor });
}
