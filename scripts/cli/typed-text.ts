/** A text that somebody typed <-> a value of a zod type. */
import type { z } from "zod";
import { UsageError } from "../../pipeline/errors.ts";

/** What is inside defaults, nullables and transforms, and what these say. */
export interface Unwrapped {
  readonly inner: z.ZodType;
  /** The default; undefined = there is none. */
  readonly fallback: unknown;
  readonly nullable: boolean;
  readonly optional: boolean;
}

/** Takes a type apart down to what people type. */
export function unwrap(type: z.ZodType): Unwrapped {
  let [inner, fallback, nullable, optional]: [z.ZodType, unknown, boolean, boolean] = [type, undefined, false, false];
  for (;;) {
    const def = inner.def as z.core.$ZodTypes["_zod"]["def"];
    if (def.type === "default") fallback = def.defaultValue;
    if (def.type === "nullable") nullable = true;
    if (def.type === "optional") optional = true;
    if (def.type === "pipe") inner = (def.in._zod.def.type === "transform" ? def.out : def.in) as z.ZodType;
    else if ("innerType" in def) inner = def.innerType as z.ZodType;
    else return { inner, fallback, nullable, optional };
  }
}

/**
 * A text as a value of a type; `null` where the type takes it. What is wrong with a value is said by whoever checks it, who
 * knows what it is called. Throws UsageError for an object that is not written as key=value pairs.
 */
export function parseText(text: string, type: z.ZodType): unknown {
  const { inner, nullable } = unwrap(type);
  if (nullable && text === "null") return null;
  switch (inner.def.type) {
    case "number":
      return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
    case "boolean":
      return text === "true" || (text !== "false" && text);
    case "array":
      if (/^\s*\[.*\]\s*$/s.test(text)) return listOfJson(text);
      return text.split(",").map((part) => parseText(part, (inner as z.ZodArray<z.ZodType>).element));
    case "object":
      return Object.fromEntries(text.split(",").map(pair));
    case "record":
      return /^\s*\{/.test(text) ? jsonObject(text) : Object.fromEntries(text.split(",").map(pair));
    default:
      return text;
  }
}

/** A list as configuration files and this help show them. */
function listOfJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`expected a list such as a,b or ["a","b"], found ${text}`, { cause });
  }
}

function jsonObject(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`expected JSON such as {"name":"value"}, found ${text}`, { cause });
  }
}

function pair(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`expected key=value pairs with commas between, found "${text}"`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** What a type takes, in words: `drop or keep`, `whole number, 1 to 7`. */
export function takesInWords(type: z.ZodType): string {
  const { inner, nullable } = unwrap(type);
  return `${innerInWords(inner)}${nullable ? ", or null" : ""}`;
}

function innerInWords(inner: z.ZodType): string {
  switch (inner.def.type) {
    case "enum":
      return choicesOf(inner).join(", ");
    case "number":
      return `${isWhole(inner) ? "whole number" : "number"}${rangeOf(inner as z.ZodNumber)}`;
    case "boolean":
      return "true, false";
    case "array":
      return `list of: ${takesInWords((inner as z.ZodArray<z.ZodType>).element)}`;
    case "record":
      return "JSON object, or name=value pairs";
    case "object":
      return `${Object.keys((inner as z.ZodObject).shape).join("=, ")}=`;
    default:
      return "text";
  }
}

/** The values of an enumeration, or of a list of them; none for another type. */
export function choicesOf(inner: z.ZodType): string[] {
  if (inner.def.type === "array") return choicesOf(unwrap((inner as z.ZodArray<z.ZodType>).element).inner);
  return inner.def.type === "enum" ? Object.values((inner as z.ZodEnum).enum).map(String) : [];
}

function isWhole(inner: z.ZodType): boolean {
  return (inner as z.ZodNumber).isInt;
}

function rangeOf({ minValue, maxValue }: z.ZodNumber): string {
  const isBound = (value: number | null): value is number =>
    value !== null && Math.abs(value) < Number.MAX_SAFE_INTEGER;
  if (isBound(minValue) && isBound(maxValue)) return `, ${minValue} to ${maxValue}`;
  if (isBound(minValue)) return ` from ${minValue}`;
  return isBound(maxValue) ? ` to ${maxValue}` : "";
}

/** What stands for the value in a help text: `<n>`, `<file>`, `<a,b,…>`. */
export function placeholder(type: z.ZodType): string {
  const { inner } = unwrap(type);
  const told = type.meta()?.["value"];
  if (typeof told === "string") return told;
  switch (inner.def.type) {
    case "number":
      return isWhole(inner) ? "n" : "number";
    case "object":
      return "key=value,…";
    case "array":
      return "a,b,…";
    default:
      return "value";
  }
}
