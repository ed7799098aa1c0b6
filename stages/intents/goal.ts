/**
 * What begins as an intent and is none. A conversation is text of strangers, and a model may obey it where it should
 * describe it: what comes out then is a link, code, an order to its reader, or what the conversation told it to say. Only
 * what no goal of a person looks like is found: a false goal in plain words passes.
 */
import type { Turn } from "../../schemas/conversation.ts";

/** What can be wrong with what follows the fixed beginning. */
export type GoalFault = "no_goal" | "link" | "markup" | "order" | "dictated";

/** A web address, the end of a Markdown link, an e-mail address. No part can be tried twice: an answer may be long. */
const LINK = /\bhttps?:\/\/|\bwww\.\w|\]\(|[\w+-]@[\w-]+\.[a-z]{2}/i;
/** Fences, ends of tags and tags that act or tell of a role, control tokens, the beginning of JSON, letters that got lost on the way. `<div>` may be a topic. */
const MARKUP =
  /```|<\/|<\||<(?:script|img|iframe|svg|system|user|assistant)\b|\[\/?INST\]|\{\s*["']|\uFFFD|(?!\s)\p{Cc}/iu;
/** Where a sentence begins, an order to leave what was said. "To make the model ignore its rules" is a goal of many people. */
const OVERRIDE =
  /(?:^|[.!?:;]\s+["“'(]*)(?:ignore|disregard|forget)\b.{0,20}\b(?:previous|prior|earlier|preceding|above)\b/i;
/** A later sentence that sends its reader somewhere: a goal may be to call or to pay, but then it stands in the first one. */
const ERRAND = /[.!?]\s+["“'(]*(?:Click|Visit|Send|Transfer|Pay|Buy|Call|Download)\b/;
/** A cry of capitals. */
const CRY = /^\P{L}*\p{Lu}{4,}(?![\p{L}\p{N}-])/u;
/** Words that no verb phrase begins with. */
const NO_VERB = new Set(
  `a an the this that these those i you we he she it they my your his her our their yes okay sure sorry hello hi`.split(
    " ",
  ),
);
/** A word for answering, and in the same sentence a colon or quote right before what is to be answered. */
const DICTATION =
  /(?:(?<!\p{L})(?:answer|say|said|speak|reply|replies|respon|write|output|print|repeat|copy|summar|word|sentence|line|répon|écri|antwort|schreib|sag|respuesta|escrib|responda)|ответ|напиши|скажи|回答|输出|说|اكتب|أجب)[^.!?]{0,60}[:：«“"'‘「]\s*$/iu;

/** What is wrong with the goal of an intent with this beginning; null = nothing that can be seen. `turns`: its conversation. */
export function goalFault(intent: string, prefix: string, turns: readonly Turn[]): GoalFault | null {
  const goal = intent.slice(prefix.length).trim();
  if (isNoGoal(goal, prefix)) return "no_goal";
  if (LINK.test(goal)) return "link";
  if (MARKUP.test(goal)) return "markup";
  if (OVERRIDE.test(goal) || ERRAND.test(goal)) return "order";
  return isDictated(goal, prefix, turns) ? "dictated" : null;
}

/** Nothing in letters or, after a beginning that ends in "to", something that is no verb: an article, a greeting, a cry. */
function isNoGoal(goal: string, prefix: string): boolean {
  if (!/\p{L}/u.test(goal)) return true;
  if (!/\bto$/i.test(prefix.trim())) return false;
  const first = /\p{L}[^\s,.!?;:"'”’]*/u.exec(goal)?.[0] ?? "";
  return NO_VERB.has(first.toLowerCase()) || CRY.test(goal);
}

/** Letters of a goal that are looked for in its conversation: more than any sentence of one has in common by chance. */
const SOUGHT = 500;

/** True if a turn has the whole intent, its beginning included, or its goal where it says what to answer. */
function isDictated(goal: string, prefix: string, turns: readonly Turn[]): boolean {
  const sought = new RegExp(loosely(goal.replace(/[.!?"'”’»]{1,3}$/, "").slice(0, SOUGHT)), "gi");
  const beginning = new RegExp(`${loosely(prefix)}\\s*$`, "i");
  return turns.some(({ content }) =>
    [...content.matchAll(sought)].some(({ index }) => {
      const before = content.slice(Math.max(0, index - 2 * prefix.length - 80), index);
      return beginning.test(before) || DICTATION.test(before);
    }),
  );
}

/** The pattern of a text, whatever white space is between its words. */
export function loosely(text: string): string {
  return text
    .split(/\s+/)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("\\s+");
}
