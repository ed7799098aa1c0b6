import { type Command, InvalidArgumentError, Option } from "commander";
import type { z } from "zod";
import { type Given, RunSettings } from "../../pipeline/config.ts";
import { stages } from "../../stages/index.ts";
import { sources } from "../../stages/sources/index.ts";

/** Flags that are not called after their setting. */
const NAMES: Record<string, string> = { "intents.provider": "intents", "split.by": "split-by" };

/** What stands for null, which commander takes for a value that is missing. */
const NULL = Symbol("null");

/** One setting as a flag. */
type Flag = { flag: string; path: readonly [string] | readonly [string, string]; type: z.ZodType };

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Every setting of a run and of every stage, as a flag named after it. */
export function allFlags(): Flag[] {
  const own = Object.entries(RunSettings.shape).map(
    ([name, type]): Flag => ({ flag: kebab(name), path: [name], type }),
  );
  const staged = stages.flatMap((stage) =>
    Object.entries(stage.options.shape).map(([name, type]): Flag => {
      return { flag: NAMES[`${stage.name}.${name}`] ?? kebab(name), path: [stage.name, name], type: type as z.ZodType };
    }),
  );
  return [...own, ...staged];
}

/** Adds the flags of all settings to a command, in groups by stage, with their defaults. */
export function addFlags(command: Command, leaveOut: readonly string[] = []): Command {
  for (const { flag, path, type } of allFlags()) {
    if (leaveOut.includes(flag)) continue;
    const { inner, fallback, nullable } = unwrap(type);
    const many = path[0] === "input";
    const isSwitch = inner.def.type === "boolean";
    const value = isSwitch ? "[true|false]" : `<${many ? "file..." : (placeholder(inner) ?? "value")}>`;
    const option = new Option(`--${flag} ${value}`, describe(type, inner, fallback));
    if (isSwitch) option.preset("true");
    if (!many) option.argParser((text: string) => (text === "null" && nullable ? NULL : parse(text, inner)));
    command.addOption(option.helpGroup(path.length === 1 ? "Options:" : `Options of ${path[0]}:`));
  }
  return command;
}

function describe(type: z.ZodType, inner: z.ZodType, fallback: unknown): string {
  const choices = inner.def.type === "enum" ? ` [${Object.values((inner as z.ZodEnum).enum).join(", ")}]` : "";
  const shown =
    fallback === undefined || fallback === null || typeof fallback === "object"
      ? Array.isArray(fallback) && fallback.length > 0
        ? String(fallback)
        : ""
      : String(fallback);
  const known = type === RunSettings.shape.source ? `: ${sources.map((source) => source.name).join(", ")}` : "";
  return `${type.description ?? ""}${known}${choices}${shown === "" ? "" : ` (default: ${JSON.stringify(fallback)})`}`;
}

function placeholder(inner: z.ZodType): string | null {
  const { type } = inner.def;
  if (type === "number") return (inner as z.ZodNumber).isInt ? "n" : "number";
  if (type === "object") return "key=value,…";
  return type === "array" ? "a,b,…" : null;
}

/** What is inside defaults, nullables and transforms, and the default. */
export function unwrap(type: z.ZodType): { inner: z.ZodType; fallback: unknown; nullable: boolean } {
  let inner = type;
  let nullable = false;
  let fallback: unknown;
  for (;;) {
    const def = inner.def as z.core.$ZodTypes["_zod"]["def"];
    if (def.type === "default") fallback = def.defaultValue;
    if (def.type === "nullable") nullable = true;
    if (def.type === "pipe") inner = def.in as z.ZodType;
    else if (def.type === "default" || def.type === "prefault" || def.type === "nullable")
      inner = def.innerType as z.ZodType;
    else return { inner, fallback, nullable };
  }
}

/** The text of a flag as a value of the setting's type; what is wrong with it is said later, with the setting's name. */
function parse(text: string, inner: z.ZodType): unknown {
  switch (inner.def.type) {
    case "number":
      return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
    case "boolean":
      return { true: true, false: false }[text] ?? text;
    case "array":
      return text.split(",").map((part) => parse(part, (inner as z.ZodArray<z.ZodType>).element));
    case "object":
      return Object.fromEntries(text.split(",").map(pair));
    default:
      return text;
  }
}

function pair(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError(`expected key=value pairs with commas between, found "${text}".`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** The settings that were given by flags, in the shape of a configuration file. */
export function givenByFlags(values: Record<string, unknown>): Given {
  const given: Given = {};
  for (const { flag, path } of allFlags()) {
    const found = values[flag.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())];
    if (found === undefined) continue;
    const value = found === NULL ? null : found;
    const [group, name] = path;
    if (name === undefined) given[group] = value;
    else given[group] = { ...(given[group] as object | undefined), [name]: value };
  }
  return given;
}
