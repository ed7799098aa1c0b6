import { z } from "zod";
import { type ExplainedStage, explain as explainConversation } from "../../../stages/explain/explain.ts";
import { defineCommand } from "../command.ts";
import { type Io, print, printJson } from "../io.ts";
import { findRun, OfRun } from "../runs.ts";
import { paint } from "../terminal.ts";

/** `flipturn explain`: one conversation's way through every stage, or the reason it left. */
export const explain = defineCommand({
  name: "explain",
  summary: "show one conversation's way through every stage, or the reason it left",
  input: z.strictObject({ id: z.string().describe("id of a conversation or of one of its samples"), ...OfRun }),
  positional: "id",
  examples: ["flipturn explain wildchat-1m:00183ce586b46292f6b4282fd808c426 --output output/wildchat-1m"],
  async run({ id, output, json }, io) {
    const found = await explainConversation(await findRun(output, io), id);
    if (json) return printJson(io, found);
    print(io, paint(io, "bold", found.conversation_id));
    const width = Math.max(...found.steps.map(({ stage }) => stage.length));
    for (const step of found.steps) show(step, width, io);
  },
});

function show({ stage, state, rejections, rows }: ExplainedStage, width: number, io: Io): void {
  const indent = " ".repeat(width + 3);
  print(io, `${paint(io, state === "kept" ? "green" : "red", stage.padEnd(width))} ${state}`);
  for (const { id, reason, detail } of rejections) print(io, `${indent}${reason}  ${id}  ${detail}`);
  for (const row of rows) {
    const cells = Object.entries(row).map(([name, value]) => `${name}=${brief(value)}`);
    print(io, `${indent}${cells.join("  ")}`);
  }
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? "";
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}
