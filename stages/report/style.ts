/** The look of a report: by day and by night, on a phone and on paper. */
export const STYLE = `
:root { color-scheme: light dark;
  --paper: #faf9f6; --panel: #ffffff; --ink: #1f2023; --muted: #6d6c68; --line: #e3e0d8; --soft: #f2f0ea;
  --train: #2f6bd6; --validation: #c98411; --test: #0b8a7d; --rejected: #c4473e; --tint: #eaf1fd; --mark: #fff3c9; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #131417; --panel: #1b1d21; --ink: #e9e9ec; --muted: #a09fa8; --line: #31343b; --soft: #24262c;
  --train: #76a9ff; --validation: #eab04a; --test: #43c5b5; --rejected: #f08178; --tint: #1e2a40; --mark: #4a3f16; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 3.5rem; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main, header > div, nav > div, footer > div { max-width: 72rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding: 2.75rem 0 1.5rem; }
h1 { font-size: clamp(1.6rem, 4vw, 2.3rem); line-height: 1.15; margin: 0 0 .4rem; letter-spacing: -.015em; text-wrap: balance; }
h2 { font-size: 1.35rem; margin: 0 0 .3rem; letter-spacing: -.01em; }
h3 { font-size: 1rem; margin: 0 0 .5rem; }
p { margin: 0 0 .8rem; }
a { color: var(--train); }
code { font: .88em ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.lead, figcaption, caption, .small { color: var(--muted); }
.lead { max-width: 46rem; }
nav { position: sticky; top: 0; z-index: 1; background: var(--paper); border-block: 1px solid var(--line); }
nav > div { display: flex; gap: 1.2rem; overflow-x: auto; white-space: nowrap; scrollbar-width: none; }
nav a { color: var(--muted); text-decoration: none; font-size: .9rem; padding: .65rem 0; }
nav a:hover { color: var(--ink); }
section { padding: 2.2rem 0 .6rem; }
.cards { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fit, minmax(8.4rem, 1fr)); margin-top: 1.4rem; }
.card { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: .9rem 1rem; }
.card b { display: block; font-size: 1.6rem; line-height: 1.2; font-variant-numeric: tabular-nums; letter-spacing: -.01em; }
.card span { color: var(--muted); font-size: .88rem; }
.plots { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); margin: 1rem 0; }
section > figure { max-width: 46rem; }
figure { margin: 0; background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: 1rem; min-width: 0; }
figure svg { display: block; width: 100%; height: auto; }
figcaption { font-size: .88rem; margin-top: .5rem; }
.table { overflow-x: auto; background: var(--panel); border: 1px solid var(--line); border-radius: 10px; margin: .9rem 0 1.2rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: .7rem .8rem .2rem; font-size: .88rem; }
th, td { padding: .5rem .8rem; text-align: left; vertical-align: top; border-top: 1px solid var(--line); }
thead th { border-top: 0; background: var(--soft); white-space: nowrap; }
th button { all: unset; cursor: pointer; font-weight: 600; }
th button:focus-visible, summary:focus-visible, a:focus-visible { outline: 2px solid var(--train); outline-offset: 2px; border-radius: 3px; }
th[aria-sort="ascending"] button::after { content: " ↑"; } th[aria-sort="descending"] button::after { content: " ↓"; }
.chip { display: inline-block; background: var(--soft); border-radius: 5px; padding: 0 .4em; margin: 0 .15em .2em 0; }
.number { text-align: right; white-space: nowrap; }
td ul { margin: 0; padding: 0; list-style: none; }
.user { unicode-bidi: isolate; white-space: pre-wrap; overflow-wrap: anywhere; }
.unseen { font: .72em ui-monospace, monospace; color: var(--rejected); border: 1px solid currentColor; border-radius: 3px; padding: 0 .2em; }
.cut { color: var(--muted); font-style: italic; }
.badge { display: inline-block; font-size: .78rem; border-radius: 99px; padding: .05rem .6rem; border: 1px solid currentColor; white-space: nowrap; }
.badge.train { color: var(--train); } .badge.validation { color: var(--validation); } .badge.test { color: var(--test); }
.badge.bad { color: var(--rejected); } .badge.plain { color: var(--muted); }
details { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; margin: .6rem 0; }
summary { cursor: pointer; padding: .7rem 1rem; overflow-wrap: anywhere; }
summary .small { margin-left: .4rem; }
details > div { padding: 0 1rem 1rem; }
td details { background: none; border: 0; margin: 0; } td summary { padding: 0; } td details > div { padding: .5rem 0 0; min-width: 16rem; }
.turn { border-left: 3px solid var(--line); padding: .35rem .9rem; margin: .5rem 0; }
.turn > b { display: block; font-size: .78rem; color: var(--muted); font-weight: 600; }
.turn.assistant { color: var(--muted); }
.turn.intent { border-left-style: dashed; border-color: var(--validation); }
.turn.target { border-color: var(--train); border-left-width: 6px; background: var(--tint); border-radius: 0 8px 8px 0; padding-block: .6rem; }
.turn.target > b { color: var(--train); }
.example { border-top: 1px dashed var(--line); padding: .4rem 0; } .example:first-child { border-top: 0; }
footer { color: var(--muted); font-size: .88rem; padding: 2rem 0 3rem; }
@media (max-width: 40rem) {
  header { padding-top: 1.6rem; } main, header > div, nav > div, footer > div { padding: 0 .9rem; }
  .cards { grid-template-columns: 1fr 1fr; } .card:first-child { grid-column: span 2; } .card b { font-size: 1.3rem; } figure { padding: .7rem; } th, td { padding: .45rem .6rem; }
  #funnel tr { display: grid; grid-template-columns: 1.1fr 1.6fr repeat(3, 1.1fr); border-top: 1px solid var(--line); } #funnel :is(th, td) { border: 0; padding: .35rem .2rem; }
  #funnel :is(th, td):first-child { padding-left: .6rem; } #funnel :is(th, td):nth-child(5) { padding-right: .6rem; } #funnel :is(th, td):last-child { grid-column: 1 / -1; padding-left: .6rem; } #funnel table { font-size: .82rem; } }
@media print {
  :root { --paper: #fff; --panel: #fff; --ink: #000; --muted: #555; --line: #ccc; --soft: #f3f3f3; --train: #1d4fae; --validation: #97620a;
    --test: #07695f; --rejected: #a2362e; --tint: #eef3fc; color-scheme: light; }
  body { font-size: 10.5pt; } nav { display: none; } header { padding-top: 0; } section { padding-top: 1rem; }
  figure, .card, tr, .turn { break-inside: avoid; } h2, h3 { break-after: avoid; } .table { overflow: visible; }
  .plots { grid-template-columns: 1fr 1fr; } td details > div { min-width: 0; } table { font-size: .8rem; } thead th.number, thead th { white-space: normal; overflow-wrap: anywhere; } th, td { padding: .35rem .5rem; } }
`.trim();

/** All the script that a report has: tables sort by a click, and everything is open on paper. No text of the data is in it. */
export const SCRIPT = `
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") === "descending";
    for (const each of heads) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = (row) => row.cells[column].dataset.by;
    const compare = (a, b) => key(a) === undefined || key(b) === undefined
      ? a.cells[column].textContent.localeCompare(b.cells[column].textContent, "en") : key(a) - key(b);
    const rows = [...table.tBodies[0].rows].sort((a, b) => (up ? compare(a, b) : compare(b, a)));
    table.tBodies[0].append(...rows);
  }));
}
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const each of opened) each.open = true;
});
addEventListener("afterprint", () => { for (const each of opened) each.open = false; });
`.trim();
