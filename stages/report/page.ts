/** A report -> one HTML page that needs nothing else: no network, no other file. Same report, same bytes. */

import { createHash } from "node:crypto";
import { END } from "../../pipeline/text/control-tokens.ts";
import { Split } from "../../schemas/user.ts";
import { flipped } from "../flip/artefacts.ts";
import { prepared } from "../prepare/artefacts.ts";
import { funnelSection, lengthSection, splitSection, templateSection } from "./flow.ts";
import { brief, number, section, text } from "./html.ts";
import { costSection, intentSection } from "./intent-sections.ts";
import { baselineSection, publishedCountsSection } from "./measure-sections.ts";
import type { Report, ShownSample } from "./report.ts";
import { SCRIPT, STYLE } from "./style.ts";

/** Characters that are shown of a turn, and turns before the target. */
const TURN = 1500;
const TURNS = 8;

const PARTS = [
  ["samples", "Samples", sampleSection],
  ["funnel", "Funnel", funnelSection],
  ["published-counts", "Published counts", publishedCountsSection],
  ["templates", "Templates", templateSection],
  ["splits", "Splits", splitSection],
  ["lengths", "Lengths", lengthSection],
  ["intents", "Intents", intentSection],
  ["baselines", "Baselines", baselineSection],
  ["costs", "Costs", costSection],
] as const;

/** The page. The policy in its head lets it load nothing and run no script but its own. */
export function reportPage(report: Report): string {
  const hash = createHash("sha256").update(SCRIPT).digest("base64");
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>flipturn: ${text(report.source)}</title>
<style>${STYLE}</style>
</head>
<body>
${head(report)}
<nav><div>${PARTS.map(([id, name]) => `<a href="#${id}">${name}</a>`).join("")}</div></nav>
<main>
${PARTS.map(([, , part]) => part(report)).join("\n")}
</main>
<footer><div>Made by <code>flipturn report</code> from the artefacts of the run; the same run gives the same page. Numbers count this run alone.</div></footer>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

function head(report: Report): string {
  const { source, code, seed, hub, options, rows, funnel } = report;
  const total = rows.train + rows.validation + rows.test;
  const lost = (unit: string) =>
    funnel.filter((step) => step.unit === unit).reduce((sum, step) => sum + step.in - step.kept, 0);
  const conversations = funnel.find(({ stage }) => stage === flipped.samples.stage);
  const cards = [
    [total, "rows in the dataset"],
    ...Split.options.map((split) => [rows[split], `in ${split}`] as const),
    [funnel.find(({ stage }) => stage === prepared.conversations.stage)?.in ?? 0, "rows of the source"],
    [lost("conversations"), "conversations rejected, each with a reason"],
    [conversations === undefined ? 0 : lost("samples"), "samples rejected"],
  ] as const;
  const from =
    hub === null ? "local files" : `<code>${text(hub.repo)}</code> at <code>${text(hub.revision.slice(0, 12))}</code>`;
  return `<header><div>
<h1>User language model data from ${text(source)}</h1>
<p class="lead">Conversations between people and an assistant, flipped: each row asks for the next thing that the <em>user</em> says. Read from ${from}, seed <code>${text(seed)}</code>, options <code>${options}</code>, flipturn <code>${text(code)}</code>.</p>
<div class="cards">${cards.map(([value, name]) => `<div class="card"><b>${number(value)}</b><span>${name}</span></div>`).join("")}</div>
</div></header>`;
}

function sampleSection({ samples }: Report): string {
  const lead = `${samples.length === 10 ? "Ten" : samples.length} samples, drawn by the seed. The intent and the turns before it are given; where a row would be too long, the oldest of them are left out. Only the target, marked, counts towards the loss. At the end of a conversation the target is a token that says so.`;
  return section("samples", "What a sample looks like", lead, ...samples.map(shownSample));
}

function shownSample(sample: ShownSample, at: number): string {
  const { id, split, kind, turn, turns, intent, context, target } = sample;
  const which =
    kind === "end" ? `the end, after ${turns} user ${turns === 1 ? "turn" : "turns"}` : `user turn ${turn} of ${turns}`;
  const said =
    target === null ? `<code>${text(END)}</code>` : `<span class="user" dir="auto">${brief(target, 110)}</span>`;
  const dropped = Math.max(0, context.length - TURNS);
  const earlier = dropped === 0 ? "" : `<p class="cut">… ${number(dropped)} earlier turns</p>`;
  const shown = context.slice(dropped).map(({ role, content }) => turnOf(role, role, brief(content, TURN)));
  const goal = intent === null ? "" : turnOf("intent", "intent (given as the system message)", brief(intent, TURN));
  const what = target === null ? `<code>${text(END)}</code>` : brief(target, TURN);
  return `<details class="sample"${at === 0 || at === 3 ? " open" : ""}><summary><span class="badge ${split}">${split}</span> <span class="badge plain">${kind}</span> ${said}<span class="small">${which}</span></summary>
<div><p class="small"><code>${text(id)}</code></p>${goal}${earlier}${shown.join("")}${turnOf("target", "target: what the model must say, in the loss", what)}</div></details>`;
}

function turnOf(kind: string, name: string, html: string): string {
  return `<div class="turn ${kind}"><b>${name}</b><div class="user" dir="auto">${html}</div></div>`;
}
