/** A finished run -> everything that its report shows. */
import type { z } from "zod";
import { fileLiteral, query, quote } from "../../pipeline/files/duckdb.ts";
import { readParquet } from "../../pipeline/files/parquet.ts";
import type { Run } from "../../pipeline/plan.ts";
import { Baseline } from "../../schemas/baseline.ts";
import { Leak } from "../../schemas/leak.ts";
import type { Manifest } from "../../schemas/manifest.ts";
import { Reconciled } from "../../schemas/published-count.ts";
import { Share } from "../../schemas/stratum.ts";
import type { Split } from "../../schemas/user.ts";
import { artefactFiles, requireDone } from "../../scripts/cli/artefacts.ts";
import { readLedger, worstIntents } from "../../scripts/cli/intents.ts";
import { optionsHash } from "../describe/card/recipe.ts";
import { intentBins, tokenBins, turnBins } from "./bins.ts";
import type { Country, Example, Report, ShownSample, ShownTemplate, Step } from "./report.ts";
import { readTexts, type Texts } from "./texts.ts";

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
  const chosen = await choose(run, done);
  const texts = await readTexts(table(run, done, "prepare", "conversations"), idsOf(chosen));
  const intents = await intentBins(table(run, done, "intents", "intents"));
  return {
    ...{ source, code, seed, hub },
    options: optionsHash(run.plan),
    rows: bySplit((split) => write.counts[`rows_${split}`] ?? 0),
    funnel: [...done.values()].map((manifest) => step(manifest, chosen.rejected, texts)),
    templates: { ...chosen.templates, shown: chosen.templates.shown.map((each) => shownTemplate(each, texts)) },
    countries: await countries(run, done),
    leaks: await rowsOf(run, manifestOf(done, "split"), "leaks", Leak),
    turns: await turnBins(table(run, done, "flip", "samples")),
    lengths: texts.lengths,
    tokens: await tokenBins(run, write),
    intents: { ...intents, worst: chosen.worst.map((each) => ({ ...each, turns: texts.of(each.conversation_id) })) },
    costs: readLedger(run),
    reconciled: await rowsOf(run, write, "reconciled", Reconciled),
    baselines: await rowsOf(run, write, "baselines", Baseline),
    samples: chosen.samples.map((each) => shownSample(each, texts)),
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

/** What is shown, before the texts of its conversations are known: those are read all at once. */
async function choose(run: Run, done: Done) {
  const rejected: Rejected[] = [];
  for (const [stage, manifest] of done)
    if (Object.keys(manifest.rejected).length > 0) rejected.push(...(await rejections(run, done, stage)));
  return {
    rejected,
    templates: await templates(run, done),
    worst: await worstIntents(run, WORST),
    samples: await samples(run, done),
  };
}

type Chosen = Awaited<ReturnType<typeof choose>>;

/** The conversations whose texts are needed. */
function idsOf({ rejected, templates, worst, samples }: Chosen): string[] {
  const ids = [
    ...rejected.flatMap(({ rows }) => rows.map((row) => row.conversation_id)),
    ...templates.shown.map(({ first }) => first),
    ...[...worst, ...samples].map((each) => each.conversation_id),
  ];
  return [...new Set(ids)].filter((id) => id !== null);
}

type Rejected = {
  stage: string;
  reason: string;
  rows: { id: string; conversation_id: string | null; detail: string }[];
};

/** The first rejections of each reason by id. */
function rejections(run: Run, done: Done, stage: string): Promise<Rejected[]> {
  return select(
    `SELECT ${quote(stage)} AS stage, reason, arg_min({id: id, conversation_id: conversation_id, detail: detail}, id, ${EXAMPLES}) AS rows
      FROM ${table(run, done, stage, "rejections")} GROUP BY reason`,
  );
}

function step({ stage, unit, kept, rejected, ...manifest }: Manifest, found: readonly Rejected[], texts: Texts): Step {
  const examples = (reason: string): Example[] => {
    const rows = found.find((each) => each.stage === stage && each.reason === reason)?.rows ?? [];
    return rows.map(({ id, detail, conversation_id }) => ({ id, detail, opening: texts.opening(conversation_id) }));
  };
  const reasons = Object.entries(rejected).map(([reason, count]) => ({ reason, count, examples: examples(reason) }));
  return { stage, unit, in: manifest.in, kept, rejected: reasons.sort((a, b) => b.count - a.count) };
}

type ChosenTemplate = Omit<ShownTemplate, "example"> & { first: string | null };

async function templates(run: Run, done: Done) {
  const from = table(run, done, "dedup", "templates");
  const [sums] = await select<{ all: number; matched: number }>(
    `SELECT count(*)::INT AS "all", coalesce(sum(matched), 0)::INT AS matched FROM ${from}`,
  );
  const shown = await select<ChosenTemplate>(
    `SELECT id, text, conversations, matched, users, verdict, decided_by, examples[1] AS first FROM ${from}
      WHERE matched > 0 ORDER BY matched DESC, id LIMIT ${TEMPLATES}`,
  );
  return { all: sums?.all ?? 0, matched: sums?.matched ?? 0, shown };
}

function shownTemplate({ first, ...template }: ChosenTemplate, texts: Texts): ShownTemplate {
  return { ...template, example: texts.opening(first) };
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

type ChosenSample = Omit<ShownSample, "context" | "target"> & { conversation_id: string; before: number };

/** Ten samples, drawn by a hash of seed and id, so that the same run shows the same ones. */
async function samples(run: Run, done: Done): Promise<ChosenSample[]> {
  const most = Math.max(...Object.values(SAMPLES));
  const drawn = `SELECT kind, unnest(arg_min({id: id, conversation_id: conversation_id, split: split, turn: turn, turns: turns, before: context_turns},
      md5(${quote(`${run.plan.seed}:report:`)} || id), ${most})) AS s, unnest(range(${most})) AS place
    FROM ${table(run, done, "flip", "samples")} GROUP BY kind`;
  const limits = Object.entries(SAMPLES).map(([kind, limit]) => `kind = '${kind}' AND place < ${limit}`);
  const rows = await select<ChosenSample>(
    `SELECT s.id, s.split, kind, s.turn, s.turns, s.before, s.conversation_id, i.intent FROM (${drawn})
      JOIN ${table(run, done, "intents", "intents")} i ON i.conversation_id = s.conversation_id WHERE ${limits.join(" OR ")}`,
  );
  const order = Object.keys(SAMPLES);
  return rows.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind) || (a.id < b.id ? -1 : 1));
}

function shownSample({ before, conversation_id, ...sample }: ChosenSample, texts: Texts): ShownSample {
  const turns = texts.of(conversation_id);
  const target = sample.kind === "end" ? null : (turns[before]?.content ?? "");
  return { ...sample, context: turns.slice(0, before), target };
}
