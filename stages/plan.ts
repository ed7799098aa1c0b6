import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { glob } from "tinyglobby";
import type { Chain } from "../pipeline/chain.ts";
import { checkNames, type Given, layer, type RunSettings, resolveConfig, type Settings } from "../pipeline/config.ts";
import type { Environment } from "../pipeline/environment.ts";
import { UsageError } from "../pipeline/errors.ts";
import { READABLE } from "../pipeline/files/text-rows.ts";
import { listHubFiles, resolveRevision } from "../pipeline/hub/download.ts";
import { hubNet } from "../pipeline/hub/http.ts";
import { compare } from "../pipeline/order.ts";
import { planChain, requireReadable, userKeyName } from "../pipeline/plan.ts";
import { realFolder } from "../pipeline/run-folder.ts";
import type { Plan, PlannedInput } from "../schemas/plan.ts";
import { downloaded } from "./download/artefacts.ts";
import type { DownloadOptions } from "./download/options.ts";
import { otherRunIn } from "./other-run.ts";
import { prepared } from "./prepare/artefacts.ts";
import { sourceNamed, sources } from "./sources/index.ts";
import { rowKindNamed } from "./sources/logs/index.ts";
import type { LogSettings, Source } from "./sources/source.ts";
import { assigned } from "./split/artefacts.ts";

/** Bytes of raw input a shard: WildChat-1M gives 53, of about 60 MB of English text each, which fits in memory. */
const SHARD_BYTES = 64e6;

/** What a run is: its plan, where it is to lie, and what was given for it. */
export interface Planned {
  readonly plan: Plan;
  /** Folder of the run, as it was given. */
  readonly folder: string;
  readonly settings: Settings;
  /** Files whose run lies in the default folder and would be replaced, in words; null = none would. */
  readonly replaces: string | null;
  /** What was found out about the inputs that people should know, in sentences. */
  readonly notes: readonly string[];
}

/**
 * Makes the plan of a run from what people gave: finds the inputs (local, or by asking the Hub for the files of the
 * pinned commit), fills in defaults, numbers the tasks. Writes nothing.
 * Throws UsageError for anything that is wrong with the settings or the inputs.
 */
export async function makePlan(given: Given, chain: Chain, environment: Environment): Promise<Planned> {
  checkNames(given, chain);
  const name = given["source"];
  if (typeof name !== "string")
    throw new UsageError(`--source is missing; known: ${sources.map((source) => source.name).join(", ")}`);
  const source = sourceNamed(name);
  const settings = resolveConfig(layer(source.defaults ?? {}, given), chain);
  const { run, options } = settings;
  requireUsers(source, options.get(assigned.users.stage));
  const { hub, inputs } = await findInputs(
    source,
    run,
    options.get(downloaded.raw.stage) as DownloadOptions,
    environment,
  );
  const { found, notes } = await lookAt(source, options.get(prepared.conversations.stage), hub ? [] : inputs);
  const bytes = inputs.reduce((sum, input) => sum + input.bytes, 0);
  const folder = run.output ?? join("output", source.name);
  const head = {
    base: relative(realFolder(folder), realFolder(".")).split(sep).join("/"),
    source: source.name,
    seed: run.seed,
    user_key: userKeyName(environment.env["FLIPTURN_USER_KEY"]),
    hub,
    inputs,
    shards: run.shards ?? Math.max(1, Math.round(bytes / SHARD_BYTES)),
  };
  const pinned = new Map<string, Record<string, unknown>>();
  for (const stage of chain.stages) {
    const own = options.get(stage.name) ?? {};
    const full = stage.name === prepared.conversations.stage ? { ...own, ...found } : own;
    pinned.set(stage.name, (await stage.pin?.(full, environment)) ?? full);
  }
  const plan = await planChain(chain, head, { options: pinned, models: settings.models });
  // Whoever names a folder knows what is in it.
  const replaces = run.output ? null : await otherRunIn({ plan, folder, chain, environment });
  return { plan, folder, settings, replaces, notes };
}

/** Throws UsageError if a run would take the place of another log's, unless it is to. */
export function requireOwnFolder({ folder, replaces }: Planned, mayReplace: boolean): void {
  if (replaces === null || mayReplace) return;
  throw new UsageError(
    `${folder}: holds a run of other files, ${replaces}; name another folder with --output, or let this run take its place with --replace`,
  );
}

/** What people did not say of their own logs, found in the files, and in words which columns are used and which are not. */
async function lookAt(
  source: Source,
  options: Record<string, unknown> = {},
  inputs: Plan["inputs"],
): Promise<{ found: object; notes: string[] }> {
  if (!source.look || inputs.length === 0) return { found: {}, notes: [] };
  const given = options as unknown as LogSettings;
  const paths = inputs.map(({ path }) => path);
  const { settings, unused } = await source.look(paths, given);
  const { columns, rows } = settings;
  const isUsual = (key: string, name: string) => key === name && ["messages", "role", "content"].includes(key);
  const byName = Object.entries(columns).filter(([key, name]) => name && !given.columns[key] && !isUsual(key, name));
  const list = byName.map(([key, name]) => `${key}=${name}`).join(",");
  const { summary, isInParts } = rowKindNamed(rows);
  const notes = [
    ...(rows === "conversation" || given.rows !== null
      ? []
      : [
          `a row is ${summary}${isInParts ? `: those with the same \`${columns["id"]}\` belong together` : ""}; --set prepare.rows=<kind> says otherwise`,
        ]),
    ...(byName.length > 0 ? [`columns found by their names: ${list}; --columns says otherwise`] : []),
    ...(unused.length > 0 ? [`columns that are not used: ${unused.join(", ")}`] : []),
    ...(columns["user"]
      ? []
      : ["no column tells who the user is: every conversation stands alone; --columns user=<name> names one"]),
    ...(isInParts && !columns["turn"] && !columns["time"]
      ? [
          "no column tells the order of rows: those of a conversation come as they are in the files; --columns turn=<name> or time=<name> names one",
        ]
      : []),
  ];
  return { found: settings, notes };
}

/** Throws UsageError if a split by user is asked of a source that names none. */
function requireUsers(source: Source, split: Record<string, unknown> = {}): void {
  const needsUsers = ["user-in-country", "user-and-country", "user"].includes(String(split["by"]));
  if (source.noUsers === undefined || !needsUsers || split["fixedSplit"] !== null) return;
  throw new UsageError(
    `source ${source.name} cannot be split by \`${split["by"]}\`: ${source.noUsers}; take --split-by groups (its default), which keeps together what is alike, or hash`,
  );
}

async function findInputs(
  source: Source,
  settings: RunSettings,
  options: DownloadOptions,
  environment: Environment,
): Promise<Pick<Plan, "hub" | "inputs">> {
  if (settings.input.length > 0) return { hub: null, inputs: await localInputs(settings.input) };
  const repo = options.repo ?? source.hub?.repo;
  const files = options.files ?? source.hub?.files;
  if (!repo || !files)
    throw new UsageError(
      `source ${source.name} has no Hub dataset of its own: name files with --input, or --repo and --set download.files=<globs>`,
    );
  const asked = options.revision ?? (options.repo ? "main" : (source.hub?.revision ?? "main"));
  const net = hubNet(environment.env, { fetch: environment.fetch });
  const revision = await resolveRevision({ repo, revision: asked }, net);
  const listed = await listHubFiles({ repo, revision }, files, net);
  const inputs = listed.map(({ path, bytes, sha256, gitOid }) => ({
    path,
    bytes,
    modified_ms: null,
    sha256,
    git_oid: gitOid,
  }));
  return { hub: { repo, revision }, inputs };
}

/** Local files by name or glob, each once, sorted by path: the order in which they are given changes nothing. */
async function localInputs(patterns: readonly string[]): Promise<PlannedInput[]> {
  const inputs = new Map<string, PlannedInput>();
  for (const pattern of patterns) {
    const isGlob = /[*?{[]/.test(pattern) && !existsSync(pattern);
    const paths = isGlob
      ? await glob(pattern, { absolute: pattern.startsWith("/"), expandDirectories: false })
      : [pattern];
    if (paths.length === 0) throw new UsageError(`--input ${pattern}: matches no file`);
    for (const path of paths) {
      const found = await requireReadable(path);
      if (!READABLE.test(path))
        throw new UsageError(
          `${path}: expected a name that ends in .parquet, .jsonl, .json, .csv or .tsv, the last four plain or with .gz or .zst behind it`,
        );
      inputs.set(await realpath(path), { path, ...found, sha256: null, git_oid: null });
    }
  }
  return [...inputs.values()].sort((a, b) => compare(a.path, b.path));
}
