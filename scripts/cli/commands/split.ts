import { z } from "zod";
import { UsageError } from "../../../pipeline/errors.ts";
import { allRows } from "../../../pipeline/finished-run.ts";
import { plannedStage } from "../../../pipeline/run-folder.ts";
import type { Leak } from "../../../schemas/leak.ts";
import type { Stratum } from "../../../schemas/stratum.ts";
import { Split } from "../../../schemas/user.ts";
import { auditFiles } from "../../../stages/audit/split-files.ts";
import { DedupOptions } from "../../../stages/dedup/options.ts";
import { assigned } from "../../../stages/split/artefacts.ts";
import { knowsNoUsers, leaksInWords } from "../../../stages/split/audit.ts";
import { SplitOptions } from "../../../stages/split/options.ts";
import { type Spread, sweep } from "../../../stages/split/seed-sweep.ts";
import { weighUsers } from "../../../stages/split/weigh.ts";
import { defineCommand } from "../command.ts";
import { type Io, print, printJson } from "../io.ts";
import { progressDrawer } from "../progress.ts";
import { findRun, OfRun } from "../runs.ts";
import { count, table } from "../terminal.ts";

/** `flipturn split sweep`: how conversations and samples of the splits depend on the seed. */
export const sweepSeeds = defineCommand({
  name: "split sweep",
  summary: "show how the splits depend on the seed, beside the published counts",
  input: z.strictObject({ ...OfRun, seeds: z.int().min(1).default(1000).describe("how many seeds, from 0") }),
  examples: ["flipturn split sweep --seeds 1000 --output output/wildchat-1m"],
  async run({ output, seeds, json }, io) {
    const run = await findRun(output, io);
    const { fixedSplit, by, ratios } = SplitOptions.parse(plannedStage(run.plan, assigned.users.stage).options);
    if (fixedSplit) throw new UsageError(`${run.folder}: all of it is ${fixedSplit}; no seed changes that`);
    const users = await weighUsers(run, by);
    const { draw, clear } = progressDrawer(io);
    const onSeed = (done: number) =>
      draw({ type: "progress", stage: "split", phase: "sweep", index: 0, done, total: seeds, unit: "seeds" });
    const found = sweep(users, { source: run.plan.source, seed: run.plan.seed, seeds, ratios, by }, onSeed);
    clear();
    if (json) return printJson(io, found);
    print(io, `${count(users.length)} users drawn by ${by} with the seeds 0 to ${count(seeds - 1)}\n`);
    print(io, spreadTable(found, run.plan.seed));
    if (found.some(({ published }) => published !== null)) print(io, PUBLISHED);
  },
});

const PUBLISHED =
  "\npublished: arXiv 2510.06552, section 2.2. seeds: share of seeds that give the split at least its published share of all.";

function spreadTable(found: readonly Spread[], seed: string): string {
  const isPublished = found.some(({ published }) => published !== null);
  const head = ["", "split", `seed ${seed}`, "least", "5 %", "median", "95 %", "most"];
  const rows = found.map((spread) => [
    spread.measure,
    spread.split,
    ...[spread.own, spread.least, spread.p5, spread.median, spread.p95, spread.most].map(count),
    ...(isPublished ? besides(spread) : []),
  ]);
  return table([[...head, ...(isPublished ? ["published", "seeds"] : [])], ...rows], [2, 3, 4, 5, 6, 7, 8, 9]);
}

function besides({ published, seeds_at_published_share: share }: Spread): string[] {
  return [published === null ? "" : count(published), share === null ? "" : `${(100 * share).toFixed(1)} %`];
}

const COLUMNS = ["id", "user", "country", "opening", "split"] as const;

const AuditInput = z.strictObject({
  files: z.array(z.string()).default([]).describe("files of any finished split, Parquet or JSONL, in place of a run"),
  ...OfRun,
  strict: z.boolean().default(false).describe("exit 1 if there is anything, or if no users are known"),
  columns: z
    .strictObject(
      Object.fromEntries(
        COLUMNS.map((column) => [column, (column === "user" ? z.string() : z.string().min(1)).optional()]),
      ),
    )
    .optional()
    .describe("for files: which column is id, user, country, opening, split"),
  minCount: z
    .int()
    .min(1)
    .default(100)
    .describe("for files: a 7-gram in more conversations than this makes a template"),
});
type AuditInput = z.infer<typeof AuditInput>;

/** `flipturn split audit`: what conversations of different splits have in common, in a finished run or in files. */
export const auditSplit = defineCommand({
  name: "split audit",
  summary: "show what conversations of different splits have in common",
  input: AuditInput,
  positional: "files",
  examples: [
    "flipturn split audit --output output/wildchat-1m --strict",
    "flipturn split audit train.parquet test.parquet --columns user=hashed_ip",
  ],
  async run(input, io) {
    const { leaks, strata, needsUsers } =
      input.files.length > 0 ? await auditOfFiles(input) : await auditOfRun(input, io);
    if (input.json) printJson(io, { leaks, ...(strata.length > 0 && { strata }) });
    else {
      const tables = [leaksTable(leaks), examples(leaks), strata.length > 0 ? strataTable(strata) : ""];
      print(io, tables.join("\n").trimEnd());
    }
    const words = leaksInWords(leaks);
    if (input.strict && words !== "") throw new Error(`the splits share ${words}; --strict allows nothing`);
    if (input.strict && needsUsers && knowsNoUsers(leaks))
      throw new Error(
        `no users are known, so that nobody can say whether one is in several splits; --strict does not allow that. ${input.files.length > 0 ? "--columns user=<name> names their column, and --columns user= says that there is none" : "Run again with --columns user=<name>, or with --split-by groups, which promises nothing of users"}`,
      );
  },
});

/** `needsUsers`: false where a split promises nothing of users. */
type Audited = { leaks: Leak[]; strata: Stratum[]; needsUsers: boolean };

async function auditOfRun({ output }: AuditInput, io: Io): Promise<Audited> {
  const run = await findRun(output, io);
  const { by, fixedSplit } = SplitOptions.parse(plannedStage(run.plan, assigned.users.stage).options);
  const needsUsers = by !== "groups" && fixedSplit === null;
  return { leaks: await allRows(run, assigned.leaks), strata: await allRows(run, assigned.strata), needsUsers };
}

async function auditOfFiles({ files, output, columns, minCount }: AuditInput): Promise<Audited> {
  if (output !== undefined) throw new UsageError("name either files or the --output of a run, not both");
  const { coverage, jaccard, shingle, bands, bandRows } = DedupOptions.parse({});
  const near = { jaccard, shingle, bands, rows: bandRows };
  const named = Object.fromEntries(Object.entries(columns ?? {}).filter(([, name]) => name !== undefined));
  const leaks = await auditFiles(files, named, { minCount, coverage, near });
  return { leaks, strata: [], needsUsers: named["user"] !== "" };
}

function leaksTable(leaks: readonly Leak[]): string {
  const rows = leaks.map(({ link, values, ...leak }) => [
    link,
    ...(knowsNoUsers(leaks) && (link === "user" || link === "country")
      ? ["no users known"]
      : [count(values), ...Split.options.map((split) => count(leak[split]))]),
  ]);
  return table([["in more than one split, by", "values", ...Split.options], ...rows], [1, 2, 3, 4]);
}

function examples(leaks: readonly Leak[]): string {
  const lines = leaks.flatMap(({ link, examples: found }) =>
    found.map((example) => {
      const conversations = example.map(({ conversation_id, split }) => `${conversation_id} (${split})`);
      return `  ${link}: ${conversations.join(", ")}\n`;
    }),
  );
  return lines.length === 0 ? "" : `\nFor instance\n${lines.join("")}`;
}

/** Most countries that are shown; --json has all. */
const COUNTRIES = 20;

function strataTable(strata: readonly Stratum[]): string {
  const rows = [...new Set(strata.map(({ country }) => country))].map((country) => {
    const own = strata.filter((stratum) => stratum.country === country);
    return { country, own, users: own.reduce((sum, { users }) => sum + users, 0) };
  });
  rows.sort((a, b) => b.users - a.users);
  const shown = rows
    .slice(0, COUNTRIES)
    .map(({ country, own, users }) => [
      country ?? "(not known)",
      count(users),
      ...own.map((stratum) => `${count(stratum.users)} (${stratum.target.toFixed(1)})`),
    ]);
  const more = rows.length > COUNTRIES ? `\n… and ${rows.length - COUNTRIES} countries more; --json has all` : "";
  return `${table([["users by country (target)", "users", ...Split.options], ...shown], [1, 2, 3, 4])}${more}`;
}
