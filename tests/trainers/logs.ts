import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CONVERSATIONS } from "./conversations.ts";

/** Writes the conversations as a log (`logs.jsonl`) with their intents (`intents.jsonl`), as somebody would bring them. */
export function writeLogs(folder: string): { logs: string; intents: string } {
  const write = (name: string, rows: readonly object[]) => {
    const path = join(folder, name);
    writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    return path;
  };
  const messages = (turns: readonly string[]) =>
    turns.map((content, at) => ({ role: at % 2 === 0 ? "user" : "assistant", content }));
  return {
    logs: write(
      "logs.jsonl",
      CONVERSATIONS.map(({ name, turns }) => ({ id: name, messages: messages(turns) })),
    ),
    intents: write(
      "intents.jsonl",
      CONVERSATIONS.map(({ name, intent }) => ({ conversation_id: name, intent })),
    ),
  };
}
