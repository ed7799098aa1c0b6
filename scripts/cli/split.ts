import { UsageError } from "../../pipeline/errors.ts";
import { fileLiteral, query } from "../../pipeline/files/duckdb.ts";
import { readParquet } from "../../pipeline/files/parquet.ts";
import { finishedManifest } from "../../pipeline/manifest.ts";
import { plannedStage, type Run } from "../../pipeline/plan.ts";
import { Leak } from "../../schemas/leak.ts";
import type { Manifest } from "../../schemas/manifest.ts";
import { Share } from "../../schemas/stratum.ts";
import { Split } from "../../schemas/user.ts";
import { DedupOptions } from "../../stages/dedup/stage.ts";
import { leaksInWords } from "../../stages/split/audit.ts";
import { type AuditColumns, auditFiles } from "../../stages/split/audit-files.ts";
import { type Spread, sweep, type Weighed } from "../../stages/split/seed-sweep.ts";
import type { SplitOptions } from "../../stages/split/stage.ts";
import { artefactFiles, requireDone } from "./artefacts.ts";
import { findRun } from "./status.ts";
import { count, progressDrawer, table } from "./terminal.ts";

/** `flipturn split sweep`: how conversations and samples of the splits depend on the seed. */
export async function sweepSeeds(flags: { seeds: number; output?: string; json?: boolean }): Promise<void> {
  const run = await findRun(flags.output);
  const manifest = await requireDone(run, "split");
  const options = plannedStage(run.plan, "split").options as SplitOptions;
  if (options.fixedSplit)
    throw new UsageError(`${run.folder}: all of it is ${options.fixedSplit}; no seed changes that`);
  const users = await weigh(run, manifest, options.by);
  const { draw, clear } = progressDrawer();
  const onSeed = (done: number) =>
    draw({ type: "progress", stage: "split", phase: "sweep", index: 0, done, total: flags.seeds, unit: "seeds" });
  const { ratios, by } = options;
  const found = sweep(users, { seed: run.plan.seed, seeds: flags.seeds, ratios, by }, onSeed);
  clear();
  if (flags.json) return console.log(JSON.stringify(found, null, 2));
  console.log(`${count(users.length)} users drawn by ${by} with the seeds 0 to ${count(flags.seeds - 1)}\n`);
  console.log(spreadTable(found, run.plan.seed));
  console.log(
    "\npublished: arXiv 2510.06552, section 2.2. seeds: share of seeds that give the split at least its published share of all.",
  );
}

function spreadTable(found: readonly Spread[], seed: string): string {
  const head = ["", "split", `seed ${seed}`, "least", "5 %", "median", "95 %", "most", "published", "seeds"];
  const rows = found.map((each) => [
    each.measure,
    each.split,
    ...[each.own, each.least, each.p5, each.median, each.p95, each.most].map(count),
    each.published === null ? "" : count(each.published),
    each.seeds_at_published_share === null ? "" : `${(100 * each.seeds_at_published_share).toFixed(1)} %`,
  ]);
  return table([head, ...rows], [2, 3, 4, 5, 6, 7, 8, 9]);
}

/** Rows of an artefact of a finished stage, as SQL. */
function rowsOf(run: Run, manifest: Manifest, artefact: string): string {
  return `read_parquet([${artefactFiles(run, manifest, artefact).map(fileLiteral).join(", ")}], binary_as_string = true)`;
}

/**
 * The users of a run with their conversations and samples: those that `flip` made or, before it, K + 1 for each
 * conversation of K user turns.
 */
async function weigh(run: Run, manifest: Manifest, by: SplitOptions["by"]): Promise<Weighed[]> {
  const country = (table: string) => (by === "ip+country" ? `${table}.country` : "NULL");
  const sql = `SELECT u.user_id, u.country, u.conversations, u."group", sum(n.samples)::INT AS samples
    FROM ${rowsOf(run, manifest, "users")} u JOIN (${await samplesOf(run, manifest)}) n
    ON u.user_id = n.user_id AND ${country("u")} IS NOT DISTINCT FROM ${country("n")} GROUP BY ALL`;
  const groups = new Map<string, number>();
  const users: Weighed[] = [];
  for await (const row of query(sql, run.folder)) {
    const { group, ...user } = row as Omit<Weighed, "group"> & { group: string | null };
    if (group !== null && !groups.has(group)) groups.set(group, groups.size);
    users.push({ ...user, group: group === null ? -1 : (groups.get(group) ?? -1) });
  }
  return users;
}

/** The samples of each conversation that was split, with its user and country, as SQL. */
async function samplesOf(run: Run, manifest: Manifest): Promise<string> {
  const prepared = await requireDone(run, "prepare");
  const flipped = await finishedManifest(run, "flip");
  const turns = "len(list_filter(c.turns, lambda t: t.role = 'user')) + 1";
  const made = flipped && `(SELECT conversation_id, count(*) AS n FROM ${rowsOf(run, flipped, "samples")} GROUP BY 1)`;
  return `SELECT coalesce(c.user_id, c.id) AS user_id, c.country, ${made ? "coalesce(f.n, 0)" : turns} AS samples
    FROM ${rowsOf(run, prepared, "conversations")} c JOIN ${rowsOf(run, manifest, "placed")} p ON p.conversation_id = c.id
    ${made ? `LEFT JOIN ${made} f ON f.conversation_id = c.id` : ""}`;
}

/** What is audited, and how it is told. */
export interface AuditFlags {
  readonly output?: string;
  readonly columns?: string;
  readonly strict?: boolean;
  readonly minCount: number;
  readonly json?: boolean;
}

/** `flipturn split audit`: what conversations of different splits have in common, in a finished run or in files. */
export async function auditSplit(files: readonly string[], flags: AuditFlags): Promise<void> {
  const { leaks, shares } = files.length > 0 ? await auditOf(files, flags) : await auditOfRun(flags);
  if (flags.json) console.log(JSON.stringify({ leaks, ...(shares.length > 0 && { shares }) }, null, 2));
  else
    console.log(
      [leaksTable(leaks), examples(leaks), shares.length > 0 ? sharesTable(shares) : ""].join("\n").trimEnd(),
    );
  failIf(flags.strict === true, leaks);
}

type Audited = { leaks: Leak[]; shares: Share[] };

async function auditOfRun(flags: AuditFlags): Promise<Audited> {
  const run = await findRun(flags.output);
  const manifest = await requireDone(run, "split");
  const leaks: Leak[] = [];
  for await (const leak of readParquet(artefactFiles(run, manifest, "leaks"), Leak)) leaks.push(leak);
  const shares: Share[] = [];
  for await (const share of readParquet(artefactFiles(run, manifest, "shares"), Share)) shares.push(share);
  return { leaks, shares };
}

async function auditOf(files: readonly string[], flags: AuditFlags): Promise<Audited> {
  if (flags.output !== undefined) throw new UsageError("name either files or the --output of a run, not both");
  const { coverage, jaccard, shingle, bands, bandRows } = DedupOptions.parse({});
  const near = { jaccard, shingle, bands, rows: bandRows };
  return {
    leaks: await auditFiles(files, columnsOf(flags.columns), { minCount: flags.minCount, coverage, near }),
    shares: [],
  };
}

const COLUMNS = ["id", "user", "country", "opening", "split"];

function columnsOf(text: string | undefined): AuditColumns {
  const pairs = (text ?? "")
    .split(",")
    .filter(Boolean)
    .map((each) => each.split("="));
  const wrong = pairs.find(([key, name]) => !COLUMNS.includes(key ?? "") || !name);
  if (wrong)
    throw new UsageError(`--columns ${wrong.join("=")}: expected ${COLUMNS.map((key) => `${key}=<name>`).join(",")}`);
  return Object.fromEntries(pairs);
}

/** Throws if the splits share anything and that is not allowed. */
function failIf(strict: boolean, leaks: readonly Leak[]): void {
  const words = leaksInWords(leaks);
  if (strict && words !== "") throw new Error(`the splits share ${words}; --strict allows nothing`);
}

function leaksTable(leaks: readonly Leak[]): string {
  const rows = leaks.map(({ link, values, ...leak }) => {
    return [link, count(values), ...Split.options.map((split) => count(leak[split]))];
  });
  return table([["in more than one split, by", "values", ...Split.options], ...rows], [1, 2, 3, 4]);
}

function examples(leaks: readonly Leak[]): string {
  const lines = leaks.flatMap((leak) =>
    leak.examples.map(
      (example) => `${leak.link}: ${example.map((each) => `${each.conversation_id} (${each.split})`).join(", ")}`,
    ),
  );
  return lines.length === 0 ? "" : `\nFor instance\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

/** Most countries that are shown; --json has all. */
const COUNTRIES = 20;

function sharesTable(shares: readonly Share[]): string {
  const countries = [...new Set(shares.map((share) => share.country))];
  const rows = countries.map((country) => {
    const own = shares.filter((share) => share.country === country);
    return { country, own, users: own.reduce((sum, each) => sum + each.users, 0) };
  });
  rows.sort((a, b) => b.users - a.users);
  const shown = rows
    .slice(0, COUNTRIES)
    .map(({ country, own, users }) => [
      country ?? "(not known)",
      count(users),
      ...own.map((share) => `${count(share.users)} (${share.target.toFixed(1)})`),
    ]);
  const more = rows.length > COUNTRIES ? `\n… and ${rows.length - COUNTRIES} countries more; --json has all` : "";
  return `${table([["users by country (target)", "users", ...Split.options], ...shown], [1, 2, 3, 4])}${more}`;
}
