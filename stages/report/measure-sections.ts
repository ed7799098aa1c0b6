/** Sections that put numbers beside others: published counts, and what the data itself gives for the paper's measures. */
import type { Baseline } from "../../schemas/baseline.ts";
import { Split } from "../../schemas/user.ts";
import { isMain, METRICS } from "../metrics/index.ts";
import type { Metric } from "../metrics/metric.ts";
import { type Cell, counted, measured, number, section, table, text } from "./html.ts";
import type { Report } from "./report.ts";

/** Published counts beside ours. */
export function publishedCountsSection({ published_counts, source }: Report): string {
  const rows = published_counts.map((row): Cell[] => [
    `${text(row.count)}<br><span class="small">${text(row.reference)}</span>`,
    counted(row.published),
    counted(row.ours),
    { html: signed(row.gap), by: row.gap },
    { html: `${row.gap > 0 ? "+" : ""}${row.gap_percent.toFixed(2)} %`, by: row.gap_percent },
    switches(row.switches),
  ]);
  const lead =
    "Published counts of the same source beside those of this run. A gap is no failure: neither data nor scripts of the paper are public, and the settings named here, with those of the rows above, are what moves each count. Samples are counted before those that are too long leave (<code>render.maxTokens</code>); whether the paper counted before or after, it does not say.";
  const heads = ["count", "published", "here", "gap", "gap in percent", "settings that could explain it"];
  const found =
    rows.length === 0
      ? `<p>Nobody has published counts of the source <code>${text(source)}</code>.</p>`
      : table(heads, rows);
  return section("published-counts", "Beside the published counts", lead, found);
}

function switches(list: Report["published_counts"][number]["switches"]): string {
  const chips = list.map(({ name, value }) => `<code class="chip">${text(name)} = ${text(value)}</code>`);
  return `<details><summary class="small">${list.length} ${list.length === 1 ? "setting" : "settings"}</summary><div>${chips.join(" ")}</div></details>`;
}

function signed(gap: number): string {
  return gap > 0 ? `+${number(gap)}` : number(gap);
}

/** Diversity, overlap and ends: what a model's number is to be held against. */
export function baselineSection({ baselines }: Report): string {
  const lead =
    "The paper measures user models by the diversity of their first turns, by how little they repeat the intent, and by whether they end at the right time. These are the same measures of the people in this data, and of rules that need no model. The paper's own numbers for people, on PRISM, are 94.01 (diversity) and 1.68 (overlap); its model's F1 for ending is 63.54. Beside each number stands <i>n</i>, how many first turns, user turns or decisions it comes from.";
  return section("baselines", "What people reach", lead, ...METRICS.map((metric) => part(baselines, metric)));
}

function part(baselines: readonly Baseline[], { name, title, explanation }: Metric): string {
  const own = baselines.filter((each) => each.measure === name);
  const main = own.filter(isMain);
  if (own.length === 0) return "";
  const all =
    main.length < own.length ? `<details><summary>All variants</summary><div>${variants(own)}</div></details>` : "";
  return `<h3>${title}</h3><p class="small">${withCode(explanation)}</p>${variants(main)}${all}`;
}

/** Markdown with nothing but code in it. */
function withCode(markdown: string): string {
  return text(markdown).replaceAll(/`([^`]+)`/g, "<code>$1</code>");
}

/** A table with a row for each variant and columns for each split. */
function variants(own: readonly Baseline[]): string {
  const names = [...new Set(own.map(nameOf))];
  const splits = Split.options.filter((split) => own.some((each) => each.split === split));
  const rows = names.map((name): Cell[] => {
    const found = splits.map((split) => own.find((each) => each.split === split && nameOf(each) === name));
    const [variant = "", metric = "", turn = ""] = name.split(" ");
    const values = found.flatMap((each) => [measured(each?.value ?? null), counted(each?.count ?? 0)]);
    return [`<code>${variant}</code>`, metric, turn === "" ? "all" : counted(Number(turn)), ...values];
  });
  const heads = ["variant", "number", "turn", ...splits.flatMap((split) => [split, `n in ${split}`])];
  return table(heads, rows);
}

const nameOf = ({ variant, metric, turn }: Baseline) => `${variant} ${metric} ${turn ?? ""}`.trim();
