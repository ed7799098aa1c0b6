import { controlTokens } from "../../pipeline/text/control-tokens.ts";
import { isEmpty } from "../../pipeline/text/white-space.ts";
import type { Conversation } from "../../schemas/conversation.ts";
import type { RawConversation, Unusable } from "../sources/source.ts";

/** Which chat template and tokenizer will be used is not known here. */
const CONTROLS = controlTokens();

/** Counts what is worth knowing about a conversation that stays. */
export function countsOf(
  raw: RawConversation | Unusable,
  conversation: Conversation,
  count: (name: string, by?: number) => void,
): void {
  count("empty_user_turns", conversation.turns.filter((turn) => turn.role === "user" && isEmpty(turn)).length);
  count("conversations_ending_with_user", conversation.turns.at(-1)?.role === "user" ? 1 : 0);
  count("conversations_of_unknown_language", conversation.language === null ? 1 : 0);
  count("conversations_without_user", conversation.user_id === null ? 1 : 0);
  count(
    "conversations_with_control_tokens",
    conversation.turns.some((turn) => CONTROLS.count(turn.content) > 0) ? 1 : 0,
  );
  if (!("turns" in raw)) return;
  count("conversations_with_broken_unicode", raw.turns.some((turn) => !turn.content.isWellFormed()) ? 1 : 0);
  for (const [name, by] of Object.entries(raw.counts ?? {})) count(name, by);
}

/** Counts by name; what is zero is not there. */
export function counter(): { counts: Record<string, number>; count: (name: string, by?: number) => void } {
  const counts: Record<string, number> = {};
  const count = (name: string, by = 1) => {
    if (by > 0) counts[name] = (counts[name] ?? 0) + by;
  };
  return { counts, count };
}
