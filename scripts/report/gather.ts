/** A finished run -> everything that its report shows. */
import type { z } from "zod";
import { fileLiteral, query, quote } from "../../pipeline/duckdb.ts";
import { readParquet } from "../../pipeline/parquet.ts";
import type { Run } from "../../pipeline/plan.ts";
import { Baseline } from "../../schemas/baseline.ts";
import type { Turn } from "../../schemas/conversation.ts";
import { Leak } from "../../schemas/leak.ts";
import type { Manifest } from "../../schemas/manifest.ts";
import { Reconciled } from "../../schemas/reconciled.ts";
import { Share } from "../../schemas/share.ts";
import type { Split } from "../../schemas/user.ts";
import { optionsHash } from "../../stages/write/card/recipe.ts";
import { artefactFiles, requireDone } from "../artefacts.ts";
import { readLedger, worstIntents } from "../commands/intents.ts";
import { intentBins, lengthBins, tokenBins, turnBins } from "./bins.ts";
import type { Country, Example, Report, ShownSample, ShownTemplate, Step } from "./report.ts";

/** How many rejections of each reason, templates and worst intents are shown, and which samples. */
const EXAMPLES = 3;
const TEMPLATES = 50;
const WORST = 5;
const SAMPLES = { first: 3, next: 4, end: 3 };

/** The manifests of a finished run by stage. */
type Done = ReadonlyMap<string, Manifest>;

/** Reads a run that is finished. Throws UsageError that names the first stage which is not. */
export async function gather(run: Run): Promise<Report> {
  const done = new Map<string, Manifest>();
  for (const { name } of run.plan.stages) done.set(name, await requireDone(run, name));
  const { source, code, seed, hub } = run.plan;
  const write = manifestOf(done, "write");
  const intents = await intentBins(table(run, done, "intents", "intents"));
  return {
    ...{ source, code, seed, hub },
    options: optionsHash(run.plan),
    rows: bySplit((split) => write.counts[`rows_${split}`] ?? 0),
    funnel: await funnel(run, done),
    templates: await templates(run, done),
    countries: await countries(run, done),
    leaks: await rowsOf(run, manifestOf(done, "split"), "leaks", Leak),
    turns: await turnBins(table(run, done, "flip", "samples")),
    lengths: await lengthBins(table(run, done, "prepare", "conversations")),
    tokens: await tokenBins(run, write),
    intents: { ...intents, worst: await worstIntents(run, WORST) },
    costs: readLedger(run),
    reconciled: await rowsOf(run, write, "reconciled", Reconciled),
    baselines: await rowsOf(run, write, "baselines", Baseline),
    samples: await samples(run, done),
  };
}

function manifestOf(done: Done, stage: string): Manifest {
  return done.get(stage) as Manifest;
}

/** All shards of an artefact, as SQL. */
function table(run: Run, done: Done, stage: string, artefact: string): string {
  return `read_parquet([${artefactFiles(run, manifestOf(done, stage), artefact).map(fileLiteral).join(", ")}])`;
}

async function rowsOf<T extends z.ZodObject>(run: Run, manifest: Manifest, artefact: string, schema: T) {
  const rows: z.infer<T>[] = [];
  for await (const row of readParquet(artefactFiles(run, manifest, artefact), schema)) rows.push(row);
  return rows;
}

async function select<T>(sql: string): Promise<T[]> {
  const rows: T[] = [];
  for await (const row of query(sql, "report")) rows.push(row as T);
  return rows;
}

function bySplit(count: (split: Split) => number): Record<Split, number> {
  return { train: count("train"), validation: count("validation"), test: count("test") };
}

async function funnel(run: Run, done: Done): Promise<Step[]> {
  const steps: Step[] = [];
  for (const [stage, manifest] of done) {
    const { unit, kept, rejected } = manifest;
    const examples =
      Object.keys(rejected).length > 0 ? await rejections(run, done, stage) : new Map<string, Example[]>();
    const reasons = Object.entries(rejected).map(([reason, count]) => ({
      reason,
      count,
      examples: examples.get(reason) ?? [],
    }));
    steps.push({ stage, unit, in: manifest.in, kept, rejected: reasons.sort((a, b) => b.count - a.count) });
  }
  return steps;
}

/** The first rejections of each reason by id, with the openings of the conversations that have one. */
async function rejections(run: Run, done: Done, stage: string): Promise<Map<string, Example[]>> {
  const chosen = await select<{
    reason: string;
    rows: { id: string; conversation_id: string | null; detail: string }[];
  }>(
    `SELECT reason, arg_min({id: id, conversation_id: conversation_id, detail: detail}, id, ${EXAMPLES}) AS rows
      FROM ${table(run, done, stage, "rejections")} GROUP BY reason`,
  );
  const began = await openings(
    run,
    done,
    chosen.flatMap(({ rows }) => rows.flatMap((row) => row.conversation_id ?? [])),
  );
  const shown = ({ id, conversation_id, detail }: (typeof chosen)[number]["rows"][number]) => {
    return { id, detail, opening: began.get(conversation_id ?? "") ?? null };
  };
  return new Map(chosen.map(({ reason, rows }) => [reason, rows.map(shown)]));
}

/** How conversations began, of those that `prepare` kept. */
async function openings(run: Run, done: Done, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await select<{ id: string; opening: string }>(
    `SELECT id, opening FROM ${table(run, done, "prepare", "conversations")} WHERE id IN (${ids.map(quote).join(", ")})`,
  );
  return new Map(rows.map(({ id, opening }) => [id, opening]));
}

async function templates(run: Run, done: Done): Promise<Report["templates"]> {
  const from = table(run, done, "dedup", "templates");
  const [sums] = await select<{ all: number; matched: number }>(
    `SELECT count(*)::INT AS "all", coalesce(sum(matched), 0)::INT AS matched FROM ${from}`,
  );
  const rows = await select<ShownTemplate & { first: string | null }>(
    `SELECT id, text, conversations, matched, users, verdict, decided_by, examples[1] AS first FROM ${from}
      WHERE matched > 0 ORDER BY matched DESC, id LIMIT ${TEMPLATES}`,
  );
  const began = await openings(
    run,
    done,
    rows.flatMap(({ first }) => first ?? []),
  );
  const shown = rows.map(({ first, ...each }) => ({ ...each, example: began.get(first ?? "") ?? null }));
  return { all: sums?.all ?? 0, matched: sums?.matched ?? 0, shown };
}

async function countries(run: Run, done: Done): Promise<Country[]> {
  const found = new Map<string | null, Share[]>();
  for (const share of await rowsOf(run, manifestOf(done, "split"), "shares", Share))
    found.set(share.country, [...(found.get(share.country) ?? []), share]);
  const rows = [...found].map(([country, shares]) => {
    const of = (split: Split) => shares.find((share) => share.split === split);
    return {
      country,
      users: bySplit((split) => of(split)?.users ?? 0),
      conversations: bySplit((split) => of(split)?.conversations ?? 0),
    };
  });
  const size = ({ conversations: { train, validation, test } }: Country) => train + validation + test;
  return rows.sort((a, b) => size(b) - size(a) || ((a.country ?? "") < (b.country ?? "") ? -1 : 1));
}

/** Ten samples, drawn by a hash of seed and id, so that the same run shows the same ones. */
async function samples(run: Run, done: Done): Promise<ShownSample[]> {
  const place = `md5(${quote(`${run.plan.seed}:report:`)} || id)`;
  const kinds = Object.entries(SAMPLES).map(
    ([kind, most]) =>
      `SELECT unnest(arg_min({id: id, conversation_id: conversation_id, split: split, kind: kind, turn: turn, turns: turns, before: context_turns}, ${place}, ${most})) AS s
        FROM ${table(run, done, "flip", "samples")} WHERE kind = '${kind}'`,
  );
  const rows = await select<Omit<ShownSample, "context" | "target"> & { before: number; text: Turn[] }>(
    `SELECT s.id, s.split, s.kind, s.turn, s.turns, s.before, i.intent, c.turns AS text FROM (${kinds.join(" UNION ALL ")})
      JOIN ${table(run, done, "prepare", "conversations")} c ON c.id = s.conversation_id
      JOIN ${table(run, done, "intents", "intents")} i ON i.conversation_id = s.conversation_id`,
  );
  const order = Object.keys(SAMPLES);
  rows.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind) || (a.id < b.id ? -1 : 1));
  return rows.map(({ before, text, ...sample }) => {
    const target = sample.kind === "end" ? null : (text[before]?.content ?? "");
    return { ...sample, context: text.slice(0, before), target };
  });
}
