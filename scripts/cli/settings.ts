/** Settings of a run <-> flags of a command. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { z } from "zod";
import type { Chain } from "../../pipeline/chain.ts";
import {
  type Given,
  layer,
  place,
  RunSettings,
  type Setting,
  settingsOf,
  unknownSetting,
} from "../../pipeline/config.ts";
import { UsageError } from "../../pipeline/errors.ts";
import { sources } from "../../stages/sources/index.ts";
import { choicesOf, parseText, placeholder, unwrap } from "./typed-text.ts";

/** The settings that many runs name, by their flag, in the order of the help text. */
export const SHORT_FLAGS: Readonly<Record<string, string>> = {
  source: "source",
  input: "input",
  output: "output",
  seed: "seed",
  shards: "shards",
  executor: "executor",
  threads: "threads.count",
  repo: "download.repo",
  language: "prepare.language",
  columns: "prepare.columns",
  "role-map": "prepare.roleMap",
  "time-format": "prepare.timeFormat",
  "min-count": "dedup.minCount",
  review: "dedup.review",
  contaminated: "dedup.contaminated",
  "near-duplicates": "dedup.nearDuplicates",
  "split-by": "split.by",
  ratios: "split.ratios",
  intents: "intents.provider",
  recorded: "intents.recorded",
  import: "intents.import",
  model: "models.intents.model",
  "base-url": "models.intents.baseUrl",
  answers: "intents.answers",
  budget: "models.intents.budget",
  request: "models.intents.request",
  concurrency: "models.intents.concurrency",
  "end-labels": "flip.endLabels",
  form: "render.form",
  "file-format": "render.fileFormat",
  layout: "render.layout",
  "chat-template": "render.chatTemplate",
  tokenizer: "render.tokenizer",
  "max-tokens": "render.maxTokens",
  packing: "render.packing",
};

/** Settings that once had a flag of their own. It still works, but is shown nowhere: `--set` reaches them all. */
const EARLIER_FLAGS: Readonly<Record<string, readonly string[]>> = {
  download: ["revision", "parallel", "files"],
  prepare: ["unknownLanguage", "toxic", "redacted", "roles", "repeats", "paths", "maxBadRows"],
  dedup: ["templates", "coverage", "keep", "shortPrompts", "nearText", "jaccard", "shingle", "bands", "bandRows"],
  split: ["leaks", "fixedSplit"],
  intents: [
    ...["importColumns", "intentPrompt", "intentPrefix", "maxIntentWords", "unanswered"],
    ...["specified", "specifiedCopy", "specifiedShare", "specifiedWords"],
  ],
  "models.intents": [
    ...["temperature", "maxOutputTokens", "tokenLimitName", "contextTokens", "price", "requestsPerMinute"],
    ...["tokensPerMinute", "tries", "maxFailures", "batchRequests", "batchMegabytes", "enqueuedTokens", "batchTail"],
    "timeoutSeconds",
  ],
  flip: ["emptyTargets", "endAfterUser"],
  render: [
    "overflow",
    "bos",
    "bosToken",
    "eosToken",
    "templateDate",
    "newlineInLoss",
    "stopInLoss",
    "whitespace",
    "controlTokens",
  ],
};

/** The same for flags that were not named after their setting. */
const RENAMED_FLAGS: Readonly<Record<string, string>> = { format: "render.fileFormat", "bin-pack": "render.packing" };

/** A setting as a flag. */
export interface SettingFlag {
  readonly flag: string;
  readonly setting: Setting;
  readonly isHidden: boolean;
}

/** What stands for null, which commander takes for a value that is missing. */
const NULL = Symbol("null");

/** A name as flags have it: `minCount` is `min-count`. */
export function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Every setting of a chain that has a flag of its own. */
export function settingFlags(chain: Chain): SettingFlag[] {
  const settings = new Map(settingsOf(chain).map((setting) => [setting.path.join("."), setting]));
  const earlier = Object.entries(EARLIER_FLAGS).flatMap(([group, names]) =>
    names.map((name) => [kebab(name), `${group}.${name}`] as const),
  );
  const hidden = [...earlier, ...Object.entries(RENAMED_FLAGS)];
  return [...Object.entries(SHORT_FLAGS), ...hidden].map(([flag, path], index): SettingFlag => {
    const setting = settings.get(path);
    if (!setting) throw new Error(`--${flag} is to set ${path}, and there is no such setting`);
    return { flag, setting, isHidden: index >= Object.keys(SHORT_FLAGS).length };
  });
}

/** Adds the flags of settings to a command, in groups, with their defaults. `fixed` are those that the command decides. */
export function addSettingFlags(command: Command, chain: Chain, fixed: readonly string[]): void {
  for (const { flag, setting, isHidden } of settingFlags(chain)) {
    if (fixed.includes(flag)) continue;
    const option = optionOf(flag, setting.type, descriptionOf(setting)).hideHelp(isHidden);
    command.addOption(option.helpGroup(groupOf(setting, chain)));
  }
  command.addOption(
    new Option(
      "--set <path=value>",
      "any setting by its path, such as dedup.coverage=0.6; `flipturn settings` lists them",
    )
      .argParser((text: string, before: Given | undefined) => addSet(before ?? {}, text, chain))
      .helpGroup("Options:"),
  );
}

/** Where the help text shows a setting: by stage, or by what a language model is for. */
function groupOf({ path }: Setting, chain: Chain): string {
  const [group = "", role = ""] = path;
  if (group === "models") return `Language model for ${role}:`;
  return chain.stages.some(({ name }) => name === group) ? `Options of ${group}:` : "Options:";
}

/** A flag that takes what a type takes. Several of a list add up. */
export function optionOf(flag: string, type: z.ZodType, description: string): Option {
  const { inner } = unwrap(type);
  if (isPaths(flag, inner))
    return new Option(`--${flag} <${String(type.meta()?.["value"] ?? "file")}...>`, description);
  if (inner.def.type === "boolean")
    return new Option(`--${flag} [true|false]`, description)
      .preset("true")
      .argParser((text: string) => parseText(text, type));
  const option = new Option(`--${flag} <${placeholder(type)}>`, description);
  return option.argParser((text: string, before: unknown) => {
    const value = parseFlag(text, type);
    if (Array.isArray(value) && Array.isArray(before)) return [...before, ...value];
    return value === null ? NULL : value;
  });
}

/** Throws InvalidArgumentError, to which the parser of the command line adds the name of the flag. */
function parseFlag(text: string, type: z.ZodType): unknown {
  try {
    return parseText(text, type);
  } catch (error) {
    throw error instanceof UsageError ? new InvalidArgumentError(`${error.message}.`) : error;
  }
}

/** Names of files may have commas in them. */
function isPaths(name: string, inner: z.ZodType): boolean {
  return inner.def.type === "array" && ["input", "against", "answers"].includes(name);
}

/** The value of a flag as it was meant. */
export function asMeant(found: unknown): unknown {
  return found === NULL ? null : found;
}

/** What a setting is for, its choices and its default. */
function descriptionOf({ type, fallback }: Setting): string {
  const { inner, fallback: own } = unwrap(type);
  const choices = type === RunSettings.shape.source ? sources.map(({ name }) => name) : choicesOf(inner);
  const shown = fallback ?? own;
  const isShown =
    shown !== undefined &&
    shown !== null &&
    shown !== "" &&
    (Array.isArray(shown) ? shown.length > 0 : typeof shown !== "object");
  return [
    type.description ?? "",
    choices.length > 0 && `[${choices.join(", ")}]`,
    isShown && `(default: ${JSON.stringify(shown)})`,
  ]
    .filter(Boolean)
    .join(" ");
}

/** Puts `path=value` into what was given. Throws InvalidArgumentError without `=`, UsageError for a setting that there is not. */
function addSet(given: Given, text: string, chain: Chain): Given {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError(`expected <path>=<value>, such as dedup.minCount=50.`);
  const path = text.slice(0, at).split(".");
  const value = text.slice(at + 1);
  const type = typeAt(path, chain);
  const { inner } = unwrap(type);
  const found = isPaths(path.at(-1) ?? "", inner) ? [value] : parseFlag(value, type);
  const before = path.reduce<unknown>((each, name) => (each as Given | undefined)?.[name], given);
  return layer(given, place(path, Array.isArray(before) && Array.isArray(found) ? [...before, ...found] : found));
}

/** The type of what stands at a path: of a setting, or of a part of one. Throws UsageError if nothing does. */
function typeAt(path: readonly string[], chain: Chain): z.ZodType {
  const settings = settingsOf(chain);
  const setting = settings.find(({ path: own }) => own.every((name, index) => name === path[index]));
  if (setting) return partOf(setting, path);
  const under = (depth: number) =>
    settings.filter(({ path: own }) => path.slice(0, depth).every((name, at) => name === own[at]));
  const depth = path.findIndex((_, at) => under(at + 1).length === 0);
  if (depth < 0) {
    const [first] = under(path.length);
    throw new UsageError(
      `setting \`${path.join(".")}\` holds others; set one of them, such as ${first?.path.join(".")}`,
    );
  }
  const known = under(depth).map(({ path: own }) => own[depth] ?? "");
  throw unknownSetting(path, [...new Set(known)], depth);
}

function partOf({ path: whole, type }: Setting, path: readonly string[]): z.ZodType {
  let found = type;
  for (const [index, name] of path.slice(whole.length).entries()) {
    const { shape = {} } = unwrap(found).inner as z.ZodObject;
    const part = shape[name] as z.ZodType | undefined;
    const before = path.slice(0, whole.length + index);
    if (Object.keys(shape).length === 0) throw new UsageError(`setting \`${before.join(".")}\` has no parts`);
    if (!part) throw unknownSetting([...before, name], Object.keys(shape));
    found = part;
  }
  return found;
}

/** The settings that flags gave, in the shape of a configuration file. What `--set` says counts. */
export function givenByFlags(values: Readonly<Record<string, unknown>>, chain: Chain): Given {
  const given = settingFlags(chain).flatMap(({ flag, setting }) => {
    const found = values[new Option(`--${flag}`).attributeName()];
    return found === undefined ? [] : [place(setting.path, asMeant(found))];
  });
  return layer(...given, (values["set"] as Given | undefined) ?? {});
}
