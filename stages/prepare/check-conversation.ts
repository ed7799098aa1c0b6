import { quote } from "../../pipeline/files/duckdb.ts";
import { isEmpty } from "../../pipeline/text/white-space.ts";
import type { Turn } from "../../schemas/conversation.ts";
import { languageName } from "../sources/language.ts";
import type { RawConversation } from "../sources/source.ts";
import type { PrepareOptions } from "./options.ts";

/** Why a row can leave: the fixed words of this stage. Turns are judged one by one: the first faulty turn gives the reason. */
export const PREPARE_REASONS = [
  "schema",
  "too_large",
  "no_chosen_answer",
  "synthetic_user",
  "language",
  "toxic",
  "redacted",
  "no_turns",
  "unknown_role",
  "system_turn",
  "tool_turn",
  "broken_alternation",
  "no_user_text",
  "repeated_id",
] as const;
type Reason = (typeof PREPARE_REASONS)[number];

/** What `checkConversation` says of a conversation: its turns if it stays, else one reason and what was found. */
export type CheckedConversation = { turns: Turn[] } | { reason: Reason; detail: Record<string, unknown> };

/** Keeps conversations that a person plausibly wrote, in the wanted language; everything else leaves with one reason. */
export function checkConversation(raw: RawConversation, options: PrepareOptions): CheckedConversation {
  const { language, toxic, redacted } = raw;
  if (options.language !== "any") {
    const wanted = languageName(options.language);
    if (language === null && options.unknownLanguage === "drop")
      return { reason: "language", detail: { found: null, expected: wanted } };
    if (language !== null && languageName(language) !== wanted)
      return { reason: "language", detail: { found: language, expected: wanted } };
  }
  if (toxic && options.toxic === "drop") return { reason: "toxic", detail: {} };
  if (redacted && options.redacted === "drop") return { reason: "redacted", detail: {} };
  return checkTurns(options.roles === "repair" ? repair(raw.turns) : raw.turns);
}

/** The rows that `checkConversation` rejects without a look at their turns, as SQL over `language`, `toxic` and `redacted`; null = none. */
export function rejectedUnread(options: PrepareOptions): string | null {
  const { language, unknownLanguage, toxic, redacted } = options;
  const conditions: string[] = [];
  if (language !== "any") conditions.push(`language <> ${quote(languageName(language))}`);
  if (language !== "any" && unknownLanguage === "drop") conditions.push("language IS NULL");
  if (toxic === "drop") conditions.push("toxic");
  if (redacted === "drop") conditions.push("redacted");
  return conditions.length === 0 ? null : conditions.join(" OR ");
}

function checkTurns(turns: RawConversation["turns"]): CheckedConversation {
  if (turns.length === 0) return { reason: "no_turns", detail: {} };
  for (const [index, { role }] of turns.entries()) {
    if (role === "system") return { reason: "system_turn", detail: { message: index } };
    if (role === "tool") return { reason: "tool_turn", detail: { message: index } };
    if (role !== "user" && role !== "assistant")
      return { reason: "unknown_role", detail: { message: index, found: role, expected: "user or assistant" } };
    const expected = index % 2 === 0 ? "user" : "assistant";
    if (role !== expected) return { reason: "broken_alternation", detail: { message: index, found: role, expected } };
  }
  const kept = turns.map(({ role, content }) => ({ role, content: content.toWellFormed() }) as Turn);
  if (kept.every((turn) => turn.role === "assistant" || isEmpty(turn)))
    return { reason: "no_user_text", detail: { user_turns: Math.ceil(kept.length / 2) } };
  return { turns: kept };
}

/** Leaves out system and tool turns and assistant turns before the first user turn; joins neighbours of one role. */
function repair(turns: RawConversation["turns"]): RawConversation["turns"] {
  const repaired: { role: string; content: string }[] = [];
  for (const { role, content } of turns) {
    const last = repaired.at(-1);
    if (role === "system" || role === "tool" || (role === "assistant" && !last)) continue;
    if (last?.role === role) last.content = `${last.content}\n\n${content}`;
    else repaired.push({ role, content });
  }
  return repaired;
}
