/** Sections that put numbers beside others: published counts, and what the data itself gives for the paper's measures. */
import type { Baseline } from "../../schemas/baseline.ts";
import { Split } from "../../schemas/user.ts";
import { isMain } from "../describe/card/measures.ts";
import { type Cell, counted, measured, number, section, table, text } from "./html.ts";
import type { Report } from "./report.ts";

/** Published counts beside ours. */
export function reconciledSection({ reconciled, source }: Report): string {
  const rows = reconciled.map((row): Cell[] => [
    `${text(row.count)}<br><span class="small">${text(row.reference)}</span>`,
    counted(row.published),
    counted(row.ours),
    { html: signed(row.gap), by: row.gap },
    { html: `${row.gap > 0 ? "+" : ""}${row.gap_percent.toFixed(2)} %`, by: row.gap_percent },
    switches(row.switches),
  ]);
  const lead =
    "Published counts of the same source beside those of this run. A gap is no failure: neither data nor scripts of the paper are public, and the settings named here, with those of the rows above, are what moves each count. Samples are counted before those that are too long leave (<code>write.maxTokens</code>); whether the paper counted before or after, it does not say.";
  const heads = ["count", "published", "here", "gap", "gap in percent", "settings that could explain it"];
  const found =
    rows.length === 0
      ? `<p>Nobody has published counts of the source <code>${text(source)}</code>.</p>`
      : table(heads, rows);
  return section("reconciliation", "Beside the published counts", lead, found);
}

function switches(list: Report["reconciled"][number]["switches"]): string {
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
  return section(
    "baselines",
    "What people reach",
    lead,
    part(
      baselines,
      "first_turn_diversity",
      "First-turn diversity",
      "100 · (1 − mean Jaccard index of the sets of 1-grams over all pairs of up to 2,000 drawn first turns). 100 = no two share a word. The variants cut texts differently, since the paper does not say how it does.",
    ),
    part(
      baselines,
      "intent_overlap",
      "Overlap of user turns with the intent",
      "Mean over user turns, in percent, stop words left out of both. <code>per_user_word</code>: share of a turn's different n-grams that the intent has; <code>per_intent_word</code>: share of the intent's that the turn has; <code>jaccard</code>: shared ones of all. With and without the words that every intent begins with.",
    ),
    part(
      baselines,
      "termination",
      "Ending by a rule",
      "After each answer of the assistant the user goes on or ends. <code>always_end</code> ends after the first, <code>end_from_n</code> from the n-th answer on. Precision, recall and F1 count all decisions together (micro); <code>macro_f1</code> is the mean of the F1 of every turn.",
    ),
  );
}

function part(baselines: readonly Baseline[], measure: Baseline["measure"], title: string, formula: string): string {
  const own = baselines.filter((each) => each.measure === measure);
  const main = own.filter(isMain);
  if (own.length === 0) return "";
  const all =
    main.length < own.length ? `<details><summary>All variants</summary><div>${variants(own)}</div></details>` : "";
  return `<h3>${title}</h3><p class="small">${formula}</p>${variants(main)}${all}`;
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
