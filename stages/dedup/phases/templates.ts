import { readFileSync } from "node:fs";
import { z } from "zod";
import { readParquet } from "../../../pipeline/files/parquet.ts";
import type { Task } from "../../../pipeline/task.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import { Template } from "../../../schemas/template.ts";
import { CurvePoint } from "../../../schemas/threshold-sweep.ts";
import { readReview, requireFresh } from "../review.ts";
import { mergeAll, readRange } from "../runs.ts";
import type { DedupOptions } from "../stage.ts";
import { chainGrams, type Gram, TemplateTable } from "../templates.ts";
import { Curve } from "../threshold-sweep.ts";
import { readHeavy, runsFile, shardsOf } from "./count.ts";
import { GramText, readMarks } from "./locate.ts";

/** A heavy 7-gram by its number. */
export const GramRow = z.object({ text: z.string(), count: z.int(), template: z.int() });
/** A conversation that stays although its template drops it. */
export const Survivor = z.object({ id: z.string() });

const ONE = { index: 0, of: 1 };

/** Makes templates of the heavy 7-grams, decides about them, and adds up the curve. */
export async function join(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const heavy = readHeavy(task);
  const { signal, options } = task;
  const links = mergeAll(shardsOf(task).map((shard) => readRange(task.path(runsFile("links", shard)), 0)));
  const chains = chainGrams(heavy.counts, links);
  const grams: Gram[] = Array.from(heavy.counts, (count) => ({ text: "", count, template: -1 }));
  for (const [template, chain] of chains.entries()) for (const gram of chain) (grams[gram] as Gram).template = template;
  for await (const { gram, text } of readParquet(task.shards("dedup", "texts"), GramText, { signal }))
    (grams[gram] as Gram).text = text;
  const review = options.review === null ? null : readReview(options.review);
  const table = new TemplateTable(chains, grams, options, review?.decisions);
  for (const shard of shardsOf(task)) for await (const found of readMarks(task, shard)) table.add(found, shard);
  const rows = table.rows();
  if (review) requireFresh(review, rows);
  await task.write("templates", Template, rows, ONE);
  await task.write("grams", GramRow, grams, ONE);
  for (const shard of shardsOf(task))
    await task.write(
      "survivors",
      Survivor,
      table.survivors(shard).map((id) => ({ id })),
      { index: shard, of: task.plan.shards },
    );
  await task.write("curve", CurvePoint, curveOf(task), ONE);
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

function curveOf(task: Task<DedupOptions>): CurvePoint[] {
  const curve = new Curve();
  for (const shard of shardsOf(task)) curve.merge(readFileSync(task.path(runsFile("profiles", shard))));
  return curve.points();
}
