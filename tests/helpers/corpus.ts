// All text of the real conversations, for tokenizers to agree on. Used by tests and, outside vitest, by the consumers.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { globSync } from "tinyglobby";

const folder = join(import.meta.dirname, "..", "..", "..", "shared", "data");

/** Every distinct string of every JSONL file under a folder, and every line of its other text files. Empty if there is no such folder. */
export function corpus(root: string = folder): string[] {
  const texts = new Set<string>();
  for (const path of globSync("**/*.{jsonl,csv,md}", { cwd: root, absolute: true }).sort()) {
    for (const line of readFileSync(path, "utf8").split("\n")) {
      if (!path.endsWith(".jsonl")) texts.add(line);
      else if (line !== "") for (const text of strings(JSON.parse(line))) texts.add(text);
    }
  }
  return [...texts];
}

function* strings(value: unknown): Generator<string> {
  if (typeof value === "string") yield value;
  else if (typeof value === "object" && value !== null) for (const each of Object.values(value)) yield* strings(each);
}
