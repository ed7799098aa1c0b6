import { readParquet } from "../../../pipeline/files/parquet.ts";
import type { Task } from "../../../pipeline/task.ts";
import type { Rejection } from "../../../schemas/rejection.ts";
import { Template } from "../../../schemas/template.ts";
import { readContaminated } from "../contaminated.ts";
import type { DedupOptions } from "../stage.ts";
import { type Gram, type Mark, matchOf } from "../templates.ts";
import { readMarks } from "./locate.ts";
import { GramRow, Survivor } from "./templates.ts";

/** What templates and evaluation sets say about the conversations of a shard. */
export type Sifted = {
  /** By conversation id. */
  rejections: Map<string, Rejection>;
  /** Id of the template that a conversation matches, whatever becomes of it. */
  templates: Map<string, string>;
  /** The item of an evaluation set that a conversation holds text of, and is to keep. */
  items: Map<string, string>;
};

/** Which conversations of the shard leave because of a template, or because they hold text of an evaluation set. */
export async function sift(task: Task<DedupOptions>): Promise<Sifted> {
  const { options, signal } = task;
  const templates: Template[] = [];
  const grams: Gram[] = [];
  for await (const row of readParquet(task.shard("dedup", "templates", 0, 1), Template, { signal }))
    templates.push(row);
  for await (const row of readParquet(task.shard("dedup", "grams", 0, 1), GramRow, { signal })) grams.push(row);
  const survivors = new Set<string>();
  for await (const { id } of task.read("dedup", "survivors", Survivor)) survivors.add(id);
  const sifted: Sifted = { ...(await contaminated(task)), templates: new Map() };
  for await (const mark of readMarks(task)) {
    const match = matchOf(mark, grams, options.coverage);
    if (!match) continue;
    sifted.templates.set(mark.id, (templates[match.template] as Template).id);
    if (options.templates === "keep" || survivors.has(mark.id) || sifted.rejections.has(mark.id)) continue;
    const rejection = judge(mark, grams, templates, options);
    if (rejection) sifted.rejections.set(mark.id, rejection);
  }
  return sifted;
}

/** The rejection of a conversation whose first turn is covered by templates that are to be dropped; null if it is not. */
function judge(
  mark: Mark,
  grams: readonly Gram[],
  templates: readonly Template[],
  options: DedupOptions,
): Rejection | null {
  const match = matchOf(mark, grams, options.coverage, (each) => templates[each]?.verdict === "drop");
  if (!match) return null;
  const detail = {
    template: templates[match.template]?.id,
    ngram: match.ngram,
    coverage: Math.round((1000 * match.covered) / mark.words) / 1000,
    words: mark.words,
  };
  return dropped(mark.id, "template", detail);
}

/** A rejection by this stage. */
export function dropped(id: string, reason: string, detail: object): Rejection {
  return { id, conversation_id: id, stage: "dedup", reason, detail: JSON.stringify(detail) };
}

/** What the file of contaminated conversations says; of several items of one conversation the first. */
async function contaminated({ options, signal }: Task<DedupOptions>): Promise<Pick<Sifted, "rejections" | "items">> {
  const rejections = new Map<string, Rejection>();
  const items = new Map<string, string>();
  if (options.contaminated === null) return { rejections, items };
  for await (const { conversation_id: id, verdict, ...found } of readContaminated(options.contaminated, signal)) {
    if (verdict === "drop" && !rejections.has(id)) rejections.set(id, dropped(id, "contaminated", found));
    if (verdict === "flag" && !items.has(id)) items.set(id, found.item);
  }
  return { rejections, items };
}
