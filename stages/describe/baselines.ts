/**
 * A finished run -> what the data itself gives for the paper's measures of user models, split by split. Conversations are
 * drawn by a hash of seed and id, so that the draw depends on neither the order nor the number of shards.
 */
import { query, quote } from "../../pipeline/files/duckdb.ts";
import type { Baseline } from "../../schemas/baseline.ts";
import { Split } from "../../schemas/user.ts";
import { FIRST_TURNS } from "../metrics/diversity.ts";
import { METRICS } from "../metrics/index.ts";
import type { Metric, MetricSettings, Observations } from "../metrics/metric.ts";

/** Conversations of each split that metrics of dialogues are computed over, at most. */
const CONVERSATIONS = 5000;

/** Characters of a turn that metrics look at: what stands behind them is hardly anybody's own words, and may be without end. */
const CHARACTERS = 100_000;

/** The artefacts as SQL, and what the draw and the intents depend on. */
export interface BaselineInput extends MetricSettings {
  readonly conversations: string;
  readonly intents: string;
  readonly samples: string;
  readonly seed: string;
  readonly signal?: AbortSignal;
}

/** Every baseline of a run. Memory: what the metrics hold of three splits. */
export async function baselines(input: BaselineInput): Promise<Baseline[]> {
  const found = new Map(Split.options.map((split) => [split, METRICS.map((metric) => started(metric, input))]));
  const tell = (of: keyof Observations, split: Split, observed: Observations[typeof of]) => {
    for (const each of found.get(split) ?? []) if (each.of === of) each.add(observed);
  };
  for await (const { split, opening } of rows<{ opening: string }>(openings(input), input))
    tell("opening", split, opening);
  for await (const { split, ...dialogue } of rows<Observations["dialogue"]>(dialogues(input), input))
    tell("dialogue", split, dialogue);
  for await (const { split, ...decisions } of rows<Observations["decisions"]>(decisionsIn(input), input))
    tell("decisions", split, decisions);
  return [...found].flatMap(([split, metrics]) =>
    metrics.flatMap(({ measure, scores }) =>
      scores().map(({ value, ...score }) => ({ split, measure, ...score, value: rounded(value) })),
    ),
  );
}

/** A metric at work. What it is told is of its own shape. */
function started({ name, of, start }: Metric, settings: MetricSettings) {
  const measuring = start(settings);
  const add = measuring.add.bind(measuring) as (observed: unknown) => void;
  return { measure: name, of, add, scores: () => measuring.scores() };
}

/** Six decimals: the last digits of a sum of floats depend on its order. */
function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 1e6) / 1e6;
}

async function* rows<Row>(sql: string, { signal }: BaselineInput): AsyncGenerator<Row & { split: Split }> {
  for await (const row of query(sql, "samples", signal)) yield row as Row & { split: Split };
}

/** At most so many conversations of each split among those that `from` selects, drawn, as SQL. */
function drawn({ seed }: BaselineInput, from: string, most: number): string {
  const place = `md5(${quote(`${seed}:`)} || conversation_id)`;
  return `SELECT split, unnest(arg_min(conversation_id, ${place}, ${most})) AS conversation_id FROM (${from}) GROUP BY split`;
}

/** The first turns that are a sample: nothing was typed in the others. */
function openings(input: BaselineInput): string {
  const first = `SELECT split, conversation_id FROM ${input.samples} WHERE kind = 'first'`;
  return `SELECT split, left(opening, ${CHARACTERS}) AS opening FROM ${input.conversations}
    JOIN (${drawn(input, first, FIRST_TURNS)}) ON conversation_id = id`;
}

/** All conversations that have a sample. All turns are read only where there are intents to compare them with. */
function dialogues(input: BaselineInput): string {
  const { conversations, intents, samples } = input;
  const any = `SELECT DISTINCT split, conversation_id FROM ${samples}`;
  return `WITH wanted AS (SELECT split, conversation_id, intent FROM (${drawn(input, any, CONVERSATIONS)})
      JOIN ${intents} USING (conversation_id) WHERE intent IS NOT NULL)
    SELECT split, intent, list_transform(list_filter(turns, lambda t: t.role = 'user'), lambda t: left(t.content, ${CHARACTERS})) AS said
    FROM ${conversations} JOIN wanted ON conversation_id = id`;
}

/** A sample of turn k + 1 is the decision after answer k. */
function decisionsIn({ samples }: BaselineInput): string {
  return `SELECT split, turn - 1 AS turn, count(*) FILTER (kind = 'next')::INT AS next, count(*) FILTER (kind = 'end')::INT AS "end"
    FROM ${samples} WHERE turn > 1 GROUP BY ALL ORDER BY ALL`;
}
