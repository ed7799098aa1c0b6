/** Sections about what went in and what came out: the funnel, templates, splits, lengths. */
import { Split } from "../../schemas/user.ts";
import { knowsNoUsers } from "../split/audit.ts";
import { MOST_TURNS } from "./bins.ts";
import { brief, type Cell, counted, figure, number, section, table, text } from "./html.ts";
import { binned, plotSvg, type Series } from "./plots.ts";
import type { Country, Example, Report, Step } from "./report.ts";

/** Characters that are shown of an example. */
const EXAMPLE = 280;

const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

/** From raw rows to samples, with every reason and examples of it. */
export function funnelSection({ funnel }: Report): string {
  const shares = funnel.filter((step) => step.in > 0);
  const plot = plotSvg({
    ...{
      id: "funnel",
      categories: shares.map(({ stage }) => stage),
      lying: true,
      stacked: true,
      height: 280,
      most: 100,
    },
    ...{ x: "percent of what the stage took in", y: "" },
    series: [
      { name: "kept", colour: "train", values: shares.map((step) => percent(step.kept, step.in)) },
      { name: "rejected", colour: "rejected", values: shares.map((step) => percent(step.in - step.kept, step.in)) },
    ],
  });
  const rows = funnel.map((step): Cell[] => {
    const lost = step.in - step.kept;
    return [`<b>${step.stage}</b>`, step.unit, counted(step.in), counted(step.kept), counted(lost), reasons(step)];
  });
  const lead = `Each stage keeps a row or rejects it with a reason; <i>in = kept + rejected</i> is checked at every one. A reason opens to show up to three rows that left for it; all of them are in the stage's <code>rejections-*.parquet</code>.`;
  return section(
    "funnel",
    "From raw rows to samples",
    lead,
    figure(
      plot,
      "Kept and rejected",
      "How much of what each stage took in it kept. Units change on the way: files, conversations, then samples.",
    ),
    table(["stage", "unit", "in", "kept", "rejected", "why"], rows),
  );
}

function percent(part: number, whole: number): number {
  return Math.round((1e4 * part) / whole) / 100;
}

function reasons({ rejected }: Step): string {
  const items = rejected.map(({ reason, count, examples }) => {
    const head = `<span class="badge bad">${text(reason)}</span> ${number(count)}`;
    const shown = examples.map(example).join("");
    return `<li><details><summary>${head}</summary><div>${shown}</div></details></li>`;
  });
  return items.length === 0 ? '<span class="small">none</span>' : `<ul>${items.join("")}</ul>`;
}

function example({ id, detail, opening }: Example): string {
  const began = opening === null ? "" : `<div class="user" dir="auto">${brief(opening, EXAMPLE)}</div>`;
  const found = detail === "{}" ? "" : `<div class="small user">${brief(detail, EXAMPLE)}</div>`;
  return `<div class="example"><code>${text(id)}</code>${began}${found}</div>`;
}

/** The recurring templates that were found. */
export function templateSection({ templates }: Report): string {
  const rows = templates.shown.map((each): Cell[] => {
    const verdict = `<span class="badge ${each.verdict === "drop" ? "bad" : "plain"}">${each.verdict}</span>`;
    const who = each.decided_by === "review" ? ' <span class="small">by a person</span>' : "";
    const like =
      each.example === null
        ? ""
        : `<details><summary class="small">an opening</summary><div class="user" dir="auto">${brief(each.example, EXAMPLE)}</div></details>`;
    return [
      `<span class="user" dir="auto">${brief(each.text, EXAMPLE)}</span>${like}`,
      counted(each.matched),
      counted(each.users),
      counted(each.conversations),
      verdict + who,
    ];
  });
  const lead = `A template is a run of 7-grams that many first user turns share. ${number(templates.all)} were found, ${number(templates.matched)} conversations match one: its words cover enough of their first turn (<i>match</i>, by so many <i>users</i>). <i>Contain</i> counts those that have at least one of its 7-grams. Shown are the ${number(rows.length)} with most matches; <code>flipturn dedup review</code> writes them all for a person to decide about.`;
  const found =
    rows.length === 0
      ? "<p>No conversation matches a template.</p>"
      : table(["shared words", "match", "users", "contain", "verdict"], rows);
  return section("templates", "Recurring templates", lead, found);
}

/** How users and conversations went to the splits, country by country. */
export function splitSection({ countries, leaks }: Report): string {
  const heads = [
    "country",
    "conversations",
    ...Split.options,
    "users",
    ...Split.options.map((split) => `users in ${split}`),
  ];
  const rows = countries.map(({ country, users, conversations }: Country): Cell[] => [
    country === null ? '<span class="small">not known</span>' : text(country),
    counted(sum(Object.values(conversations))),
    ...Split.options.map((split) => counted(conversations[split])),
    counted(sum(Object.values(users))),
    ...Split.options.map((split) => counted(users[split])),
  ]);
  const isUnknown = (link: string) => knowsNoUsers(leaks) && ["user", "country"].includes(link);
  const shared = leaks.map(({ link, values, ...leak }): Cell[] => [
    link.replaceAll("_", " "),
    isUnknown(link) ? "no users known" : counted(values),
    ...Split.options.map((split) => counted(leak[split])),
  ]);
  const lead =
    "All conversations of a user are in one split, and users are drawn inside their country, so that each split holds its share of every country as far as whole users allow.";
  return section(
    "splits",
    "Splits by country",
    lead,
    table(
      heads,
      rows,
      "Conversations that took part in the split, under the country in which their user was drawn; a column's head sorts by it.",
    ),
    shared.length === 0
      ? ""
      : table(
          ["in more than one split, by", "values", ...Split.options],
          shared,
          "What conversations of different splits have in common all the same: how many values (users, openings, …) are in more than one split, and in each split the conversations that have one. Zeros are what one hopes for.",
        ),
  );
}

/** Turns, characters and tokens. */
export function lengthSection({ turns, lengths, tokens, baselines }: Report): string {
  const byTurns = plotSvg({
    ...binned({ id: "turns", bins: turns, kinds: Split.options, colours: Split.options }, STEPS.one, (from) =>
      from === MOST_TURNS ? `${from}+` : String(from),
    ),
    ...{ x: "user turns", y: "conversations", stacked: true },
  });
  const byRole = plotSvg({
    ...binned(
      { id: "lengths", bins: lengths, kinds: ["user", "assistant"], colours: ["train", "test"] },
      STEPS.octave,
      octave,
    ),
    ...{ x: "characters, from", y: "turns" },
  });
  const figures = [
    figure(
      byTurns,
      "User turns of a conversation",
      "Each conversation in the dataset by how often its user spoke. One with K user turns gives up to K + 1 samples.",
    ),
    figure(
      byRole,
      "Characters of a turn",
      "Every turn that <code>prepare</code> kept. People write short and assistants long: a user model that writes at the assistant's lengths has left its role.",
    ),
  ];
  if (tokens.length > 0) {
    const byTokens = plotSvg({
      ...binned(
        { id: "tokens", bins: tokens, kinds: ["context", "target"], colours: ["test", "train"] },
        STEPS.octave,
        octave,
      ),
      ...{ x: "tokens, from", y: "rows" },
    });
    figures.push(
      figure(
        byTokens,
        "Tokens of a row",
        "What a row gives to the model (context, with the intent) and what it must say (target, in the loss), after long ones were shortened.",
      ),
    );
  }
  const ends = endPlot(baselines);
  if (ends !== null)
    figures.push(
      figure(
        ends,
        "When people end",
        "Of the users who got so many answers, how many leave then; no bar where nobody got that far. A model that ends much earlier or later than this does not end as people do.",
      ),
    );
  const lead = "How long things are. Bars of characters and tokens double in width: the one at 64 holds 64 to 127.";
  return section("lengths", "Turns, lengths and tokens", lead, `<div class="plots">${figures.join("")}</div>`);
}

/** The share of users who end after each answer, by split. */
function endPlot(baselines: Report["baselines"]): string | null {
  const rates = baselines.filter(({ metric, turn }) => metric === "base_rate" && turn !== null);
  const turns = [...new Set(rates.map(({ turn }) => turn ?? 0))].sort((a, b) => a - b);
  const series = Split.options.map((split): Series => {
    const own = rates.filter((each) => each.split === split);
    return {
      name: split,
      colour: split,
      values: turns.map((turn) => own.find((each) => each.turn === turn)?.value ?? 0),
    };
  });
  const shown = series.filter(({ values }) => sum(values) > 0);
  if (shown.length === 0) return null;
  return plotSvg({
    id: "ends",
    categories: turns.map(String),
    series: shown,
    x: "answers so far",
    y: "percent who end",
    most: 100,
  });
}

const octave = (from: number) => (from >= 1024 ? `${from / 1024}Ki` : String(from));

/** Where the bar after one at a place begins: one further, or at the double. */
const STEPS = {
  one: (from: number) => from + 1,
  octave: (from: number) => (from === 0 ? 1 : 2 * from),
};
