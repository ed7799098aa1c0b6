import { keyed } from "../../pipeline/hash.ts";
import type { Rejection } from "../../schemas/rejection.ts";
import { conversationId, type RawConversation, type Unusable } from "../sources/source.ts";
import { checkConversation } from "./check-conversation.ts";
import type { PrepareOptions } from "./options.ts";
import type { BadRow } from "./rows.ts";
import { type JudgedRow, rejectionOf } from "./scattered-row.ts";

/** A row of one source as a conversation in the common shape, or as its rejection. `userKey` is the key that user ids are hashed with. */
export function recordOf(
  raw: RawConversation | Unusable,
  source: string,
  options: PrepareOptions,
  userKey: string,
): JudgedRow {
  const id = conversationId(source, raw.source_id);
  const reject = (reason: string, detail: object) => ({ rejection: rejectionOf(id, id, reason, detail) });
  if ("reason" in raw) return reject(raw.reason, raw.detail);
  const verdict = checkConversation(raw, options);
  if ("reason" in verdict) return reject(verdict.reason, verdict.detail);
  const { source_id, country, language, model, started_at, redacted, toxic } = raw;
  const user_id = raw.user ? keyed(userKey, raw.user).slice(0, 32) : null;
  const opening = verdict.turns[0]?.content ?? "";
  return {
    conversation: {
      id,
      source,
      source_id,
      user_id,
      country: country || null,
      language,
      model,
      started_at,
      opening,
      turns: verdict.turns,
      redacted,
      toxic,
    },
    ended_at: raw.ended_at ?? null,
  };
}

/** The rejection of a row that is not what its source's rows are, or too large. */
export function rejectionOfBadRow(bad: BadRow, source: string): Rejection {
  const { reason, file, row, source_id, ...found } = bad;
  const conversation = source_id === null ? null : conversationId(source, source_id);
  return rejectionOf(`${file}:${row}`, conversation, reason, { file, row, ...found });
}
