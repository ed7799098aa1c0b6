import { readFileSync } from "node:fs";
import { Document, isMap, isScalar, isSeq, LineCounter, parseDocument, type YAMLMap } from "yaml";
import { z } from "zod";
import { UsageError } from "../../pipeline/errors.ts";
import { type Template, Verdict } from "../../schemas/template.ts";
import { type Decision, templateId } from "./templates.ts";

/** What the threshold is called where it decided. */
const THRESHOLD = "threshold";

/** One template in a review file. `verdict`, `decided_by` and `note` are for people to edit; the rest tells them of it. */
export const ReviewEntry = z.strictObject({
  id: z.string().regex(/^t-[0-9a-f]{10}$/, "expected t- and ten hex digits"),
  text: z.string(),
  conversations: z.int(),
  matched: z.int(),
  users: z.int(),
  countries: z.array(z.string()),
  first_at: z.string().nullable(),
  last_at: z.string().nullable(),
  examples: z.array(z.string()),
  verdict: Verdict,
  decided_by: z.string().min(1, "expected `threshold` or a name"),
  note: z.string(),
});
export type ReviewEntry = z.infer<typeof ReviewEntry>;

/** A review file: its entries with the line that each begins on, and what they decide. */
export type Review = {
  path: string;
  entries: readonly (ReviewEntry & { line: number })[];
  decisions: ReadonlyMap<string, Decision>;
};

/** Reads a review file. Throws UsageError that names the line for anything that is not as it should be. */
export function readReview(path: string): Review {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new UsageError(`${path}: cannot be read: ${(cause as Error).message}`, { cause });
  }
  const entries = parseReview(text, path);
  const decisions = new Map(entries.map((entry) => [entry.id, decisionOf(entry)]));
  return { path, entries, decisions };
}

/** The entries of a review file with the line that each begins on. */
export function parseReview(text: string, path: string): (ReviewEntry & { line: number })[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const error = document.errors[0];
  if (error) throw new UsageError(`${path}:${error.linePos?.[0].line ?? 1}: ${error.message.split("\n")[0]}`);
  const templates = document.get("templates");
  if (!isSeq(templates))
    throw new UsageError(`${path}: expected a list \`templates\`, as \`flipturn dedup review\` writes it`);
  const seen = new Map<string, number>();
  return templates.items.map((item) => {
    const line = lineOf(item, lines);
    if (!isMap(item))
      throw new UsageError(`${path}:${line}: expected a template with \`id\`, \`verdict\` and the rest`);
    const entry = checkEntry(item, path, lines);
    const before = seen.get(entry.id);
    if (before !== undefined)
      throw new UsageError(`${path}:${line}: ${entry.id} is there twice, first on line ${before}`);
    seen.set(entry.id, line);
    return { ...entry, line };
  });
}

function lineOf(node: unknown, lines: LineCounter): number {
  const range = (node as { range?: [number, number, number] | null }).range;
  return range ? lines.linePos(range[0]).line : 1;
}

function checkEntry(item: YAMLMap, path: string, lines: LineCounter): ReviewEntry {
  const value: unknown = item.toJSON();
  const parsed = ReviewEntry.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const key = String(issue?.path[0] ?? (issue?.code === "unrecognized_keys" ? issue.keys[0] : ""));
    const pair = item.items.find((each) => isScalar(each.key) && each.key.value === key);
    const found = JSON.stringify((value as Record<string, unknown>)[key]) ?? "nothing";
    throw new UsageError(
      `${path}:${lineOf(pair?.key ?? item, lines)}: \`${key}\`: found ${found}; ${issue?.message.replace("Invalid input: ", "").replace(/, received .*$/, "")}`,
    );
  }
  const entry = parsed.data;
  const line = lineOf(item, lines);
  if (templateId(entry.text) !== entry.id)
    throw new UsageError(
      `${path}:${line}: ${entry.id} is not the template of this text; only \`verdict\`, \`decided_by\` and \`note\` may be edited`,
    );
  if (entry.verdict === "keep" && entry.decided_by === THRESHOLD)
    throw new UsageError(
      `${path}:${line}: ${entry.id}: the threshold drops it; who keeps it puts a name into \`decided_by\``,
    );
  return entry;
}

function decisionOf({ verdict, decided_by, note }: ReviewEntry): Decision {
  if (decided_by === THRESHOLD) return { verdict, decided_by: "threshold", reviewer: null, note: note || null };
  return { verdict, decided_by: "review", reviewer: decided_by, note: note || null };
}

/** Entries that speak of no template of the run. */
export function staleEntries(
  review: Pick<Review, "entries">,
  templates: readonly Pick<Template, "id">[],
): Review["entries"] {
  const ids = new Set(templates.map((template) => template.id));
  return review.entries.filter((entry) => !ids.has(entry.id));
}

/** Throws UsageError if the review speaks of templates that the run does not have. */
export function requireFresh(review: Review, templates: readonly Pick<Template, "id">[]): void {
  const stale = staleEntries(review, templates);
  const [first] = stale;
  if (!first) return;
  const others = stale.length > 1 ? ` and ${stale.length - 1} more` : "";
  throw new UsageError(
    `${review.path}:${first.line}: ${first.id}${others} is stale: none of the ${templates.length} templates of this run has the text "${brief(first.text)}"; the data or dedup.minCount have changed since. Take the entry out, or write the file anew with \`flipturn dedup review --drop-stale\``,
  );
}

function brief(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** The text of a review file: entries by conversations that match, most first. */
export function reviewText(
  entries: readonly ReviewEntry[],
  about: { source: string; minCount: number; coverage: number },
): string {
  const sorted = entries.toSorted(
    (a, b) => b.matched - a.matched || b.conversations - a.conversations || (a.id < b.id ? -1 : 1),
  );
  const document = new Document({ templates: sorted });
  document.commentBefore = [
    ` Templates of ${about.source}: first turns in which 7-grams of more than ${about.minCount} conversations cover ${100 * about.coverage} % of the words.`,
    " Edit `verdict` (drop or keep), put your name into `decided_by` in place of threshold, and say why in `note`.",
    " ` … ` stands for a variable part. A run replays the file with --review (dedup.review).",
  ].join("\n");
  return document.toString({ lineWidth: 0 });
}
