import { readFileSync } from "node:fs";
import type { Task } from "../../../pipeline/task.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import type { Template } from "../../../schemas/template.ts";
import type { ThresholdPoint } from "../../../schemas/threshold-point.ts";
import { deduplicated } from "../artefacts.ts";
import type { DedupOptions } from "../options.ts";
import { readReview, requireFresh } from "../review.ts";
import { mergeAll, readRange } from "../runs.ts";
import { chainGrams, type Gram, TemplateTable } from "../templates.ts";
import { ThresholdSweep } from "../threshold-sweep.ts";
import { filesOf, readHeavy } from "./count.ts";
import { readMarks } from "./locate.ts";

/** Makes templates of the heavy 7-grams, decides about them, and adds up the sweep over thresholds. */
export async function templates(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const heavy = await readHeavy(task);
  const { options, shards } = task;
  const links = mergeAll((await filesOf(task, deduplicated.links)).map((path) => readRange(path, 0)));
  const chains = chainGrams(heavy.counts, links);
  const grams: Gram[] = Array.from(heavy.counts, (count) => ({ text: "", count, template: -1 }));
  for (const [template, chain] of chains.entries()) for (const gram of chain) (grams[gram] as Gram).template = template;
  for await (const { gram, text } of task.readAll(deduplicated.gram_texts)) (grams[gram] as Gram).text = text;
  const review = options.review === null ? null : readReview(task.resolve(options.review));
  const table = new TemplateTable(chains, grams, options, review?.decisions);
  for (const shard of shards) for await (const found of readMarks(task, shard)) table.add(found, shard);
  const rows = table.rows();
  if (review) requireFresh(review, rows);
  await task.write(deduplicated.templates, rows);
  await task.write(deduplicated.heavy_grams, grams);
  for (const shard of shards) {
    const survivors = table.survivors(shard).map((id) => ({ id }));
    await task.write(deduplicated.survivors, survivors, shard);
  }
  await task.write(deduplicated.threshold_sweep, await sweepOf(task));
  return { counts: countTemplates(rows, review !== null) };
}

function countTemplates(rows: readonly Template[], isReviewed: boolean): Record<string, number> {
  const counts = { templates: rows.length, templates_matched: rows.filter((row) => row.matched > 0).length };
  if (!isReviewed) return counts;
  const reviewed = rows.filter((row) => row.decided_by === "review");
  return {
    ...counts,
    templates_reviewed: reviewed.length,
    templates_kept: reviewed.filter((row) => row.verdict === "keep").length,
  };
}

async function sweepOf(task: Task<DedupOptions>): Promise<ThresholdPoint[]> {
  const sweep = new ThresholdSweep();
  for (const path of await filesOf(task, deduplicated.profiles)) sweep.merge(readFileSync(path));
  return sweep.points();
}
