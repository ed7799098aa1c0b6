/** Pieces of HTML. Whatever comes from a conversation goes through `text`, so that it is shown and never acts. */
import { UNSEEN } from "../../pipeline/text/unseen.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A text as HTML that shows it to the letter. Characters that cannot be seen stand there by their number. */
export function text(value: string): string {
  const plain = value.toWellFormed().replaceAll("\r\n", "\n");
  return plain.replaceAll(/[&<>"']/g, (mark) => ENTITIES[mark] as string).replaceAll(UNSEEN, numbered);
}

function numbered(mark: string): string {
  const number = `U+${(mark.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
  return `<span class="unseen">${number}</span>`;
}

/** The beginning of a text, with how much of it is left out; a little more than `most` is shown whole. */
export function brief(value: string, most: number): string {
  if (value.length <= 1.1 * most) return text(value);
  const rest = value.length - most;
  return `${text(value.slice(0, most))}<span class="cut">… ${number(rest)} more characters</span>`;
}

/** A number with thousands separated. */
export function number(value: number): string {
  return value.toLocaleString("en-US");
}

/** A cell of a table: HTML, and what it is sorted by if that is a number. */
export type Cell = string | { readonly html: string; readonly by: number };

/** A cell with a whole number. */
export function counted(value: number): Cell {
  return { html: number(value), by: value };
}

/** A cell with a share or a measure; null = there is none. */
export function measured(value: number | null, digits = 2): Cell {
  return value === null ? { html: "–", by: -1 } : { html: value.toFixed(digits), by: value };
}

/** A table whose columns can be sorted by a click on their heads. Heads and cells are HTML already. */
export function table(heads: readonly string[], rows: readonly (readonly Cell[])[], caption = ""): string {
  const cell = (each: Cell) =>
    typeof each === "string" ? `<td>${each}</td>` : `<td class="number" data-by="${each.by}">${each.html}</td>`;
  const head = heads.map((each, at) => {
    const isNumber = typeof (rows[0]?.[at] ?? "") !== "string";
    return `<th scope="col"${isNumber ? ' class="number"' : ""}><button type="button">${each}</button></th>`;
  });
  const body = rows.map((row) => `<tr>${row.map(cell).join("")}</tr>`);
  const said = caption === "" ? "" : `<caption>${caption}</caption>`;
  return `<div class="table"><table class="sortable">${said}<thead><tr>${head.join("")}</tr></thead><tbody>${body.join("\n")}</tbody></table></div>`;
}

/** A plot with what it says in a sentence. */
export function figure(svg: string, title: string, sentence: string): string {
  return `<figure><h3>${title}</h3>${svg}<figcaption>${sentence}</figcaption></figure>`;
}

/** A part of the page with its heading and what it is about. */
export function section(id: string, title: string, lead: string, ...parts: readonly string[]): string {
  return `<section id="${id}"><h2>${title}</h2><p class="lead">${lead}</p>${parts.join("\n")}</section>`;
}
