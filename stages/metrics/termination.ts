/**
 * When to end, without a model. After the k-th answer of the assistant the user either goes on or ends; a rule says `end`
 * from the n-th answer on. Micro: over all decisions together. By turn: over the decisions after the k-th answer alone.
 */

/** How often users went on and how often they ended after the assistant's answer number `turn`, from 1. */
export interface Decisions {
  readonly turn: number;
  readonly next: number;
  readonly end: number;
}

/** Scores of a rule in percent, over all decisions. */
export interface Score {
  /** Share of the decisions in which people end. */
  readonly base_rate: number | null;
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
  /** Mean of the F1 of every turn that has an end. */
  readonly macro_f1: number | null;
  readonly decisions: number;
}

/** The score of "end from answer `from` on"; `from` 1 is "always end". */
export function endingFrom(from: number, decisions: readonly Decisions[]): Score {
  const predicted = decisions.filter(({ turn }) => turn >= from);
  const found = sum(predicted, ({ end }) => end);
  const said = found + sum(predicted, ({ next }) => next);
  const ends = sum(decisions, ({ end }) => end);
  const all = ends + sum(decisions, ({ next }) => next);
  const turns = decisions.filter(({ end }) => end > 0);
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
