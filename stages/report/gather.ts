/** A finished run -> everything that its report shows. */
import { relative } from "node:path";
import type { Table } from "../../pipeline/artefact.ts";
import { countsRows } from "../../pipeline/chain.ts";
import { query, quote } from "../../pipeline/files/duckdb.ts";
import { requireDone } from "../../pipeline/fingerprint.ts";
import { allRows, tableSql } from "../../pipeline/finished-run.ts";
import { optionsHash } from "../../pipeline/recipe.ts";
import { filesFolder, nameInPlan, type Run } from "../../pipeline/run-folder.ts";
import { stageIn, variantIn } from "../../pipeline/stage.ts";
import type { Manifest } from "../../schemas/manifest.ts";
import type { Stratum } from "../../schemas/stratum.ts";
import type { Split } from "../../schemas/user.ts";
import { deduplicated } from "../dedup/artefacts.ts";
import { described } from "../describe/artefacts.ts";
import { flipped } from "../flip/artefacts.ts";
import { conditioned } from "../intents/artefacts.ts";
import { readLedger } from "../intents/costs.ts";
import { worstIntents } from "../intents/review.ts";
import { prepared } from "../prepare/artefacts.ts";
import { rendered, rowsWritten } from "../render/artefacts.ts";
import { formOf, RenderOptions } from "../render/options.ts";
import { assigned } from "../split/artefacts.ts";
import { intentBins, tokenBins, turnBins } from "./bins.ts";
import type { Country, Example, Report, ShownSample, ShownTemplate, Step } from "./report.ts";
import { readTexts, type Texts } from "./texts.ts";

/** How many rejections of each reason, templates and worst intents are shown, and which samples. */
const EXAMPLES = 3;
const TEMPLATES = 50;
const WORST = 5;
const SAMPLES = { first: 3, next: 4, end: 3 };

/**
 * Reads a finished run and its dataset in one form; null = the only one that it has.
 * Throws NotReadyError that names the first stage which is not done.
 */
export async function gather(run: Run, form: string | null): Promise<Report> {
  const planned = nameInPlan(run.plan, rendered.dataset.stage, form);
  const manifests = await manifestsOf(run, planned);
  const written = manifests.find(({ stage }) => stage === planned) as Manifest;
  const options = RenderOptions.parse(written.options);
  const variant = formOf(options);
  const folder = filesFolder(run, planned, rendered.dataset);
  const { source, code, seed, hub } = run.plan;
  const chosen = await choose(run, manifests);
  const texts = await readTexts(await tableSql(run, prepared.conversations), idsOf(chosen));
  const intents = await intentBins(await tableSql(run, conditioned.intents));
  return {
    ...{ source, code, seed, hub, form: variant },
    options: optionsHash(run, variant),
    rows: bySplit((split) => written.counts[`rows_${split}`] ?? 0),
    funnel: manifests
      .filter(({ stage }) => countsRows(run.chain, stage))
      .map((each) => step(each, chosen.rejected, texts)),
    templates: { ...chosen.templates, shown: chosen.templates.shown.map((each) => shownTemplate(each, texts)) },
    countries: await countries(run),
    leaks: await allRows(run, assigned.leaks),
    turns: await turnBins(await tableSql(run, flipped.samples)),
    lengths: texts.lengths,
    tokens: await tokenBins(folder, rowsWritten(written, relative(run.folder, folder)).files, options),
    intents: { ...intents, worst: chosen.worst.map((each) => ({ ...each, turns: texts.of(each.conversation_id) })) },
    costs: readLedger(run),
    published_counts: await allRows(run, described.published_counts, { variant }),
    baselines: await allRows(run, described.baselines, { variant }),
    samples: chosen.samples.map((each) => shownSample(each, texts)),
  };
}

/** The manifests of the stages that the dataset comes from and is described by, in order. */
async function manifestsOf(run: Run, rows: string): Promise<Manifest[]> {
  const own = run.plan.stages.filter(({ name }) => [null, variantIn(rows)].includes(variantIn(name)));
  const manifests: Manifest[] = [];
  for (const { name } of own) manifests.push(await requireDone(run, name));
  return manifests;
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
async function choose(run: Run, manifests: readonly Manifest[]) {
  const rejected: Rejected[] = [];
  for (const { stage, rejected: counts } of manifests)
    if (Object.keys(counts).length > 0) rejected.push(...(await rejections(run, stage)));
  return {
    rejected,
    templates: await templates(run),
    worst: await worstIntents(run, WORST),
    samples: await samples(run),
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
async function rejections(run: Run, stage: string): Promise<Rejected[]> {
  const { rejections: artefact } = run.chain.stages.find(({ name }) => name === stageIn(stage))?.writes ?? {};
  if (!artefact) return [];
  return select(
    `SELECT ${quote(stage)} AS stage, reason, arg_min({id: id, conversation_id: conversation_id, detail: detail}, id, ${EXAMPLES}) AS rows
      FROM ${await tableSql(run, artefact as Table, { variant: variantIn(stage) })} GROUP BY reason`,
  );
}

function step({ stage, unit, kept, rejected, ...manifest }: Manifest, found: readonly Rejected[], texts: Texts): Step {
  const examples = (reason: string): Example[] => {
    const rows = found.find((each) => each.stage === stage && each.reason === reason)?.rows ?? [];
    return rows.map(({ id, detail, conversation_id }) => ({ id, detail, opening: texts.opening(conversation_id) }));
  };
  const reasons = Object.entries(rejected).map(([reason, count]) => ({ reason, count, examples: examples(reason) }));
  return { stage: stageIn(stage), unit, in: manifest.in, kept, rejected: reasons.sort((a, b) => b.count - a.count) };
}

type ChosenTemplate = Omit<ShownTemplate, "example"> & { first: string | null };

async function templates(run: Run) {
  const from = await tableSql(run, deduplicated.templates);
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

async function countries(run: Run): Promise<Country[]> {
  const found = new Map<string | null, Stratum[]>();
  for (const stratum of await allRows(run, assigned.strata))
    found.set(stratum.country, [...(found.get(stratum.country) ?? []), stratum]);
  const rows = [...found].map(([country, strata]) => {
    const of = (split: Split) => strata.find((stratum) => stratum.split === split);
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
async function samples(run: Run): Promise<ChosenSample[]> {
  const most = Math.max(...Object.values(SAMPLES));
  const drawn = `SELECT kind, unnest(arg_min({id: id, conversation_id: conversation_id, split: split, turn: turn, turns: turns, before: context_turns},
      md5(${quote(`${run.plan.seed}:report:`)} || id), ${most})) AS s, unnest(range(${most})) AS place
    FROM ${await tableSql(run, flipped.samples)} GROUP BY kind`;
  const limits = Object.entries(SAMPLES).map(([kind, limit]) => `kind = '${kind}' AND place < ${limit}`);
  const rows = await select<ChosenSample>(
    `SELECT s.id, s.split, kind, s.turn, s.turns, s.before, s.conversation_id, i.intent FROM (${drawn})
      JOIN ${await tableSql(run, conditioned.intents)} i ON i.conversation_id = s.conversation_id WHERE ${limits.join(" OR ")}`,
  );
  const order = Object.keys(SAMPLES);
  return rows.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind) || (a.id < b.id ? -1 : 1));
}

function shownSample({ before, conversation_id, ...sample }: ChosenSample, texts: Texts): ShownSample {
  const turns = texts.of(conversation_id);
  const target = sample.kind === "end" ? null : (turns[before]?.content ?? "");
  return { ...sample, context: turns.slice(0, before), target };
}
