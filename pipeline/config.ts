import { readFileSync } from "node:fs";
import { type Document, parseDocument } from "yaml";
import { z } from "zod";
import { UsageError } from "./errors.ts";
import type { Stage } from "./stage.ts";

/** What a run is told beside the options of its stages. */
export const RunSettings = z.strictObject({
  source: z.string().nullable().default(null).describe("where the rows come from"),
  input: z.array(z.string()).default([]).describe("local files or globs to read instead of the Hub"),
  output: z.string().nullable().default(null).describe("folder of the run; default: output/<source>"),
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
});
export type RunSettings = z.infer<typeof RunSettings>;

/** Options as people give them, in a file or by flags: run settings by name, stage options in an object a stage. */
export type Given = Record<string, unknown>;

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
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UsageError(`${path}: expected settings by name, such as \`source: wildchat-1m\``);
  return value as Given;
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

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Throws UsageError for a setting that neither a run nor a stage has. */
export function checkNames(given: Given, stages: readonly Stage[]): void {
  const names = [...Object.keys(RunSettings.shape), ...stages.map((stage) => stage.name)];
  const unknown = Object.keys(given).find((key) => !names.includes(key));
  if (unknown !== undefined)
    throw new UsageError(`unknown setting \`${unknown}\`${nearest(unknown, names)}; known: ${names.join(", ")}`);
}

/**
 * Splits what was given into run settings and the options of each stage, defaults filled in.
 * Throws UsageError that names the setting, what was found and what was expected.
 */
export function resolveConfig(
  given: Given,
  stages: readonly Stage[],
): { settings: RunSettings; options: Map<string, Record<string, unknown>> } {
  checkNames(given, stages);
  const own = Object.fromEntries(Object.entries(given).filter(([key]) => key in RunSettings.shape));
  const settings = check(RunSettings, own, "");
  const options = new Map(
    stages.map((stage) => [
      stage.name,
      check(stage.options, given[stage.name] ?? {}, stage.name) as Record<string, unknown>,
    ]),
  );
  return { settings, options };
}

function check<T extends z.ZodObject>(schema: T, value: unknown, place: string): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = [place, ...(issue?.path ?? [])].filter((part) => part !== "").join(".");
  if (issue?.code === "unrecognized_keys") {
    const key = issue.keys[0] ?? "";
    const known = Object.keys(inside(schema, issue.path).shape);
    throw new UsageError(
      `unknown setting \`${[path, key].filter(Boolean).join(".")}\`${nearest(key, known)}; known: ${known.join(", ")}`,
    );
  }
  const found = (issue?.path ?? []).reduce<unknown>(
    (each, key) => (each as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  );
  throw new UsageError(
    `setting \`${path}\`: found ${JSON.stringify(found)}; ${issue?.message.replace("Invalid input: ", "").replace(/, received .*$/, "")}`,
  );
}

/** The object schema at a path of nested settings. */
function inside(schema: z.ZodObject, path: readonly PropertyKey[]): z.ZodObject {
  let found: z.ZodType = schema;
  for (const key of path) {
    found = (found as z.ZodObject).shape[String(key)] as z.ZodType;
    while ("innerType" in found.def) found = found.def.innerType as z.ZodType;
  }
  return found as z.ZodObject;
}

/** `, did you mean …?` where a known name is at most two edits away. */
function nearest(name: string, known: readonly string[]): string {
  const best = known.map((each) => ({ each, away: edits(name, each) })).sort((a, b) => a.away - b.away)[0];
  return best && best.away <= 2 ? `, did you mean \`${best.each}\`?` : "";
}

/** Levenshtein distance. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [i, char] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      next.push(Math.min((row[j] ?? 0) + (char === other ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
