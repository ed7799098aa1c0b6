import { join } from "node:path";
import { z } from "zod";
import {
  type DecontaminateOptions,
  type FoundOfSet,
  decontaminate as find,
} from "../../../stages/dedup/decontaminate.ts";
import { LEAST_WORDS } from "../../../stages/dedup/overlap/find.ts";
import { defineCommand } from "../command.ts";
import { print, printJson } from "../io.ts";
import { findRun, OfRun } from "../runs.ts";
import { count, table } from "../terminal.ts";

/** Passages that are shown. */
const EXAMPLES = 5;

/** `flipturn decontaminate`: finds text of evaluation sets in what users say, and writes which conversations hold which items. */
export const decontaminate = defineCommand({
  name: "decontaminate",
  summary: "find text of evaluation sets in what users say",
  input: z.strictObject({
    ...OfRun,
    against: z
      .array(z.string())
      .min(1)
      .describe("JSONL, Parquet or text; hf://datasets/<owner>/<name>/<path> for the Hub"),
    column: z
      .array(z.string())
      .default([])
      .describe("column to compare, such as question.stem; default: the first known one that is there"),
    minWords: z.int().min(1).default(LEAST_WORDS).describe("shorter items are not looked for"),
    drop: z.boolean().default(false).describe("write them as conversations to drop; without it, to flag"),
    file: z.string().optional().meta({
      value: "file",
      description: "where to write them; default: contaminated.jsonl in the folder of the run",
    }),
  }),
  examples: [
    "flipturn decontaminate --against gsm8k-test.jsonl hf://datasets/openai/openai_humaneval/openai_humaneval/test-*.parquet --drop",
  ],
  async run({ output, against, column, minWords, drop, file: given, json }, io) {
    const run = await findRun(output, io);
    const file = given ?? join(run.folder, "contaminated.jsonl");
    const verdict = drop ? "drop" : "flag";
    const options: DecontaminateOptions = { against, columns: column, verdict, leastWords: minWords, file };
    const { found, sets } = await find(run, options, io.signal);
    if (json) return printJson(io, { file, found: found.length, sets });
    print(io, setsTable(sets));
    for (const { conversation_id, item, match, turn, text } of found.slice(0, EXAMPLES))
      print(io, `\n${conversation_id} turn ${turn}, ${match} of ${item}:\n  ${text}`);
    print(io, `\n${file}: ${count(found.length)} rows`);
    const then = drop
      ? "these conversations leave, each with its item named."
      : "their items are noted among the keys of the group split; with --drop they leave, each with its item named.";
    print(io, `Run again with --contaminated ${file}: ${then}`);
  },
});

function setsTable(sets: readonly FoundOfSet[]): string {
  const rows = sets.map(({ name, items, short, items_found, conversations, exact, overlaps }) => [
    name,
    ...[items, short, items_found, conversations, exact, overlaps].map(count),
  ]);
  return table(
    [["evaluation set", "items", "too short", "found", "conversations", "exact", "13-gram"], ...rows],
    [1, 2, 3, 4, 5, 6],
  );
}
