/** Sections about the intents: what they are like, the worst of them, and what they cost. */
import { qualityInWords } from "../intents/review.ts";
import { brief, type Cell, counted, figure, number, section, table, text } from "./html.ts";
import { binned, plotSvg } from "./plots.ts";
import type { Bin, IntentsShown, Report } from "./report.ts";

/** Characters and turns that are shown beside an intent. */
const TURN = 400;
const TURNS = 8;

/** How long intents are, how much of them the user said, and the worst ones beside their conversations. */
export function intentSection({ intents }: Report): string {
  const rows = intents.statuses.map(({ status, specificity, count }): Cell[] => [
    `<span class="badge ${status === "ok" ? "plain" : "bad"}">${text(status)}</span>`,
    specificity ?? "–",
    counted(count),
  ]);
  const plots = [
    [
      "words",
      intents.words,
      "words, from",
      "Words of an intent",
      "One or two sentences are what is asked for; far longer ones tend to give details away.",
      5,
    ],
    [
      "copied",
      intents.copied,
      "words in a row (15 = 15 or more)",
      "Copied in a row",
      "The longest run of words that an intent has in common with a turn of its user. Long runs are copies, not goals.",
      1,
    ],
    [
      "shares",
      intents.from_user,
      "percent, from",
      "Said by the user",
      "Share of an intent's content words that the user says too. High shares mean that the model is told what to say.",
      10,
    ],
  ] as const;
  const figures = plots
    .filter(([, bins]) => bins.length > 0)
    .map(([id, bins, x, title, sentence, step]) => figure(bars(id, bins, x, step), title, sentence));
  const lead =
    "The intent is the person's goal in general words. <i>Specified</i> ones give away details that the user reveals turn by turn; generic ones are best, says the paper. A status other than <i>ok</i> is why a conversation has no intent, and left.";
  if (
    intents.statuses.length > 0 &&
    intents.statuses.every(({ status, specificity }) => status === "ok" && specificity === null)
  )
    return section("intents", "Intents", lead, "<p>This run has no intents: it is the ablation without them.</p>");
  const worst =
    intents.worst.length === 0 ? "" : `<h3>The worst by these measures</h3>${intents.worst.map(worstIntent).join("")}`;
  return section(
    "intents",
    "Intents",
    lead,
    table(["status", "kind", "conversations"], rows),
    `<div class="plots">${figures.join("")}</div>`,
    worst,
  );
}

function bars(id: string, bins: readonly Bin[], x: string, step: number): string {
  const own = { id, bins, kinds: ["intents"], colours: ["validation"] } as const;
  return plotSvg({ ...binned(own, (from) => from + step, String), x, y: "intents", height: 220 });
}

function worstIntent(each: IntentsShown["worst"][number]): string {
  const facts = qualityInWords(each);
  const status = `<span class="badge ${each.status === "ok" ? "plain" : "bad"}">${text(each.status)}</span>`;
  const turns = each.turns
    .slice(0, TURNS)
    .map(
      ({ role, content }) =>
        `<div class="turn ${role}"><b>${role}</b><div class="user" dir="auto">${brief(content, TURN)}</div></div>`,
    );
  const more = each.turns.length > TURNS ? `<p class="cut">… ${number(each.turns.length - TURNS)} more turns</p>` : "";
  const intent = each.intent === null ? '<span class="cut">no intent</span>' : brief(each.intent, 300);
  return `<details><summary>${status} <span class="user" dir="auto">${intent}</span> <span class="small">${facts}</span></summary><div><code>${text(each.conversation_id)}</code>${turns.join("")}${more}</div></details>`;
}

/** What language models were paid. */
export function costSection({ costs }: Report): string {
  const rows = costs.map((row): Cell[] => [
    text(row.model),
    row.mode,
    ...[row.answered, row.failed, row.lost, row.input_tokens, row.cached_tokens, row.output_tokens].map(counted),
    row.usd === null ? "no price known" : { html: `$${row.usd.toFixed(4)}`, by: row.usd },
  ]);
  const heads = ["model", "mode", "answered", "failed", "lost", "input tokens", "cached", "output tokens", "spent"];
  const lead =
    "What was sent to language models and paid for, from the journal of the run. <i>Unheard</i> are requests whose answers never came; the most that they can have cost is in the sum.";
  const table_ =
    rows.length === 0
      ? "<p>Nothing was sent to a language model: the intents of this run come from a file, or there are none.</p>"
      : table(heads, rows);
  return section("costs", "Costs", lead, table_);
}
