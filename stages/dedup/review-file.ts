/** A finished run -> the file in which a person decides about its templates; what was decided before stays. */
import { existsSync } from "node:fs";
import { UsageError } from "../../pipeline/errors.ts";
import { writeText } from "../../pipeline/files/atomic-file.ts";
import { query, quote } from "../../pipeline/files/duckdb.ts";
import { allRows, tableSql } from "../../pipeline/finished-run.ts";
import { plannedStage, type Run } from "../../pipeline/run-folder.ts";
import type { Template } from "../../schemas/template.ts";
import { prepared } from "../prepare/artefacts.ts";
import { deduplicated } from "./artefacts.ts";
import type { DedupOptions } from "./options.ts";
import { type ReviewEntry, readReview, reviewText, staleEntries } from "./review.ts";

/** Example prompts that a review file shows of each template, and how much of each. */
const EXAMPLES = 3;
const MOST_CHARACTERS = 300;

/** What a review file is to hold. */
export interface ReviewFileOptions {
  readonly file: string;
  /** Also templates that no conversation matches. */
  readonly all: boolean;
  /** Leave out what was decided about templates that are no more. */
  readonly dropStale: boolean;
}

/**
 * Writes the templates of a run. Throws UsageError if the file speaks of templates that the run does not have and they are
 * not to be dropped, NotReadyError if `dedup` is not done.
 */
export async function writeReviewFile(
  run: Run,
  { file, all, dropStale }: ReviewFileOptions,
): Promise<{ templates: number; decided: number; stale: number }> {
  const templates = await allRows(run, deduplicated.templates);
  const before = existsSync(file) ? readReview(file) : null;
  const stale = before ? staleEntries(before, templates) : [];
  const [first] = stale;
  if (first && !dropStale)
    throw new UsageError(
      `${file}:${first.line}: ${first.id}${stale.length > 1 ? ` and ${stale.length - 1} more` : ""}: not a template of this run any more; --drop-stale leaves such entries out`,
    );
  const decided = new Map(before?.entries.map((entry) => [entry.id, entry]));
  const shown = templates.filter((template) => all || template.matched > 0 || decided.has(template.id));
  const prompts = await openings(
    run,
    shown.flatMap(({ examples }) => examples.slice(0, EXAMPLES)),
  );
  const entries = shown.map((template) => entryOf(template, prompts, decided.get(template.id)));
  const { minCount, coverage } = plannedStage(run.plan, deduplicated.templates.stage).options as DedupOptions;
  writeText(file, reviewText(entries, { source: run.plan.source, minCount, coverage }));
  const byPeople = entries.filter((entry) => entry.decided_by !== "threshold").length;
  return { templates: entries.length, decided: byPeople, stale: stale.length };
}

function entryOf(
  template: Template,
  prompts: ReadonlyMap<string, string>,
  before: ReviewEntry | undefined,
): ReviewEntry {
  const { id, text, conversations, matched, users, countries, first_at, last_at } = template;
  const examples = template.examples.slice(0, EXAMPLES).map((example) => brief(prompts.get(example) ?? ""));
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
  const sql = `SELECT id, opening FROM ${await tableSql(run, prepared.conversations)} WHERE id IN (${ids.map(quote).join(", ")})`;
  for await (const row of query(sql, run.folder)) {
    const { id, opening } = row as { id: string; opening: string };
    found.set(id, opening);
  }
  return found;
}
