import type { Baseline } from "../../../schemas/baseline.ts";
import { isMain, METRICS } from "../../metrics/index.ts";
import { type CardInput, table } from "./parts.ts";

/** Published counts beside those of the run; none for a source of which none are known. */
export function publishedCountsSection({ published: counts, plan }: CardInput): string[] {
  if (counts.length === 0) return [];
  const rows = counts.map(({ count, published, ours, gap, gap_percent, reference }) => {
    return [count, published, ours, gap, `${gap_percent.toFixed(2)} %`, reference];
  });
  const switches = new Map(counts.flatMap((row) => row.switches.map(({ name, value }) => [name, value] as const)));
  const settings = [...switches].map(([name, value]) => `\`${name} = ${value}\``).join(", ");
  return [
    "## Beside the published counts",
    `Counts that others published of ${plan.source}, beside those of this dataset. A gap is explained, not judged: neither data nor scripts of the paper are public. Samples are counted before those that are too long leave. Settings that move these counts: ${settings}.`,
    table(["count", "published", "here", "gap", "gap in percent", "published in"], rows),
  ];
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
  const formulas = METRICS.map(({ formula }) => formula).join(" ");
  const published = METRICS.flatMap((metric) => metric.published ?? []).map(
    ({ people, metric }) => `${people} (${metric})`,
  );
  return [
    "## What people reach",
    `What a user model's numbers can be held against, in percent. ${formulas} On PRISM the paper reports ${published.join(" and ")} for people, without formulas.`,
    table(["measure", "variant", "number", ...splits], rows),
    ...METRICS.flatMap(({ appendix }) => appendix ?? []),
  ];
}

const nameOf = ({ variant, metric }: Baseline) => `${variant} ${metric}`;
