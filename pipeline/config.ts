import { readFileSync } from "node:fs";
import { closest, distance } from "fastest-levenshtein";
import { type Document, parseDocument } from "yaml";
import { z } from "zod";
import type { Chain } from "./chain.ts";
import { UsageError } from "./errors.ts";
import type { ExecutorKind } from "./executors/executor.ts";
import { executors } from "./executors/index.ts";
import { ServerOptions } from "./models/server-options.ts";

/** What a run is told beside the options of its stages, executors and language models. */
export const RunSettings = z.strictObject({
  source: z.string().nullable().default(null).describe("where the rows come from"),
  input: z.array(z.string()).default([]).describe("local files or globs to read instead of the Hub"),
  output: z
    .string()
    .nullable()
    .default(null)
    .meta({ value: "folder", description: "folder of the run; default: output/<source>" }),
  seed: z
    .union([z.string(), z.int()], { error: "expected text or a whole number" })
    .transform(String)
    .default("0")
    .describe("decides the split and, without a key of your own, the user ids"),
  shards: z
    .int()
    .min(1)
    .max(10_000)
    .nullable()
    .default(null)
    .describe("shards of the conversations; default: one for every 64 MB of input"),
  executor: z
    .enum(executors.map(({ name }) => name) as [string, ...string[]])
    .default("threads")
    .describe("where tasks run; changes nothing of what is written"),
});
export type RunSettings = z.infer<typeof RunSettings>;

/** Options as people give them, in a file or by flags: run settings by name, the others in an object a stage, executor or model. */
export type Given = Record<string, unknown>;

/** Everything that was given for a run, defaults filled in. */
export interface Settings {
  readonly run: RunSettings;
  /** Options of stages by name. */
  readonly options: ReadonlyMap<string, Record<string, unknown>>;
  /** Settings of language models by role. */
  readonly models: Readonly<Record<string, Record<string, unknown>>>;
  /** Options of executors by name. */
  readonly executors: ReadonlyMap<string, Record<string, unknown>>;
}

/** One setting: where it stands in a configuration file, and what it takes. */
export type Setting = {
  readonly path: readonly string[];
  readonly type: z.ZodType;
  /** The default where it is not that of the type; absent = it is. */
  readonly fallback?: unknown;
};

/** The roles of language models that the stages of a chain speak with, with their defaults. */
function modelRoles(chain: Chain): ReadonlyMap<string, Partial<ServerOptions>> {
  return new Map(chain.stages.flatMap((stage) => Object.entries(stage.models ?? {})));
}

/** Everything that can be set for runs of a chain, as one schema: what a configuration file holds. */
function schemaOf(chain: Chain): z.ZodObject {
  const roles = [...modelRoles(chain).keys()].map((role) => [role, ServerOptions]);
  const groups = [...chain.stages, ...executors].map(({ name, options }) => [name, options.prefault({})]);
  return z.strictObject({
    ...RunSettings.shape,
    ...(roles.length > 0 && { models: z.strictObject(Object.fromEntries(roles)) }),
    ...Object.fromEntries(groups),
  });
}

/** Every setting of a chain, in the order in which help and documentation show them. */
export function settingsOf(chain: Chain): Setting[] {
  const within = (path: readonly string[], { shape }: z.ZodObject): Setting[] =>
    Object.entries(shape).map(([name, type]) => ({ path: [...path, name], type: type as z.ZodType }));
  return [
    ...within([], RunSettings),
    ...chain.stages.flatMap((stage) => within([stage.name], stage.options)),
    ...[...modelRoles(chain)].flatMap(([role, defaults]) =>
      within(["models", role], ServerOptions).map((setting) => {
        const name = setting.path.at(-1) as keyof ServerOptions;
        return name in defaults ? { ...setting, fallback: defaults[name] } : setting;
      }),
    ),
    ...executors.flatMap((kind: ExecutorKind) => within([kind.name], kind.options)),
  ];
}

/** A configuration file (YAML or JSON). Throws UsageError with the line where it is not YAML. */
export function readConfig(path: string): Given {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new UsageError(`${path}: cannot be read: ${(cause as Error).message}`, { cause });
  }
  const document = parseDocument(text);
  const error = document.errors[0];
  if (error) throw new UsageError(`${path}:${error.linePos?.[0].line ?? 1}: ${error.message.split("\n")[0]}`);
  const value = toValue(document, path);
  if (!isObject(value)) throw new UsageError(`${path}: expected settings by name, such as \`source: wildchat-1m\``);
  return value;
}

function toValue(document: Document, path: string): unknown {
  try {
    return document.toJS() ?? {};
  } catch (cause) {
    const hint = "a value that begins with * is an alias in YAML; put it in quotes";
    throw new UsageError(`${path}: ${(cause as Error).message} (${hint})`, { cause });
  }
}

/** Layers of options in rising precedence: a later value replaces an earlier one, objects are merged. */
export function layer(...layers: readonly Given[]): Given {
  const merged: Given = {};
  for (const given of layers) {
    for (const [key, value] of Object.entries(given)) {
      const before = merged[key];
      merged[key] = isObject(before) && isObject(value) ? layer(before, value) : value;
    }
  }
  return merged;
}

/** One value in the shape of a configuration file: `place(["dedup", "minCount"], 50)` is `{ dedup: { minCount: 50 } }`. */
export function place(path: readonly string[], value: unknown): Given {
  return path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as Given;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Settings that are called otherwise since they were first documented, by their old path. */
const RENAMED: ReadonlyMap<string, string> = new Map([
  ...Object.keys(ServerOptions.shape).map((name) => [`intents.${name}`, `models.intents.${name}`] as const),
  ["write", "render"],
  ["write.layout", "render.layout"],
  ["split.userKey", "split.by"],
  ["write.format", "render.fileFormat"],
  ["write.binPack", "render.packing"],
  ["render.format", "render.fileFormat"],
  ["render.binPack", "render.packing"],
]);

/** Throws UsageError for a setting at the top that there is not. */
export function checkNames(given: Given, chain: Chain): void {
  const { shape } = schemaOf(chain);
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(shape, name));
  if (unknown === undefined) return;
  const inside = isObject(given[unknown]) ? Object.keys(given[unknown]) : [];
  const renamed = inside.find((name) => RENAMED.has(`${unknown}.${name}`));
  throw unknownSetting(renamed === undefined ? [unknown] : [unknown, renamed], Object.keys(shape));
}

/**
 * What was given, checked, with defaults filled in.
 * Throws UsageError that names the setting, what was found and what was expected.
 */
export function resolveConfig(given: Given, chain: Chain): Settings {
  const schema = schemaOf(chain);
  const roles = modelRoles(chain);
  const defaults = roles.size === 0 ? {} : { models: Object.fromEntries(roles) };
  const all = check(schema, layer(defaults, withoutEmptyGroups(given)));
  const own = Object.fromEntries(Object.keys(RunSettings.shape).map((name) => [name, all[name]]));
  const group = (name: string) => [name, all[name] as Record<string, unknown>] as const;
  return {
    run: own as RunSettings,
    options: new Map(chain.stages.map(({ name }) => group(name))),
    models: (all["models"] ?? {}) as Settings["models"],
    executors: new Map(executors.map(({ name }) => group(name))),
  };
}

/** A group that is named but left empty, as in YAML, is one without settings. */
function withoutEmptyGroups(given: Given): Given {
  const isGroup = (name: string) => !Object.hasOwn(RunSettings.shape, name);
  return Object.fromEntries(Object.entries(given).filter(([name, value]) => value !== null || !isGroup(name)));
}

function check(schema: z.ZodObject, value: Given): Record<string, unknown> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0] as z.core.$ZodIssue;
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys")
    throw unknownSetting([...path, issue.keys[0] ?? ""], Object.keys(shapeAt(schema, path)));
  const found = issue.path.reduce<unknown>(
    (each, key) => (each as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  );
  const expected = issue.message.replace("Invalid input: ", "").replace(/, received .*$/, "");
  throw new UsageError(`setting \`${path.join(".")}\`: found ${JSON.stringify(found)}; ${expected}`);
}

/**
 * The error for a setting that there is not, with its new name or the nearest one. `depth`: place in the path of the first
 * name that is not known, among those in `known`; default: the last.
 */
export function unknownSetting(path: readonly string[], known: readonly string[], depth = path.length - 1): UsageError {
  const [whole, name] = [path.join("."), path.slice(0, depth + 1).join(".")];
  const now = RENAMED.get(whole) ?? RENAMED.get(path[0] ?? "");
  if (now !== undefined)
    return new UsageError(`setting \`${RENAMED.has(whole) ? whole : path[0]}\` is now called \`${now}\``);
  return new UsageError(`unknown setting \`${name}\`${nearest(path[depth] ?? "", known)}; known: ${known.join(", ")}`);
}

/** What can be set inside a setting at a path; nothing inside one that is no object. */
function shapeAt(schema: z.ZodObject, path: readonly string[]): Record<string, unknown> {
  let found: z.ZodType = schema;
  for (const key of path) {
    found = (found as z.ZodObject).shape[key] as z.ZodType;
    while ("innerType" in found.def) found = found.def.innerType as z.ZodType;
  }
  return (found as z.ZodObject).shape;
}

/** `, did you mean …?` where a known name is at most two edits away. */
function nearest(name: string, known: readonly string[]): string {
  const best = closest(name, [...known]);
  return best !== undefined && distance(name, best) <= 2 ? `, did you mean \`${best}\`?` : "";
}
