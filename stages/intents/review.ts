/** A finished run -> the intents to look at: the worst, and a random sample, beside their conversations. */
import { query, quote } from "../../pipeline/files/duckdb.ts";
import { tableSql } from "../../pipeline/finished-run.ts";
import { keyed } from "../../pipeline/hash.ts";
import type { Run } from "../../pipeline/run-folder.ts";
import type { Turn } from "../../schemas/conversation.ts";
import type { Intent } from "../../schemas/intent.ts";
import { prepared } from "../prepare/artefacts.ts";
import { conditioned } from "./artefacts.ts";

/** An intent that is looked at. */
export type ReviewedIntent = Pick<
  Intent,
  "conversation_id" | "intent" | "status" | "words" | "from_user" | "copied" | "specificity"
> & {
  picked: "worst" | "random";
  /** Of an intent that was rejected: what was found, such as the answer that is none. */
  detail: Record<string, unknown> | null;
};

/** An intent beside its conversation. */
export type IntentBesideTurns = ReviewedIntent & { readonly turns: readonly Turn[] };

/** Rejected ones first, then those that give away most: a verdict, words copied in a row, share of the user's words, length. */
const WORST =
  "(status <> 'ok') DESC, (specificity = 'specified') DESC NULLS LAST, copied DESC NULLS LAST, from_user DESC NULLS LAST, words DESC NULLS LAST, conversation_id";

/** The worst intents of a run. */
export function worstIntents(run: Run, rows: number): Promise<ReviewedIntent[]> {
  // Where none were asked for, none is bad.
  return pick(run, "worst", { where: "intent IS NOT NULL OR status <> 'ok'", order: WORST, rows });
}

type Order = { where: string; order: string; rows: number };

async function pick(
  run: Run,
  picked: ReviewedIntent["picked"],
  { where, order, rows }: Order,
): Promise<ReviewedIntent[]> {
  if (rows === 0) return [];
  const columns = "conversation_id, intent, status, words, from_user, copied, specificity";
  const sql = `WITH chosen AS (SELECT ${columns}, row_number() OVER (ORDER BY ${order}) AS place
      FROM ${await tableSql(run, conditioned.intents)} WHERE ${where} ORDER BY place LIMIT ${rows})
    SELECT chosen.*, r.detail FROM chosen LEFT JOIN ${await tableSql(run, conditioned.rejections)} r
      ON r.conversation_id = chosen.conversation_id ORDER BY place`;
  const all: ReviewedIntent[] = [];
  for await (const row of query(sql, run.folder)) {
    const {
      place: _,
      detail,
      ...intent
    } = row as Omit<ReviewedIntent, "picked" | "detail"> & {
      place: number;
      detail?: string;
    };
    all.push({ ...intent, picked, detail: detail ? JSON.parse(detail) : null });
  }
  return all;
}

/** The same with the turns of their conversations. */
export async function besideTurns(run: Run, intents: readonly ReviewedIntent[]): Promise<IntentBesideTurns[]> {
  const turns = new Map<string, Turn[]>();
  const ids = intents.map(({ conversation_id }) => quote(conversation_id)).join(", ");
  const sql = `SELECT id, turns FROM ${await tableSql(run, prepared.conversations)} WHERE id IN (${ids})`;
  if (intents.length > 0)
    for await (const row of query(sql, run.folder)) {
      const found = row as { id: string; turns: Turn[] };
      turns.set(found.id, found.turns);
    }
  return intents.map((intent) => ({ ...intent, turns: turns.get(intent.conversation_id) ?? [] }));
}

/** A draw that the seed decides: by the keyed hash of the id. */
export async function randomIntents(
  run: Run,
  rows: number,
  seed: string,
  without: ReadonlySet<string>,
): Promise<ReviewedIntent[]> {
  const places: { id: string; place: string }[] = [];
  const all = `SELECT conversation_id AS id FROM ${await tableSql(run, conditioned.intents)}`;
  for await (const row of query(all, run.folder)) {
    const { id } = row as { id: string };
    if (!without.has(id)) places.push({ id, place: keyed(seed, `review:${id}`) });
  }
  const chosen = places.sort((a, b) => (a.place < b.place ? -1 : 1)).slice(0, rows);
  const list = chosen.map(({ id }) => quote(id)).join(", ");
  const [where, order] = [`conversation_id IN (${list})`, `list_position([${list}], conversation_id)`];
  return pick(run, "random", { where, order, rows: chosen.length });
}

/** What was measured of an intent; nothing where there is none. */
export function qualityInWords({ words, from_user, copied }: ReviewedIntent): string {
  if (words === null) return "";
  const share =
    from_user === null ? "no content words" : `${Math.round(100 * from_user)} % of the content words are the user's`;
  return `${words} words, ${share}, ${copied ?? 0} copied in a row`;
}
