/** First-turn diversity: 100 · (1 - mean Jaccard index of the 1-gram sets of all pairs of first turns). */
import { wordsOf } from "../../pipeline/text/words.ts";
import type { MetricOf } from "./metric.ts";

/** First turns that are drawn, as in the paper. */
export const FIRST_TURNS = 2000;

/** How different the first turns of users are from one another. Memory: the first turns. */
export const firstTurnDiversity: MetricOf<"opening"> = {
  name: "first_turn_diversity",
  of: "opening",
  title: "First-turn diversity",
  formula:
    "**First-turn diversity** is 100 · (1 − mean Jaccard index of the 1-gram sets of all pairs of up to 2,000 drawn first turns), by the way texts are cut.",
  explanation:
    "100 · (1 − mean Jaccard index of the sets of 1-grams over all pairs of up to 2,000 drawn first turns). 100 = no two share a word. The variants cut texts differently, since the paper does not say how it does.",
  published: { metric: "diversity", people: 94.01 },
  isMain: () => true,
  start: ({ tokens }) => {
    const openings: string[] = [];
    const cuts = { ...CUTS, ...(tokens && { tokens: (text: string) => Array.from(tokens(text)) }) };
    return {
      add: (opening) => openings.push(opening),
      scores: () =>
        openings.length === 0
          ? []
          : Object.entries(cuts).map(([variant, cut]) => {
              return { variant, metric: "diversity", turn: null, ...diversity(openings.map(cut)) };
            }),
    };
  },
};

/** Ways to cut a text into 1-grams; the paper names none. */
export const CUTS: Readonly<Record<string, (text: string) => readonly string[]>> = {
  words: wordsOf,
  whitespace: (text) => text.split(/\s+/u).filter((part) => part !== ""),
  "whitespace-lower": (text) =>
    text
      .toLowerCase()
      .split(/\s+/u)
      .filter((part) => part !== ""),
};

/**
 * 100 · (1 - mean Jaccard) over all pairs, and how many texts took part: those without a single 1-gram do not.
 * Null for fewer than two. Counts shared 1-grams by their texts, so that pairs that share nothing cost nothing.
 */
export function diversity(texts: readonly (readonly (string | number)[])[]): { value: number | null; count: number } {
  const sets = texts.map((grams) => new Set(grams)).filter((set) => set.size > 0);
  const pairs = (sets.length * (sets.length - 1)) / 2;
  if (pairs === 0) return { value: null, count: sets.length };
  const sizes = Uint32Array.from(sets, (set) => set.size);
  const before = new Map<string | number, number[]>();
  let sum = 0;
  for (const [at, set] of sets.entries()) {
    const shared = new Uint32Array(at);
    for (const gram of set) {
      const holders = before.get(gram);
      if (holders === undefined) before.set(gram, [at]);
      else {
        for (const other of holders) (shared[other] as number)++;
        holders.push(at);
      }
    }
    for (let other = 0; other < at; other++) {
      const both = shared[other] as number;
      if (both > 0) sum += both / (set.size + (sizes[other] as number) - both);
    }
  }
  return { value: 100 * (1 - sum / pairs), count: sets.length };
}
