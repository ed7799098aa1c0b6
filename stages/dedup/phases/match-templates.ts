import { collect } from "../../../pipeline/collections.ts";
import type { Task } from "../../../pipeline/task.ts";
import type { Rejection } from "../../../schemas/rejection.ts";
import type { Template } from "../../../schemas/template.ts";
import { deduplicated } from "../artefacts.ts";
import { readContaminated } from "../contaminated.ts";
import type { DedupOptions } from "../options.ts";
import { type Gram, type Mark, matchOf } from "../templates.ts";
import { readMarks } from "./locate.ts";

/** What templates and evaluation sets say about the conversations of a shard. */
export type TemplateMatches = {
  /** By conversation id. */
  rejections: Map<string, Rejection>;
  /** Id of the template that a conversation matches, whatever becomes of it. */
  templates: Map<string, string>;
  /** The item of an evaluation set that a conversation holds text of, and is to keep. */
  items: Map<string, string>;
};

/** Which conversations of the shard leave because of a template, or because they hold text of an evaluation set. */
export async function matchTemplates(task: Task<DedupOptions>): Promise<TemplateMatches> {
  const { options } = task;
  const templates = await collect(task.read(deduplicated.templates));
  const grams = await collect(task.read(deduplicated.heavy_grams));
  const survivors = new Set<string>();
  for await (const { id } of task.read(deduplicated.survivors)) survivors.add(id);
  const matches: TemplateMatches = { ...(await contaminated(task)), templates: new Map() };
  for await (const mark of readMarks(task)) {
    const match = matchOf(mark, grams, options.coverage);
    if (!match) continue;
    matches.templates.set(mark.id, (templates[match.template] as Template).id);
    if (options.templates === "keep" || survivors.has(mark.id) || matches.rejections.has(mark.id)) continue;
    const rejection = checkMatch(mark, grams, templates, options);
    if (rejection) matches.rejections.set(mark.id, rejection);
  }
  return matches;
}

/** The rejection of a conversation whose first turn is covered by templates that are to be dropped; null if it is not. */
function checkMatch(
  mark: Mark,
  grams: readonly Gram[],
  templates: readonly Template[],
  options: DedupOptions,
): Rejection | null {
  const match = matchOf(mark, grams, options.coverage, (template) => templates[template]?.verdict === "drop");
  if (!match) return null;
  const detail = {
    template: templates[match.template]?.id,
    ngram: match.ngram,
    coverage: Math.round((1000 * match.covered) / mark.words) / 1000,
    words: mark.words,
  };
  return rejectionOf(mark.id, "template", detail);
}

/** A rejection by this stage. */
export function rejectionOf(id: string, reason: string, detail: object): Rejection {
  return { id, conversation_id: id, stage: deduplicated.rejections.stage, reason, detail: JSON.stringify(detail) };
}

/** What the file of contaminated conversations says; of several items of one conversation the first. */
async function contaminated(task: Task<DedupOptions>): Promise<Pick<TemplateMatches, "rejections" | "items">> {
  const rejections = new Map<string, Rejection>();
  const items = new Map<string, string>();
  const { options, signal } = task;
  if (options.contaminated === null) return { rejections, items };
  const found = readContaminated(task.resolve(options.contaminated), signal);
  for await (const { conversation_id: id, verdict, ...detail } of found) {
    if (verdict === "drop" && !rejections.has(id)) rejections.set(id, rejectionOf(id, "contaminated", detail));
    if (verdict === "flag" && !items.has(id)) items.set(id, detail.item);
  }
  return { rejections, items };
}
