import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { realFile } from "../data/real.ts";
import { temporary } from "../helpers/folder.ts";
import { succeed } from "../runs/flipturn.ts";
import type { Made } from "./conversations.ts";

/** Everything that these tests write. */
export const FOLDER = temporary();

/** Writes conversations as a log with their intents, as somebody would bring them; gives the options that read them. */
export function log(name: string, conversations: readonly Made[], { intents }: { intents: boolean }): string[] {
  const write = (kind: string, rows: readonly object[]) => {
    const path = join(FOLDER, `${name}-${kind}.jsonl`);
    writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    return path;
  };
  const messages = (turns: readonly string[]) =>
    turns.map((content, at) => ({ role: at % 2 === 0 ? "user" : "assistant", content }));
  const logs = write(
    "logs",
    conversations.map(({ name: id, turns }) => ({ id, messages: messages(turns) })),
  );
  const recorded = write(
    "intents",
    conversations.map(({ name: id, intent }) => ({ conversation_id: id, intent })),
  );
  return [
    ...["--source", "chat", "--input", logs, "--columns", "id=id", "--ratios", "80,20,0"],
    ...["--intents", ...(intents ? ["recorded", "--recorded", recorded] : ["none"])],
  ];
}

/** The options that read real WildChat conversations. */
export function wildchat(): string[] {
  const parquet = realFile("wildchat", "parquet_shape_sample.SYNTHETIC_META", "data", "*.parquet");
  return ["--source", "wildchat-1m", "--input", parquet, "--intents", "none", "--language", "any"];
}

const written = new Map<string, Promise<string>>();

/** The folder of the dataset of these conversations in a form, written by `flipturn run` as anybody would. */
export function dataset(
  name: string,
  source: readonly string[],
  form: string,
  ...options: readonly string[]
): Promise<string> {
  const run = join(FOLDER, "runs", [name, form, ...options.map((part) => part.replace(/^--/, ""))].join("-"));
  const known = written.get(run);
  if (known) return known;
  mkdirSync(run, { recursive: true });
  const args = ["run", ...source, "--output", run, "--templates", "keep", "--form", form, ...options];
  const folder = succeed(args, { cwd: FOLDER }).then(() => join(run, "dataset", form));
  written.set(run, folder);
  return folder;
}
