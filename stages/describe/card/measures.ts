import type { Baseline } from "../../../schemas/baseline.ts";
import { STOP_WORDS } from "../../metrics/words.ts";
import { type CardInput, table } from "./parts.ts";

/** Published counts beside those of the run; none for a source of which none are known. */
export function reconciledSection({ reconciled, plan }: CardInput): string[] {
  if (reconciled.length === 0) return [];
  const rows = reconciled.map(({ count, published, ours, gap, gap_percent, reference }) => {
    return [count, published, ours, gap, `${gap_percent.toFixed(2)} %`, reference];
  });
  const switches = new Map(reconciled.flatMap((row) => row.switches.map(({ name, value }) => [name, value] as const)));
  const settings = [...switches].map(([name, value]) => `\`${name} = ${value}\``).join(", ");
  return [
    "## Beside the published counts",
    `Counts that others published of ${plan.source}, beside those of this dataset. A gap is explained, not judged: neither data nor scripts of the paper are public. Samples are counted before those that are too long leave. Settings that move these counts: ${settings}.`,
    table(["count", "published", "here", "gap", "gap in percent", "published in"], rows),
  ];
}

/** The variants that the card shows. */
const SHOWN = [
  /^(words|whitespace|whitespace-lower|tokens) /,
  /1-gram\/no_prefix overlap$/,
  /^(always_end (base_rate|precision|recall|f1)|end_from_[23] (precision|recall|f1))$/,
];

/** True for the baselines to look at first; the artefact `baselines` of a run has all of them. */
export function isMain(baseline: Baseline): boolean {
  return baseline.turn === null && SHOWN.some((pattern) => pattern.test(nameOf(baseline)));
}

/** What the data itself gives for the paper's measures, with the formula. */
export function baselineSection({ baselines }: CardInput): string[] {
  const own = baselines.filter(isMain);
  if (own.length === 0) return [];
  const splits = [...new Set(own.map(({ split }) => split))];
  const rows = [...new Map(own.map((each) => [nameOf(each), each])).values()].map((each) => {
    const values = splits.map((split) => own.find((other) => other.split === split && nameOf(other) === nameOf(each)));
    return [each.measure, each.variant, each.metric, ...values.map((found) => found?.value?.toFixed(2) ?? "")];
  });
  return [
    "## What people reach",
    "What a user model's numbers can be held against, in percent. **First-turn diversity** is 100 · (1 − mean Jaccard index of the 1-gram sets of all pairs of up to 2,000 drawn first turns), by the way texts are cut. **Intent overlap** is the mean over user turns of the share of 1-grams in common with the intent, its fixed beginning taken off: of the turn's, of the intent's, or of all. **Termination** scores a rule that ends from the n-th answer on, over all decisions together. On PRISM the paper reports 94.01 (diversity) and 1.68 (overlap) for people, without formulas.",
    table(["measure", "variant", "number", ...splits], rows),
    `Stop words, left out of overlap: ${[...STOP_WORDS].join(" ")}.`,
  ];
}

const nameOf = ({ variant, metric }: Baseline) => `${variant} ${metric}`;
