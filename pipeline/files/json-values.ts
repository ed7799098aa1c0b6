import { JSONParser } from "@streamparser/json";
import { InputError } from "../errors.ts";
import type { TextRow } from "./text-row.ts";
import { readText } from "./text-stream.ts";

/** Characters that are looked at to tell how a file is laid out. */
const HEAD = 1 << 20;

/** Where the values of a JSON file are that are its rows: beside one another, in a list, or in the one list that an object has. */
export type PlaceOfValues =
  | { readonly in: "file" }
  | { readonly in: "list" }
  | { readonly in: "field"; readonly field: string };

/**
 * Where the rows of a file of JSON are; null = each has a line of its own. An object with a list is taken for its list only
 * where `isRow` says that what is in it are rows.
 */
export async function placeOfValues(
  path: string,
  isRow: (value: unknown) => boolean = () => false,
): Promise<PlaceOfValues | null> {
  const head = (await headOf(path)).replace(/^\uFEFF/, "");
  if (head.trimStart().startsWith("[")) return { in: "list" };
  const [first = "", ...rest] = head.split("\n").filter((line) => line.trim() !== "");
  const isLine = isJson(first);
  if (isLine && rest.length > 0) return null;
  const list = firstList(head);
  if (list !== null && isRow(list.value)) return { in: "field", field: list.field };
  return isLine || first === "" ? null : { in: "file" };
}

/** Bytes that are read of a value: the parser holds all of it. */
const MOST = 64 << 20;

/**
 * The values at a place of a JSON file, numbered from 1; of one of more than `most` bytes its size alone is told. Memory: one
 * value of 64 MB. Throws InputError where it is no JSON, or a value has more than that.
 */
export async function* readValues(
  path: string,
  place: PlaceOfValues,
  most: number,
  signal?: AbortSignal,
): AsyncGenerator<TextRow> {
  let row = 0;
  /** Bytes that were read since the last value came. */
  let bytes = 0;
  let found: unknown[] = [];
  const parser = parserOf(place, (value) => found.push(value));
  const where = () => `after row ${row}: `;
  const give = (bytes: Buffer | null) => {
    try {
      if (bytes) parser.write(bytes);
      else if (!parser.isEnded) parser.end();
    } catch (cause) {
      throw new InputError(`${path}: ${where()}no JSON: ${(cause as Error).message}`, { cause });
    }
  };
  for await (const chunk of readText(path, where, signal)) {
    give(chunk);
    bytes += chunk.length;
    for (const value of found) yield bytes > most ? within(most, ++row, value) : { row: ++row, value };
    if (found.length > 0) bytes = 0;
    else if (bytes > MOST)
      throw new InputError(
        `${path}: ${where()}a value of more than 64 MB; leave it out, or write the rows as JSON lines, where it is rejected by itself`,
      );
    found = [];
  }
  give(null);
}

function within(most: number, row: number, value: unknown): TextRow {
  const bytes = Buffer.byteLength(JSON.stringify(value));
  return bytes > most ? { row, tooLarge: bytes } : { row, value };
}

function parserOf(place: PlaceOfValues, take: (value: unknown) => void): JSONParser {
  const paths = { file: "$", list: "$.*", field: "$.*.*" };
  const parser = new JSONParser({
    paths: [paths[place.in]],
    keepStack: false,
    ...(place.in === "file" && { separator: "" }),
  });
  parser.onValue = (each) => {
    if (place.in !== "field" || fieldOf(each) === place.field) take(each.value);
  };
  return parser;
}

/** A value as the parser tells it. */
type Found = Parameters<JSONParser["onValue"]>[0];

/** The field of the outermost object whose list a value is in. */
function fieldOf({ key, stack }: Found): string | undefined {
  return typeof key === "number" ? (stack[1]?.key as string) : undefined;
}

/** The first value of the first list in the outermost object. */
function firstList(head: string): { field: string; value: unknown } | null {
  let found: { field: string; value: unknown } | null = null;
  const parser = new JSONParser({ paths: ["$.*.*"], keepStack: false, separator: "" });
  parser.onValue = (each) => {
    const field = fieldOf(each);
    if (field !== undefined && typeof each.value === "object") found ??= { field, value: each.value };
  };
  // What is no JSON is said by whoever reads it all.
  parser.onError = () => {};
  parser.write(head);
  return found;
}

async function headOf(path: string): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of readText(path)) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= HEAD) break;
  }
  return Buffer.concat(chunks).toString();
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}
