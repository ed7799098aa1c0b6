import type { z } from "zod";
import type { Task } from "../../../pipeline/task.ts";
import { Trait } from "../../../schemas/group-keys.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import type { Rejection } from "../../../schemas/rejection.ts";
import type { DedupOptions } from "../stage.ts";
import { writeEndings } from "./end-labels.ts";
import { dropped, sift } from "./match-templates.ts";
import { KeyRow, MemberRow } from "./near.ts";

type Member = z.infer<typeof MemberRow>;

/** Writes the rejections of a shard, and the traits of the conversations that stay. */
export async function drop(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const { rejections, templates, items } = await sift(task);
  const members = new Map<number, Member>();
  for await (const member of task.read("dedup", "members", MemberRow)) members.set(member.row, member);
  const left: Rejection[] = [];
  let row = 0;
  async function* traits(): AsyncGenerator<Trait> {
    for await (const { id, opening_key } of task.read("dedup", "keys", KeyRow)) {
      const member = members.get(row++);
      const rejection = rejections.get(id) ?? nearDuplicate(id, member, task.options);
      if (rejection) left.push(rejection);
      else
        yield {
          conversation_id: id,
          opening_key,
          template: templates.get(id) ?? null,
          cluster: member?.cluster ?? null,
          evaluation_item: items.get(id) ?? null,
        };
    }
  }
  const kept = await task.write("traits", Trait, traits());
  const rejected = await task.writeRejections(left);
  await writeEndings(task, new Set(left.map((each) => each.id)));
  return { taken: row, in: row, kept, rejected };
}

/** The rejection of a conversation that is in a cluster and not the one of it that stays; null if it is to stay. */
function nearDuplicate(id: string, member: Member | undefined, options: DedupOptions): Rejection | null {
  if (options.nearDuplicates !== "drop" || !member || member.survivor === id) return null;
  return dropped(id, "near_duplicate", { cluster: member.cluster, survivor: member.survivor });
}
