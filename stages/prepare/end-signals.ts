import { textKey } from "../../pipeline/text/text-key.ts";
import { isEmpty } from "../../pipeline/text/white-space.ts";
import { wordsOf } from "../../pipeline/text/words.ts";
import type { Conversation, Turn } from "../../schemas/conversation.ts";
import type { EndSign, EndSignals } from "../../schemas/end-signals.ts";

/** A last user turn of more words than this, or one that asks something, is a request that happens to hold a thanks. */
const MOST_WORDS = 12;
const ASKS = /[?？؟]/;

/** Ways to thank or to leave, in the languages that WildChat has most of. */
const THANKS =
  /(?<![\p{L}\p{N}])(thanks|thank you|thank u|thx|tysm|cheers|much appreciated|bye|goodbye|good night|see you|that'?s all|that is all|gracias|adi[oó]s|merci|au revoir|danke|tsch[uü]ss|obrigad[oa]|grazie|ciao|спасибо|пока|до свидания)(?![\p{L}\p{N}])|谢谢|再见|ありがとう|さようなら|감사합니다|고마워/iu;

/** How answers begin that refuse. Only the first 200 characters are looked at: later on it is a caveat. */
const REFUSAL =
  /(?:^|[.!,]\s*|but )(?:as an ai(?: language model)?,? )?(?:i(?:'|’)?m|i am) (?:sorry|unable|not able)\b(?=[^.]{0,120}\b(?:can(?:'|’)?t|cannot|unable|not able|won(?:'|’)?t|not (?:appropriate|comfortable)))|^(?:i(?:'|’)?m sorry,? but )?(?:as an ai(?: language model)?,? )?i (?:can(?:'|’)?t|cannot|can not|won(?:'|’)?t|am unable to|am not able to|must decline|will not) /i;

/** What follows on a refusal that is none: the answer comes all the same. */
const ANSWERS = /\bhowever\b|\bbut i can\b(?! ?not|(?:'|’)t)/i;

/** What can be seen at the end of a conversation by itself. */
export function signsOf(turns: readonly Turn[]): EndSign[] {
  const last = turns.at(-1);
  const said = turns.findLast((turn) => turn.role === "user")?.content ?? "";
  const signs: EndSign[] = [];
  if (last?.role === "user") signs.push("unanswered");
  if (last?.role === "assistant" && isEmpty(last)) signs.push("empty_answer");
  const isShort = wordsOf(said).length <= MOST_WORDS;
  if (isShort && THANKS.test(said) && !ASKS.test(said)) signs.push("thanks");
  const head = last?.role === "assistant" ? last.content.trimStart().slice(0, 200) : "";
  if (REFUSAL.test(head) && !ANSWERS.test(head)) signs.push("refusal");
  return signs;
}

/** How a conversation ends. `ended_at`: when its last turn came, null = not known. */
export function endSignalsOf(conversation: Conversation, ended_at: string | null): EndSignals {
  const { id, user_id, started_at, opening, turns } = conversation;
  const said = turns.findLast((turn) => turn.role === "user")?.content ?? "";
  const opening_key = textKey(opening);
  return {
    conversation_id: id,
    user_id,
    started_at,
    ended_at,
    opening_key,
    last_key: said === opening ? opening_key : textKey(said),
    signs: signsOf(turns),
  };
}
