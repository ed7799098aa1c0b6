import { compare } from "../../pipeline/order.ts";
import type { Conversation, Turn } from "../../schemas/conversation.ts";
import type { Rejection } from "../../schemas/rejection.ts";
import type { PrepareOptions } from "./stage.ts";

/** What travels from `scatter` to `gather`: a conversation, or a rejection on its way to the shard of its id. */
export type Row = { c: Conversation; ended_at?: string | null } | { r: Rejection };
type Kept = Extract<Row, { c: Conversation }>;

/** A row as texts: what is no text of a turn as JSON, then the turns, whose roles follow from their order. */
export function packed(row: Row): string[] {
  if ("r" in row) return [JSON.stringify(row)];
  const { opening, turns, ...c } = row.c;
  return [JSON.stringify({ ...row, c }), ...turns.map(({ content }) => content)];
}

/** The row that was `packed`. */
export function unpacked([head = "", ...contents]: readonly string[]): Row {
  const row = JSON.parse(head) as Row;
  if ("r" in row) return row;
  const turns = contents.map((content, at): Turn => ({ role: at % 2 === 0 ? "user" : "assistant", content }));
  return { ...row, c: { ...row.c, opening: contents[0] ?? "", turns } };
}

/** A rejection by this stage. */
export function rejection(id: string, conversation_id: string | null, reason: string, detail: object): Rejection {
  return { id, conversation_id, stage: "prepare", reason, detail: JSON.stringify(detail) };
}

/**
 * Sorts a shard by id and decides which of equal ids stays: the earliest, then the one whose row is smallest as text.
 * `ends` says of each conversation when it ended.
 */
export function settle(
  records: Row[],
  options: PrepareOptions,
): { conversations: Conversation[]; ends: (string | null)[]; rejections: Rejection[] } {
  const rejections: Rejection[] = [];
  const found: Kept[] = [];
  for (const record of records) {
    if ("c" in record) found.push(record);
    else rejections.push(record.r);
  }
  found.sort(byIdAndTime);
  const conversations: Conversation[] = [];
  const ends: (string | null)[] = [];
  let repeat = 1;
  let first: Conversation | undefined;
  for (const { c: conversation, ended_at = null } of found) {
    repeat = conversation.id === first?.id ? repeat + 1 : 1;
    if (repeat === 1 || options.repeats === "keep") ends.push(ended_at);
    if (repeat === 1) {
      first = conversation;
      conversations.push(conversation);
    } else if (options.repeats === "keep") conversations.push({ ...conversation, id: `${conversation.id}#${repeat}` });
    else
      rejections.push(
        rejection(`${conversation.id}#${repeat}`, conversation.id, "repeated_id", {
          repeat,
          started_at: conversation.started_at,
        }),
      );
  }
  return { conversations, ends, rejections: withUniqueIds(rejections) };
}

function byIdAndTime(a: Kept, b: Kept): number {
  const first = compare(a.c.id, b.c.id) || compare(a.c.started_at ?? "~", b.c.started_at ?? "~");
  return first || compare(JSON.stringify(a.c), JSON.stringify(b.c)) || compare(a.ended_at ?? "~", b.ended_at ?? "~");
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
