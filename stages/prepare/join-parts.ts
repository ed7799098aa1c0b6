import { compare } from "../../pipeline/order.ts";
import type { Rejection } from "../../schemas/rejection.ts";
import { conversationId, type RawConversation } from "../sources/source.ts";
import type { ScatteredRow } from "./scattered-row.ts";

/** A conversation that was brought together, or a rejection in place of it. */
export type JoinedRow = { conversation: RawConversation } | { rejection: Rejection };

/**
 * Brings the rows of each conversation together: in the order of their numbers, else of their times, else as they come. A
 * conversation with a row that cannot be read leaves with that row's rejection: what is left of it is not what was said.
 * Rejections of no known conversation stay by themselves.
 */
export function joinParts(rows: Iterable<ScatteredRow>, source: string): JoinedRow[] {
  const parts = new Map<string, RawConversation[]>();
  const faults = new Map<string, Rejection>();
  const joined: JoinedRow[] = [];
  for (const row of rows) {
    if ("part" in row) {
      const id = conversationId(source, row.part.source_id);
      const known = parts.get(id);
      if (known) known.push(row.part);
      else parts.set(id, [row.part]);
    } else if ("rejection" in row) {
      const id = row.rejection.conversation_id;
      if (id === null) joined.push(row);
      else if (!faults.has(id)) faults.set(id, row.rejection);
    }
  }
  for (const rejection of faults.values()) joined.push({ rejection });
  for (const [id, own] of parts) if (!faults.has(id)) joined.push({ conversation: join(own) });
  return joined;
}

/** One conversation of its rows. Who the user is, where and in which language, is told by the first row of the user that does. */
function join(rows: readonly RawConversation[]): RawConversation {
  const parts = inOrder(rows);
  const users = parts.filter(({ turns }) => turns.some(({ role }) => role === "user"));
  const answers = parts.filter(({ turns }) => turns.some(({ role }) => role === "assistant"));
  const first = <K extends keyof RawConversation>(key: K, among: readonly RawConversation[]) =>
    [...among, ...parts].find((part) => part[key] !== null)?.[key] ?? null;
  const times = parts.flatMap(({ started_at }) => started_at ?? []).sort(compare);
  return {
    source_id: (parts[0] as RawConversation).source_id,
    user: first("user", users),
    country: first("country", users),
    language: first("language", users),
    model: first("model", answers),
    started_at: times[0] ?? null,
    ended_at: times.at(-1) ?? null,
    turns: parts.flatMap(({ turns }) => turns),
    redacted: null,
    toxic: null,
    counts: {
      times_not_read: parts.some(({ counts }) => counts?.["times_not_read"]) ? 1 : 0,
      conversations_in_order_of_files: parts.length === 1 || isOrdered(parts) ? 0 : 1,
      conversations_of_several_users: new Set(users.flatMap(({ user }) => user ?? [])).size > 1 ? 1 : 0,
    },
  };
}

function hasNumbers(parts: readonly RawConversation[]): boolean {
  return parts.every(({ turn }) => turn !== null && turn !== undefined);
}

function hasTimes(parts: readonly RawConversation[]): boolean {
  return parts.every(({ started_at }) => started_at !== null);
}

function isOrdered(parts: readonly RawConversation[]): boolean {
  return hasNumbers(parts) || hasTimes(parts);
}

/** Rows of the same number or time stay as they come: file after file by its path, row after row. */
function inOrder(parts: readonly RawConversation[]): RawConversation[] {
  const [byNumber, byTime] = [hasNumbers(parts), hasTimes(parts)];
  return parts.toSorted(
    (a, b) =>
      (byNumber ? (a.turn ?? 0) - (b.turn ?? 0) : 0) || (byTime ? compare(a.started_at ?? "", b.started_at ?? "") : 0),
  );
}
