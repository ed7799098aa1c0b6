/**
 * What can be measured of an intent without another model: how long it is, how much of it the user said, and whether it
 * gives away details. The paper's finding is that generic intents work best; nothing is dropped for it by default.
 */
import { wordsOf } from "../../pipeline/text/words.ts";
import type { Turn } from "../../schemas/conversation.ts";
import type { Intent } from "../../schemas/intent.ts";

/** The columns of an intent that are measured. */
export type Quality = Pick<Intent, "words" | "from_user" | "copied" | "specificity">;

/** From where on an intent is called a specified one. */
export interface SpecifiedRule {
  readonly intentPrefix: string;
  readonly specifiedCopy: number;
  readonly specifiedShare: number;
  /** Fewer content words than this tell nothing by their share: "translate a text" is generic though the user said both. */
  readonly specifiedWords: number;
}

/** Words without content of their own, and those that every intent has. */
const EMPTY = new Set(
  `a about after all also an and any are as at be been before but by can could do does for from get getting had has have
   help how i if in including information into is it its like make making more of on one or other our out provide related
   so some such than that the their them then there these they this those through to up use using various want was were
   what when where which while who why will with would you your`.split(/\s+/),
);

/** Measures an intent against the user's turns; nothing where there is no intent. */
export function measureIntent(intent: string | null, turns: readonly Turn[], rule: SpecifiedRule): Quality {
  if (intent === null) return { words: null, from_user: null, copied: null, specificity: null };
  const goal = intent.startsWith(rule.intentPrefix) ? intent.slice(rule.intentPrefix.length) : intent;
  const own = wordsOf(goal);
  const said = turns.filter(({ role }) => role === "user").map(({ content }) => wordsOf(content));
  const vocabulary = new Set(said.flat());
  const content = own.filter((word) => !EMPTY.has(word));
  const found = content.filter((word) => vocabulary.has(word)).length;
  const from_user = content.length === 0 ? null : Math.round((1000 * found) / content.length) / 1000;
  const copied = Math.max(0, ...said.map((words) => longestRun(own, words)));
  const parrots = content.length >= rule.specifiedWords && (from_user ?? 0) > rule.specifiedShare;
  const specificity = copied >= rule.specifiedCopy || parrots ? "specified" : "generic";
  return { words: wordsOf(intent).length, from_user, copied, specificity };
}

/** Words in the longest run that both have in the same order without a gap. */
export function longestRun(own: readonly string[], other: readonly string[]): number {
  const places = new Map<string, number[]>();
  for (const [at, word] of own.entries()) places.set(word, [...(places.get(word) ?? []), at]);
  let longest = 0;
  // run[at] = length of the common run that ends with own[at] and the word of `other` looked at last.
  let run = new Map<number, number>();
  for (const word of other) {
    const next = new Map<number, number>();
    for (const at of places.get(word) ?? []) {
      const length = (run.get(at - 1) ?? 0) + 1;
      next.set(at, length);
      if (length > longest) longest = length;
    }
    run = next;
  }
  return longest;
}
