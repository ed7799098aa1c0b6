import { join } from "node:path";
import { UsageError } from "../../pipeline/errors.ts";
import { fileLiteral, query, quote } from "../../pipeline/files/duckdb.ts";
import { keyed } from "../../pipeline/hash.ts";
import { finishedManifest } from "../../pipeline/manifest.ts";
import { Journal } from "../../pipeline/models/journal.ts";
import { type LedgerRow, ledger } from "../../pipeline/models/ledger.ts";
import { type Run, stageFolder } from "../../pipeline/plan.ts";
import type { Turn } from "../../schemas/conversation.ts";
import type { Intent } from "../../schemas/intent.ts";
import type { Manifest } from "../../schemas/manifest.ts";
import { JOURNAL } from "../../stages/intents/stage.ts";
import { findRun } from "./status.ts";
import { count, paint, table } from "./terminal.ts";

/** `flipturn intents ledger`: what was sent and spent, by model, and what the stage has come to. */
export async function showLedger(flags: { output?: string; json?: boolean }): Promise<void> {
  const run = await findRun(flags.output);
  const folder = join(stageFolder(run, "intents"), JOURNAL);
  const models = readLedger(run);
  const intents = coverage(await finishedManifest(run, "intents"));
  if (flags.json) return console.log(JSON.stringify({ models, intents }, null, 2));
  console.log(models.length === 0 ? `${run.folder}: nothing was sent to a language model` : ledgerText(models));
  if (intents !== null) console.log(`\n${coverageText(intents)}`);
  if (models.length > 0)
    console.log(
      `\nEvery line of it:  duckdb -c "SELECT asked, mode, status, count(*), sum(usd) FROM '${join(folder, "answers.jsonl")}' GROUP BY ALL"`,
    );
}

/** Where the intents of a finished stage come from, and how many conversations have one. */
function coverage(manifest: Manifest | null) {
  if (manifest === null) return null;
  const { options, in: conversations, kept, rejected, counts } = manifest;
  return { provider: String(options["provider"]), conversations, kept, rejected, counts };
}

function coverageText({ provider, conversations, kept, rejected, counts }: NonNullable<ReturnType<typeof coverage>>) {
  const list = (all: Record<string, number>, prefix = "") =>
    Object.entries(all)
      .filter(([name, number]) => name.startsWith(prefix) && number > 0)
      .map(([name, number]) => `${name.slice(prefix.length).replaceAll("_", " ")} ${count(number)}`)
      .join(", ");
  const lines = [
    `intents from ${provider}: ${count(kept)} of ${count(conversations)} conversations have one`,
    kept < conversations && `  without        ${list(rejected)}`,
    provider === "import" && `  conversations  ${list(counts, "imported_")}`,
    provider === "import" && `  published rows ${list(counts, "published_")}`,
  ];
  return lines.filter((line) => line !== false).join("\n");
}

/** What a run has sent and spent, by model and mode; nothing where no model was asked. */
export function readLedger(run: Run): LedgerRow[] {
  const journal = Journal.read(join(stageFolder(run, "intents"), JOURNAL));
  const rows = journal ? ledger(journal) : [];
  journal?.close();
  return rows;
}

function ledgerText(rows: readonly LedgerRow[]): string {
  const header = ["model", "mode", "answered", "failed", "unheard", "input", "cached", "output", "dollars"];
  const cells = rows.map((row) => [
    ...[row.model, row.mode],
    ...[row.answered, row.failed, row.unheard, row.input_tokens, row.cached_tokens, row.output_tokens].map(count),
    row.usd === null ? "no price" : row.usd.toFixed(4),
  ]);
  const text = table([header, ...cells], [2, 3, 4, 5, 6, 7, 8]);
  const unheard = rows.reduce((sum, row) => sum + row.unheard_usd, 0);
  return unheard === 0
    ? text
    : `${text}\nOf this, $${unheard.toFixed(4)} for requests whose answers never came: the most that they can have cost.`;
}

/** An intent that is looked at. */
export type Picked = Pick<
  Intent,
  "conversation_id" | "intent" | "status" | "words" | "from_user" | "copied" | "specificity"
> & {
  picked: "worst" | "random";
  /** Of an intent that was rejected: what was found, such as the answer that is none. */
  detail: Record<string, unknown> | null;
};

/** An intent beside its conversation. */
export type Reviewed = Picked & { readonly turns: readonly Turn[] };

/** Flags of `flipturn intents review`. */
export interface ReviewFlags {
  readonly output?: string;
  readonly worst: number;
  readonly random: number;
  readonly seed: string;
  readonly json?: boolean;
}

/** `flipturn intents review`: the worst intents and a random sample, side by side with their conversations. */
export async function review(flags: ReviewFlags): Promise<void> {
  const run = await findRun(flags.output);
  if (!(await finishedManifest(run, "intents")))
    throw new UsageError(`${run.folder}: stage intents is not done; nothing can be reviewed yet`);
  const worst = await worstIntents(run, flags.worst);
  const seen = new Set(worst.map((each) => each.conversation_id));
  const random = await drawn(run, flags.random, flags.seed, seen);
  const all = await besideTurns(run, [...worst, ...random]);
  if (flags.json) return console.log(JSON.stringify(all, null, 2));
  for (const each of all) console.log(`${reviewText(each, process.stdout.columns || 100)}\n`);
}

/** Rejected ones first, then those that give away most: a verdict, words copied in a row, share of the user's words, length. */
const WORST =
  "(status <> 'ok') DESC, (specificity = 'specified') DESC NULLS LAST, copied DESC NULLS LAST, from_user DESC NULLS LAST, words DESC NULLS LAST, conversation_id";

/** The worst intents of a run. */
export function worstIntents(run: Run, rows: number): Promise<Picked[]> {
  // Where none were asked for, none is bad.
  return pick(run, "worst", { where: "intent IS NOT NULL OR status <> 'ok'", order: WORST, rows });
}

type Order = { where: string; order: string; rows: number };

async function pick(run: Run, picked: Picked["picked"], { where, order, rows }: Order): Promise<Picked[]> {
  if (rows === 0) return [];
  const columns = "conversation_id, intent, status, words, from_user, copied, specificity";
  const sql = `WITH chosen AS (SELECT ${columns}, row_number() OVER (ORDER BY ${order}) AS place
      FROM ${shards(run, "intents", "intents")} WHERE ${where} ORDER BY place LIMIT ${rows})
    SELECT chosen.*, r.detail FROM chosen LEFT JOIN ${shards(run, "intents", "rejections")} r
      ON r.conversation_id = chosen.conversation_id ORDER BY place`;
  const all: Picked[] = [];
  for await (const row of query(sql, run.folder)) {
    const { place: _, detail, ...each } = row as Omit<Picked, "picked" | "detail"> & { place: number; detail?: string };
    all.push({ ...each, picked, detail: detail ? JSON.parse(detail) : null });
  }
  return all;
}

/** The same with the turns of their conversations. */
async function besideTurns(run: Run, picked: readonly Picked[]): Promise<Reviewed[]> {
  const turns = new Map<string, Turn[]>();
  const ids = picked.map((each) => quote(each.conversation_id)).join(", ");
  const sql = `SELECT id, turns FROM ${shards(run, "prepare", "conversations")} WHERE id IN (${ids})`;
  if (picked.length > 0)
    for await (const row of query(sql, run.folder)) {
      const found = row as { id: string; turns: Turn[] };
      turns.set(found.id, found.turns);
    }
  return picked.map((each) => ({ ...each, turns: turns.get(each.conversation_id) ?? [] }));
}

/** A draw that the seed decides: by the keyed hash of the id. */
async function drawn(run: Run, rows: number, seed: string, without: ReadonlySet<string>): Promise<Picked[]> {
  const places: { id: string; place: string }[] = [];
  for await (const row of query(`SELECT conversation_id AS id FROM ${shards(run, "intents", "intents")}`, run.folder)) {
    const { id } = row as { id: string };
    if (!without.has(id)) places.push({ id, place: keyed(seed, `review:${id}`) });
  }
  const chosen = places.sort((a, b) => (a.place < b.place ? -1 : 1)).slice(0, rows);
  const list = chosen.map(({ id }) => quote(id)).join(", ");
  const [where, order] = [`conversation_id IN (${list})`, `list_position([${list}], conversation_id)`];
  return pick(run, "random", { where, order, rows: chosen.length });
}

/** All shards of an artefact, as SQL; only the `*` before the ending is a pattern. */
function shards(run: Run, stage: string, artefact: string): string {
  const path = fileLiteral(join(stageFolder(run, stage), `${artefact}-*.parquet`));
  return `read_parquet(${path.replace(/\[\*\](?=\.parquet'$)/, "*")})`;
}

/** The intent and what was measured on the left, the conversation on the right. */
function reviewText(each: Reviewed, width: number): string {
  const half = Math.max(30, Math.floor((width - 3) / 2));
  const left = [
    `${each.conversation_id} (${each.picked})`,
    `status ${each.status}, ${each.specificity ?? "no verdict"}`,
    qualityInWords(each),
    "",
    ...wrap(each.intent ?? "(no intent)", half),
    ...detailLines(each.detail).flatMap((line) => wrap(line, half)),
  ];
  const right = each.turns.flatMap(({ role, content }) => wrap(`${role}: ${content.slice(0, 600)}`, half)).slice(0, 40);
  const rows = Array.from({ length: Math.max(left.length, right.length) }, (_, at) => {
    return `${(left[at] ?? "").slice(0, half).padEnd(half)} | ${right[at] ?? ""}`.trimEnd();
  });
  return [paint("bold", rows[0] ?? ""), ...rows.slice(1)].join("\n");
}

/** What was measured of an intent; nothing where there is none. */
export function qualityInWords({ words, from_user, copied }: Picked): string {
  if (words === null) return "";
  const share =
    from_user === null ? "no content words" : `${Math.round(100 * from_user)} % of the content words are the user's`;
  return `${words} words, ${share}, ${copied ?? 0} copied in a row`;
}

/** What was found in place of an intent, a line each. */
function detailLines(detail: Reviewed["detail"]): string[] {
  const told = Object.entries(detail ?? {}).filter(([name, value]) => !["origin", "model"].includes(name) && value);
  return told.map(([name, value]) => `${name}: ${value}`);
}

/** The text in lines of at most so many characters, cut at spaces where there are any; control characters are shown as `·`. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const part of text.split(/\r?\n/)) {
    let rest = part.replaceAll(/[\p{Cc}\u2028\u2029]/gu, "·");
    while (rest.length > width) {
      const space = rest.lastIndexOf(" ", width);
      const end = space > width / 2 ? space : width;
      lines.push(rest.slice(0, end));
      rest = rest.slice(end).trimStart();
    }
    lines.push(rest);
  }
  return lines;
}
