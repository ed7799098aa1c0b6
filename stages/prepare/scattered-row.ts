import type { Conversation, Turn } from "../../schemas/conversation.ts";
import type { Rejection } from "../../schemas/rejection.ts";
import type { RawConversation } from "../sources/source.ts";
import { prepared } from "./artefacts.ts";

/** A conversation that is to stay, with the time of its last turn (null = not known). */
export type KeptRow = { conversation: Conversation; ended_at: string | null };

/** What is known of a row by itself: a conversation that stays, or a rejection. */
export type JudgedRow = KeptRow | { rejection: Rejection };

/** What travels from `scatter` to `gather`, on its way to the shard of its id: that, or a part of a conversation of several rows. */
export type ScatteredRow = JudgedRow | { part: RawConversation };

/** A row as texts: what is no text of a turn as JSON, then the turns, whose roles follow from their order. */
export function textsOf(row: ScatteredRow): string[] {
  if ("rejection" in row || "part" in row) return [JSON.stringify(row)];
  const { opening, turns, ...conversation } = row.conversation;
  return [JSON.stringify({ ...row, conversation }), ...turns.map(({ content }) => content)];
}

/** The row with these texts. */
export function rowFrom([head = "", ...contents]: readonly string[]): ScatteredRow {
  const row = JSON.parse(head) as ScatteredRow;
  if ("rejection" in row || "part" in row) return row;
  const turns = contents.map((content, index): Turn => ({ role: index % 2 === 0 ? "user" : "assistant", content }));
  return { ...row, conversation: { ...row.conversation, opening: contents[0] ?? "", turns } };
}

/** A rejection by this stage. */
export function rejectionOf(id: string, conversation_id: string | null, reason: string, detail: object): Rejection {
  return { id, conversation_id, stage: prepared.rejections.stage, reason, detail: JSON.stringify(detail) };
}
