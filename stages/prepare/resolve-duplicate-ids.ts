import { compare } from "../../pipeline/order.ts";
import type { Conversation } from "../../schemas/conversation.ts";
import type { Rejection } from "../../schemas/rejection.ts";
import type { PrepareOptions } from "./options.ts";
import { type JudgedRow, type KeptRow, rejectionOf } from "./scattered-row.ts";

/** Sorts a shard by id and decides which of equal ids stays: the earliest, then the one whose row is smallest as text. */
export function resolveDuplicateIds(
  rows: Iterable<JudgedRow>,
  options: Pick<PrepareOptions, "repeats">,
): { kept: KeptRow[]; rejections: Rejection[] } {
  const rejections: Rejection[] = [];
  const found: KeptRow[] = [];
  for (const row of rows) {
    if ("rejection" in row) rejections.push(row.rejection);
    else found.push(row);
  }
  found.sort(byIdAndTime);
  const kept: KeptRow[] = [];
  let repeat = 1;
  let first: Conversation | undefined;
  for (const row of found) {
    const { conversation } = row;
    repeat = conversation.id === first?.id ? repeat + 1 : 1;
    if (repeat === 1) {
      first = conversation;
      kept.push(row);
      continue;
    }
    const id = `${conversation.id}#${repeat}`;
    if (options.repeats === "keep") kept.push({ ...row, conversation: { ...conversation, id } });
    else {
      const detail = { repeat, started_at: conversation.started_at };
      rejections.push(rejectionOf(id, conversation.id, "repeated_id", detail));
    }
  }
  return { kept, rejections: withUniqueIds(rejections) };
}

function byIdAndTime(a: KeptRow, b: KeptRow): number {
  const [one, other] = [a.conversation, b.conversation];
  const first = compare(one.id, other.id) || compare(one.started_at ?? "~", other.started_at ?? "~");
  return first || compare(JSON.stringify(one), JSON.stringify(other)) || compare(a.ended_at ?? "~", b.ended_at ?? "~");
}

/** Rejections sorted, those with an id that was there before under `<id>~2` and so on. */
function withUniqueIds(rejections: readonly Rejection[]): Rejection[] {
  const seen = new Map<string, number>();
  const sorted = rejections.toSorted(
    (a, b) => compare(a.id, b.id) || compare(a.reason, b.reason) || compare(a.detail, b.detail),
  );
  return sorted.map((each) => {
    const number = (seen.get(each.id) ?? 0) + 1;
    seen.set(each.id, number);
    return number === 1 ? each : { ...each, id: `${each.id}~${number}` };
  });
}
