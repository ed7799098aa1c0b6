import { z } from "zod";
import { finishedManifest } from "../../../pipeline/fingerprint.ts";
import { journalFile } from "../../../pipeline/models/journal.ts";
import type { LedgerRow } from "../../../pipeline/models/ledger.ts";
import type { Manifest } from "../../../schemas/manifest.ts";
import { conditioned } from "../../../stages/intents/artefacts.ts";
import { journalFolder, readLedger } from "../../../stages/intents/costs.ts";
import {
  besideTurns,
  type IntentBesideTurns,
  qualityInWords,
  randomIntents,
  worstIntents,
} from "../../../stages/intents/review.ts";
import { defineCommand } from "../command.ts";
import { type Io, print, printJson } from "../io.ts";
import { findRun, OfRun } from "../runs.ts";
import { count, paint, table, widthOf } from "../terminal.ts";

/** `flipturn intents ledger`: what was sent and spent, by model, and what the stage has come to. */
export const showLedger = defineCommand({
  name: "intents ledger",
  summary: "what was sent and spent, by model",
  input: z.strictObject(OfRun),
  examples: ["flipturn intents ledger --output output/wildchat-1m"],
  async run({ output, json }, io) {
    const run = await findRun(output, io);
    const models = readLedger(run);
    const manifest = await finishedManifest(run, conditioned.intents.stage);
    if (json) return printJson(io, { models, intents: manifest && comeTo(manifest) });
    print(io, models.length === 0 ? `${run.folder}: nothing was sent to a language model` : ledgerText(models));
    if (manifest !== null) print(io, `\n${comeToText(comeTo(manifest))}`);
    const answers = journalFile(journalFolder(run));
    if (models.length > 0)
      print(
        io,
        `\nEvery line of it:  duckdb -c "SELECT requested_model, mode, status, count(*), sum(usd) FROM '${answers}' GROUP BY ALL"`,
      );
  },
});

/** Where the intents of a finished stage come from, and how many conversations have one. */
function comeTo({ options, in: conversations, kept, rejected, counts }: Manifest) {
  return { provider: String(options["provider"]), conversations, kept, rejected, counts };
}

function comeToText({ provider, conversations, kept, rejected, counts }: ReturnType<typeof comeTo>): string {
  const list = (all: Readonly<Record<string, number>>, prefix = "") =>
    Object.entries(all)
      .filter(([name, number]) => name.startsWith(prefix) && number > 0)
      .map(([name, number]) => `${name.slice(prefix.length).replaceAll("_", " ")} ${count(number)}`)
      .join(", ");
  const lines = [
    `intents from ${provider}: ${count(kept)} of ${count(conversations)} conversations have one`,
    kept < conversations && `  without        ${list(rejected)}`,
    provider === "import" && `  conversations  ${list(counts, "imported_")}`,
    provider === "import" && `  published rows ${list(counts, "published_")}`,
  ];
  return lines.filter((line) => line !== false).join("\n");
}

function ledgerText(rows: readonly LedgerRow[]): string {
  const header = ["model", "mode", "answered", "failed", "lost", "input", "cached", "output", "thinking", "dollars"];
  const cells = rows.map((row) => [
    ...[row.model, row.mode],
    ...[
      row.answered,
      row.failed,
      row.lost,
      row.input_tokens,
      row.cached_tokens,
      row.output_tokens,
      row.thinking_tokens,
    ].map(count),
    row.usd === null ? "no price" : row.usd.toFixed(4),
  ]);
  const text = table([header, ...cells], [2, 3, 4, 5, 6, 7, 8, 9]);
  const sum = (what: "lost_usd" | "reused" | "reused_usd") => rows.reduce((total, row) => total + row[what], 0);
  const lines = [
    text,
    sum("lost_usd") > 0 &&
      `Of this, $${sum("lost_usd").toFixed(4)} for requests whose answers never came: the most that they can have cost.`,
    sum("reused") > 0 &&
      `Beside this, ${count(sum("reused"))} answers that other runs paid for ($${sum("reused_usd").toFixed(4)} there, nothing here).`,
  ];
  return lines.filter((line) => line !== false).join("\n");
}

/** `flipturn intents review`: the worst intents and a random sample, side by side with their conversations. */
export const reviewIntents = defineCommand({
  name: "intents review",
  summary: "the worst intents and a random sample, beside their conversations",
  input: z.strictObject({
    ...OfRun,
    worst: z.int().min(0).default(5).describe("how many of the worst"),
    random: z.int().min(0).default(5).describe("how many at random"),
    seed: z.string().default("0").describe("decides the random ones"),
  }),
  examples: ["flipturn intents review --worst 20 --random 0 --output output/wildchat-1m"],
  async run({ output, json, ...wanted }, io) {
    const run = await findRun(output, io);
    const worst = await worstIntents(run, wanted.worst);
    const seen = new Set(worst.map(({ conversation_id }) => conversation_id));
    const random = await randomIntents(run, wanted.random, wanted.seed, seen);
    const all = await besideTurns(run, [...worst, ...random]);
    if (json) return printJson(io, all);
    for (const each of all) print(io, `${besideText(each, io)}\n`);
  },
});

/** The intent and what was measured on the left, the conversation on the right. */
function besideText(each: IntentBesideTurns, io: Io): string {
  const half = Math.max(30, Math.floor((widthOf(io) - 3) / 2));
  const left = [
    `${each.conversation_id} (${each.picked})`,
    `status ${each.status}, ${each.specificity ?? "no verdict"}`,
    qualityInWords(each),
    "",
    each.intent ?? "(no intent)",
    ...detailLines(each.detail),
  ].flatMap((line) => wrap(line, half));
  const right = each.turns.flatMap(({ role, content }) => wrap(`${role}: ${content.slice(0, 600)}`, half)).slice(0, 40);
  const rows = Array.from({ length: Math.max(left.length, right.length) }, (_, at) => {
    return `${(left[at] ?? "").padEnd(half)} | ${right[at] ?? ""}`.trimEnd();
  });
  return [paint(io, "bold", rows[0] ?? ""), ...rows.slice(1)].join("\n");
}

/** What was found in place of an intent, a line each. */
function detailLines(detail: IntentBesideTurns["detail"]): string[] {
  const told = Object.entries(detail ?? {}).filter(([name, value]) => !["origin", "model"].includes(name) && value);
  return told.map(([name, value]) => `${name}: ${value}`);
}

/** The text in lines of at most so many characters, cut at spaces where there are any; control characters are shown as `·`. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const part of text.split(/\r?\n/)) {
    let rest = part.replaceAll(/[\p{Cc}\u2028\u2029]/gu, "·");
    while (rest.length > width) {
      const space = rest.lastIndexOf(" ", width);
      const end = space > width / 2 ? space : width;
      lines.push(rest.slice(0, end));
      rest = rest.slice(end).trimStart();
    }
    lines.push(rest);
  }
  return lines;
}
