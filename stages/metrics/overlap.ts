/**
 * Overlap of what users say with the intent, in percent: the mean over user turns of how much of one is in the other.
 * The paper reports one number without its formula, so this is the family of plausible ones.
 */
import type { MetricOf, Observations, Score } from "./metric.ts";
import { contentWords, ngrams, STOP_WORDS } from "./words.ts";

/** How much of the intent users repeat. */
export const intentOverlap: MetricOf<"dialogue"> = {
  name: "intent_overlap",
  of: "dialogue",
  title: "Overlap of user turns with the intent",
  formula:
    "**Intent overlap** is the mean over user turns of the share of 1-grams in common with the intent, its fixed beginning taken off: of the turn's, of the intent's, or of all.",
  explanation:
    "Mean over user turns, in percent, stop words left out of both. `per_user_word`: share of a turn's different n-grams that the intent has; `per_intent_word`: share of the intent's that the turn has; `jaccard`: shared ones of all. With and without the words that every intent begins with.",
  appendix: `Stop words, left out of overlap: ${[...STOP_WORDS].join(" ")}.`,
  published: { metric: "overlap", people: 1.68 },
  isMain: ({ variant }) => variant.endsWith("/1-gram/no_prefix"),
  start: ({ intentPrefix }) => new Overlaps(intentPrefix),
};

/** What the shared n-grams of a user turn and the intent are divided by. */
const DIVISORS = {
  /** Share of the user's different n-grams that the intent has. */
  per_user_word: (said: number, _intent: number, _both: number) => said,
  /** Share of the intent's different n-grams that the user turn has. */
  per_intent_word: (_said: number, intent: number, _both: number) => intent,
  jaccard: (said: number, intent: number, both: number) => said + intent - both,
} as const;

/** Longest n-grams, and the last turn that is shown by itself. */
const LONGEST = 4;
const LAST_TURN = 6;

/** Adds up overlaps conversation by conversation. Memory: one number a variant. */
export class Overlaps {
  readonly #prefix: string;
  readonly #sums = new Map<string, { sum: number; count: number }>();

  /** `prefix`: what every intent begins with. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** A conversation: its intent and its user turns in order. A turn or intent without an n-gram does not take part. */
  add({ intent, said }: Observations["dialogue"]): void {
    const goal = intent.startsWith(this.#prefix) ? intent.slice(this.#prefix.length) : intent;
    const turns = said.map(contentWords);
    for (const [name, text] of [
      ["no_prefix", goal],
      ["with_prefix", intent],
    ] as const) {
      const words = contentWords(text);
      for (let n = 1; n <= LONGEST; n++) {
        const grams = ngrams(words, n);
        for (const [at, turn] of turns.entries()) this.#compare(`${n}-gram/${name}`, ngrams(turn, n), grams, at + 1);
      }
    }
  }

  /** What was found, each variant over all turns and, for 1-grams without the prefix, by turn. */
  scores(): Score[] {
    const scores = Object.keys(DIVISORS).flatMap((divisor) =>
      ["no_prefix", "with_prefix"].flatMap((name) =>
        Array.from({ length: LONGEST }, (_, at) => at + 1).flatMap((n) => {
          const variant = `${divisor}/${n}-gram/${name}`;
          const turns = n === 1 && name === "no_prefix" ? Array.from({ length: LAST_TURN }, (_, at) => at + 1) : [];
          return [null, ...turns].map((turn) => ({ variant, metric: "overlap", turn, ...this.#mean(variant, turn) }));
        }),
      ),
    );
    return scores.filter(({ count }) => count > 0);
  }

  #compare(grams: string, said: ReadonlySet<string>, intent: ReadonlySet<string>, turn: number): void {
    if (said.size === 0 || intent.size === 0) return;
    let both = 0;
    for (const gram of said) if (intent.has(gram)) both++;
    for (const [name, divisor] of Object.entries(DIVISORS)) {
      const share = both / divisor(said.size, intent.size, both);
      this.#count(`${name}/${grams}`, null, share);
      if (turn <= LAST_TURN) this.#count(`${name}/${grams}`, turn, share);
    }
  }

  #count(variant: string, turn: number | null, share: number): void {
    const key = `${variant}:${turn}`;
    const found = this.#sums.get(key) ?? { sum: 0, count: 0 };
    this.#sums.set(key, { sum: found.sum + share, count: found.count + 1 });
  }

  #mean(variant: string, turn: number | null): { value: number | null; count: number } {
    const { sum, count } = this.#sums.get(`${variant}:${turn}`) ?? { sum: 0, count: 0 };
    return { value: count === 0 ? null : (100 * sum) / count, count };
  }
}
