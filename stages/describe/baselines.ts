/**
 * A finished run -> what the data itself gives for the paper's measures of user models, split by split. Conversations are
 * drawn by a hash of seed and id, so that the draw depends on neither the order nor the number of shards.
 */
import { fileLiteral, query, quote } from "../../pipeline/files/duckdb.ts";
import type { Baseline } from "../../schemas/baseline.ts";
import { Split } from "../../schemas/user.ts";
import { CUTS, diversity, FIRST_TURNS } from "../metrics/diversity.ts";
import { Overlaps } from "../metrics/overlap.ts";
import { type Decisions, endingFrom, type Score } from "../metrics/termination.ts";

/** Conversations of each split that overlap is computed over, at most. */
const CONVERSATIONS = 5000;

/** Rules that are scored: end from this answer of the assistant on. */
const FROM = [1, 2, 3, 4, 5, 6];

/** Turns that are shown by themselves. */
const LAST_TURN = 10;

/** Where the artefacts lie, and what the draw and the intents depend on. */
export interface BaselineInput {
  readonly conversations: readonly string[];
  readonly intents: readonly string[];
  readonly samples: readonly string[];
  readonly seed: string;
  readonly intentPrefix: string;
  /** Token ids of a text, for one more variant of diversity; null = no tokenizer. */
  readonly tokens: ((text: string) => ArrayLike<number>) | null;
  readonly signal?: AbortSignal;
}

/** Every baseline of a run. Memory: the drawn first turns, at most 2,000 a split, and the overlaps' sums. */
export async function baselines(input: BaselineInput): Promise<Baseline[]> {
  const drawn = await readDrawn(input);
  const ends = await readDecisions(input);
  return Split.options.flatMap((split) => [
    ...diversityRows(split, drawn.get(split)?.openings ?? [], input.tokens),
    ...overlapRows(split, drawn.get(split)?.overlaps ?? null),
    ...terminationRows(split, ends.get(split) ?? []),
  ]);
}

function diversityRows(split: Split, openings: readonly string[], tokens: BaselineInput["tokens"]): Baseline[] {
  const cuts = { ...CUTS, ...(tokens && { tokens: (text: string) => Array.from(tokens(text)) }) };
  if (openings.length === 0) return [];
  return Object.entries(cuts).map(([variant, cut]) => {
    const { value, count } = diversity(openings.map(cut));
    const about = { split, measure: "first_turn_diversity", metric: "diversity", turn: null } as const;
    return { ...about, variant, value: rounded(value), count };
  });
}

function overlapRows(split: Split, overlaps: Overlaps | null): Baseline[] {
  const rows = overlaps?.rows().filter((row) => row.count > 0) ?? [];
  return rows.map(({ variant, turn, value, count }) => {
    return { split, measure: "intent_overlap", variant, metric: "overlap", turn, value: rounded(value), count };
  });
}

function terminationRows(split: Split, decisions: readonly Decisions[]): Baseline[] {
  if (decisions.length === 0) return [];
  const about = { split, measure: "termination" } as const;
  const rules = FROM.flatMap((from) => {
    const { decisions: count, ...score } = endingFrom(from, decisions);
    const variant = from === 1 ? "always_end" : `end_from_${from}`;
    return Object.entries(score satisfies Omit<Score, "decisions">)
      .filter(([metric]) => from === 1 || metric !== "base_rate")
      .map(([metric, value]) => ({ ...about, variant, metric, turn: null, value: rounded(value), count }));
  });
  const byTurn = decisions.slice(0, LAST_TURN).flatMap((each) => {
    const { precision, f1, decisions: count } = endingFrom(1, [each]);
    const own = { ...about, variant: "always_end", turn: each.turn, count };
    return [
      { ...own, metric: "base_rate", value: rounded(precision) },
      { ...own, metric: "f1", value: rounded(f1) },
    ];
  });
  return [...rules, ...byTurn];
}

/** Six decimals: the last digits of a sum of floats depend on its order. */
function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 1e6) / 1e6;
}

const table = (paths: readonly string[]) => `read_parquet([${paths.map(fileLiteral).join(", ")}])`;

type Drawn = { openings: string[]; overlaps: Overlaps };

/**
 * First turns and overlaps of the drawn conversations of each split: those whose first turn is a sample. The other turns
 * are read, of all conversations, only where there are intents to compare them with.
 */
async function readDrawn(input: BaselineInput): Promise<Map<Split, Drawn>> {
  const place = `md5(${quote(`${input.seed}:`)} || conversation_id)`;
  const ids = `SELECT split, unnest(arg_min(conversation_id, ${place}, ${CONVERSATIONS})) AS conversation_id
    FROM ${table(input.samples)} WHERE kind = 'first' GROUP BY split`;
  const numbered = `SELECT *, row_number() OVER (PARTITION BY split ORDER BY ${place}) AS number FROM (${ids})`;
  const drawn = new Map<Split, Drawn>();
  const of = (split: Split): Drawn => {
    const own = drawn.get(split) ?? { openings: [], overlaps: new Overlaps(input.intentPrefix) };
    drawn.set(split, own);
    return own;
  };
  const first = `SELECT split, opening FROM ${table(input.conversations)} JOIN (${numbered}) ON conversation_id = id
    WHERE number <= ${FIRST_TURNS}`;
  for await (const row of query(first, "samples", input.signal)) {
    const { split, opening } = row as { split: Split; opening: string };
    of(split).openings.push(opening);
  }
  const said = `WITH wanted AS (SELECT split, conversation_id, intent FROM (${ids})
      JOIN ${table(input.intents)} USING (conversation_id) WHERE intent IS NOT NULL)
    SELECT split, intent, list_transform(list_filter(turns, lambda t: t.role = 'user'), lambda t: t.content) AS said
    FROM ${table(input.conversations)} JOIN wanted ON conversation_id = id`;
  for await (const row of query(said, "samples", input.signal)) {
    const { split, intent, said } = row as { split: Split; intent: string; said: string[] };
    of(split).overlaps.add(intent, said);
  }
  return drawn;
}

/** How often users went on and ended after each answer. A sample of turn k + 1 is the decision after answer k. */
async function readDecisions(input: BaselineInput): Promise<Map<Split, Decisions[]>> {
  const sql = `SELECT split, turn - 1 AS turn, count(*) FILTER (kind = 'next')::INT AS next, count(*) FILTER (kind = 'end')::INT AS "end"
    FROM ${table(input.samples)} WHERE turn > 1 GROUP BY ALL ORDER BY ALL`;
  const found = new Map<Split, Decisions[]>();
  for await (const row of query(sql, "samples", input.signal)) {
    const { split, ...decisions } = row as Decisions & { split: Split };
    found.set(split, [...(found.get(split) ?? []), decisions]);
  }
  return found;
}
