import { existsSync } from "node:fs";
import { UsageError } from "../../pipeline/errors.ts";
import { writeText } from "../../pipeline/files/atomic-file.ts";
import { fileLiteral, query, quote } from "../../pipeline/files/duckdb.ts";
import { readParquet } from "../../pipeline/files/parquet.ts";
import { plannedStage, type Run } from "../../pipeline/plan.ts";
import { Template } from "../../schemas/template.ts";
import { CurvePoint } from "../../schemas/threshold-sweep.ts";
import { type ReviewEntry, readReview, reviewText, staleEntries } from "../../stages/dedup/review.ts";
import type { DedupOptions } from "../../stages/dedup/stage.ts";
import { artefactFiles, requireDone } from "./artefacts.ts";
import { findRun } from "./status.ts";
import { count, table } from "./terminal.ts";

/** Example prompts that a review file shows of each template, and how much of each. */
const EXAMPLES = 3;
const MOST_CHARACTERS = 300;

/** Where `dedup review` writes and what about. */
export interface ReviewFlags {
  readonly output?: string;
  readonly file: string;
  readonly all?: boolean;
  readonly dropStale?: boolean;
  readonly json?: boolean;
}

/** `flipturn dedup review`: writes the templates of a run for a person to decide about; what was decided before stays. */
export async function review(flags: ReviewFlags): Promise<void> {
  const run = await findRun(flags.output);
  const manifest = await requireDone(run, "dedup");
  const templates: Template[] = [];
  for await (const row of readParquet(artefactFiles(run, manifest, "templates"), Template)) templates.push(row);
  const before = existsSync(flags.file) ? readReview(flags.file) : null;
  const stale = before ? staleEntries(before, templates) : [];
  if (stale.length > 0 && !flags.dropStale)
    throw new UsageError(
      `${flags.file}:${stale[0]?.line}: ${stale[0]?.id}${stale.length > 1 ? ` and ${stale.length - 1} more` : ""}: not a template of this run any more; --drop-stale leaves such entries out`,
    );
  const decided = new Map(before?.entries.map((entry) => [entry.id, entry]));
  const shown = templates.filter((each) => flags.all || each.matched > 0 || decided.has(each.id));
  const prompts = await openings(
    run,
    shown.flatMap((each) => each.examples.slice(0, EXAMPLES)),
  );
  const entries = shown.map((each) => entryOf(each, prompts, decided.get(each.id)));
  const { minCount, coverage } = plannedStage(run.plan, "dedup").options as DedupOptions;
  writeText(flags.file, reviewText(entries, { source: run.plan.source, minCount, coverage }));
  const kept = entries.filter((entry) => entry.decided_by !== "threshold").length;
  if (flags.json)
    return console.log(
      JSON.stringify({ file: flags.file, templates: entries.length, decided: kept, stale: stale.length }),
    );
  console.log(`${flags.file}: ${count(entries.length)} templates, ${count(kept)} of them decided by a person`);
  console.log(`Edit it, then run again with --review ${flags.file}`);
}

function entryOf(
  template: Template,
  prompts: ReadonlyMap<string, string>,
  before: ReviewEntry | undefined,
): ReviewEntry {
  const { id, text, conversations, matched, users, countries, first_at, last_at } = template;
  const examples = template.examples.slice(0, EXAMPLES).map((each) => brief(prompts.get(each) ?? ""));
  const { verdict, decided_by, note } = before ?? decisionOf(template);
  return { id, text, conversations, matched, users, countries, first_at, last_at, examples, verdict, decided_by, note };
}

function decisionOf({ verdict, reviewer, note }: Template): Pick<ReviewEntry, "verdict" | "decided_by" | "note"> {
  return { verdict, decided_by: reviewer ?? "threshold", note: note ?? "" };
}

function brief(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS - 1).toWellFormed()}…` : text;
}

/** The openings of conversations by id. */
async function openings(run: Run, ids: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  if (ids.length === 0) return found;
  const files = artefactFiles(run, await requireDone(run, "prepare"), "conversations");
  const sql = `SELECT id, opening FROM read_parquet([${files.map(fileLiteral).join(", ")}]) WHERE id IN (${ids.map(quote).join(", ")})`;
  for await (const row of query(sql, run.folder)) {
    const { id, opening } = row as { id: string; opening: string };
    found.set(id, opening);
  }
  return found;
}

/** `flipturn dedup curve`: what templates would remove at other thresholds, from the counts of the run. */
export async function curve(flags: { output?: string; svg?: string; json?: boolean }): Promise<void> {
  const run = await findRun(flags.output);
  const manifest = await requireDone(run, "dedup");
  const points: CurvePoint[] = [];
  for await (const point of readParquet(artefactFiles(run, manifest, "curve"), CurvePoint)) points.push(point);
  if (flags.svg)
    writeText(flags.svg, (await import("../../stages/dedup/threshold-sweep-svg.ts")).curveSvg(points, run.plan.source));
  if (flags.json) return console.log(JSON.stringify(points, null, 2));
  console.log(
    `Conversations that templates remove, of ${count(manifest.in)}\n\n${curveTable(points, "conversations")}`,
  );
  console.log(`\nUsers who lose all their conversations\n\n${curveTable(points, "users")}`);
  if (flags.svg) console.log(`\nDrawn: ${flags.svg}`);
}

function curveTable(points: readonly CurvePoint[], measure: "conversations" | "users"): string {
  const coverages = [...new Set(points.map((point) => point.coverage))];
  const head = ["minCount", ...coverages.map((coverage) => (coverage === 0 ? "any" : String(coverage)))];
  const rows = [...new Set(points.map((point) => point.min_count))].map((minCount) => {
    const own = points.filter((point) => point.min_count === minCount);
    return [count(minCount), ...own.map((point) => count(point[measure]))];
  });
  return table([head, ...rows], [0, ...coverages.map((_, at) => at + 1)]);
}
