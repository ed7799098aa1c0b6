/**
 * When to end, without a model. After the k-th answer of the assistant the user either goes on or ends; a rule says `end`
 * from the n-th answer on. Micro: over all decisions together. By turn: over the decisions after the k-th answer alone.
 */

import type { MetricOf, Observations, Score } from "./metric.ts";

/** Rules that are scored: end from this answer of the assistant on. */
const FROM = [1, 2, 3, 4, 5, 6];

/** Turns that are shown by themselves. */
const LAST_TURN = 10;

/** Whether users end where people end. */
export const termination: MetricOf<"decisions"> = {
  name: "termination",
  of: "decisions",
  title: "Ending by a rule",
  formula: "**Termination** scores a rule that ends from the n-th answer on, over all decisions together.",
  explanation:
    "After each answer of the assistant the user goes on or ends. `always_end` ends after the first, `end_from_n` from the n-th answer on. Precision, recall and F1 count all decisions together (micro); `macro_f1` is the mean of the F1 of every turn at which somebody, or the rule, ends.",
  isMain: ({ variant, metric }) =>
    variant === "always_end"
      ? ["base_rate", "precision", "recall", "f1"].includes(metric)
      : ["end_from_2", "end_from_3"].includes(variant) && ["precision", "recall", "f1"].includes(metric),
  start: () => {
    const decisions: Decisions[] = [];
    return {
      add: (observed) => decisions.push(observed),
      scores: () => (decisions.length === 0 ? [] : [...byRule(decisions), ...byTurn(decisions)]),
    };
  },
};

function byRule(decisions: readonly Decisions[]): Score[] {
  return FROM.flatMap((from) => {
    const { decisions: count, ...score } = scoreOfEndingFrom(from, decisions);
    const variant = from === 1 ? "always_end" : `end_from_${from}`;
    return Object.entries(score)
      .filter(([metric]) => from === 1 || metric !== "base_rate")
      .map(([metric, value]) => ({ variant, metric, turn: null, value, count }));
  });
}

function byTurn(decisions: readonly Decisions[]): Score[] {
  return decisions.slice(0, LAST_TURN).flatMap((each) => {
    const { precision, f1, decisions: count } = scoreOfEndingFrom(1, [each]);
    const own = { variant: "always_end", turn: each.turn, count };
    return [
      { ...own, metric: "base_rate", value: precision },
      { ...own, metric: "f1", value: f1 },
    ];
  });
}

type Decisions = Observations["decisions"];

/** Scores of a rule in percent, over all decisions. */
interface RuleScore {
  /** Share of the decisions in which people end. */
  readonly base_rate: number | null;
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
  /** Mean of the F1 of every turn with an end or where the rule says so: at others there is nothing to find. */
  readonly macro_f1: number | null;
  readonly decisions: number;
}

/** The score of "end from answer `from` on"; `from` 1 is "always end". */
export function scoreOfEndingFrom(from: number, decisions: readonly Decisions[]): RuleScore {
  const predicted = decisions.filter(({ turn }) => turn >= from);
  const found = sum(predicted, ({ end }) => end);
  const said = found + sum(predicted, ({ next }) => next);
  const ends = sum(decisions, ({ end }) => end);
  const all = ends + sum(decisions, ({ next }) => next);
  const turns = decisions.filter(({ turn, end, next }) => end > 0 || (turn >= from && next > 0));
  const byTurn = turns.map(({ turn, end, next }) => (turn >= from ? (2 * end) / (2 * end + next) : 0));
  return {
    base_rate: percent(ends, all),
    precision: percent(found, said),
    recall: percent(found, ends),
    f1: percent(2 * found, said + ends),
    macro_f1: percent(
      sum(byTurn, (each) => each),
      byTurn.length,
    ),
    decisions: all,
  };
}

function sum<T>(list: readonly T[], of: (each: T) => number): number {
  return list.reduce((total, each) => total + of(each), 0);
}

function percent(part: number, whole: number): number | null {
  return whole === 0 ? null : (100 * part) / whole;
}
