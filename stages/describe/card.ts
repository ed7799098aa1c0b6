import { stringify } from "yaml";
import type { z } from "zod";
import type { Manifest } from "../../schemas/manifest.ts";
import type { Split } from "../../schemas/user.ts";
import { FORMS } from "../forms/index.ts";
import { columnsOf } from "../render/columns.ts";
import { binColumns } from "../render/packing.ts";
import { sourceNamed } from "../sources/index.ts";
import { typeName } from "./card/columns.ts";
import { endsInWords } from "./card/ends.ts";
import { header } from "./card/header.ts";
import { intentsSection } from "./card/intents.ts";
import { baselineSection, reconciledSection } from "./card/measures.ts";
import { type CardInput, splitsOf, sumOf, table } from "./card/parts.ts";
import { optionsHash, recipe } from "./card/recipe.ts";
import { tokenSection } from "./card/tokens.ts";
import { citation, limits } from "./card/words.ts";

/** The dataset card: what the Hub reads at the top, then counts, columns, measures and recipe in words and tables. */
export function datasetCard(input: CardInput): string {
  const { plan, options, shards } = input;
  const source = sourceNamed(plan.source);
  const columns = columnsOfCard(input);
  const splits = splitsOf(shards);
  const sections = [
    `# User language model data from ${plan.source}`,
    whatItIs(input),
    rowSection(input, splits),
    ...(input.row === null ? [] : [`One row, long texts cut:\n\n\`\`\`json\n${shownRow(input.row)}\n\`\`\``]),
    ...(options.tokenizer === "none" ? [] : [tokenSection(input, splits)]),
    ...endsInWords(endLabels(input), options),
    `## Columns\n\n${table(["column", "type", "meaning"], columnRows(columns))}`,
    ...input.manifests.filter(({ stage }) => stage === "intents").map(intentsSection),
    `## What was kept and what was not\n\n${table(["stage", "unit", "in", "kept", "rejected"], [...input.manifests.map(funnelRow), writeRow(shards), ...publishRow(input)])}`,
    ...reconciledSection(input),
    ...baselineSection(input),
    `## Recipe\n\nSource: ${source.summary}${plan.hub ? `, commit \`${plan.hub.revision}\`` : " (local files)"}. Made with flipturn \`${plan.code}\`, seed \`${plan.seed}\`, options \`${optionsHash(plan)}\` (sha256, 16 digits):\n\n\`\`\`yaml\n${recipe(plan)}\`\`\``,
    ...(input.privacy === null ? [] : [`## Privacy\n\n${input.privacy.words}`]),
    `## Known limits\n\n${limits(input)
      .map((each) => `- ${each}`)
      .join("\n")}`,
    `## Licence and credit\n\nText: ${source.license}. ${source.credit}.`,
    `## Citation\n\n${citation(input)}`,
  ];
  return `---\n${stringify(header(input, columns), { lineWidth: 0 })}---\n\n${sections.join("\n\n")}\n`;
}

/** How many rows there are, and, where a row has several, how many targets. */
function rowSection({ shards, options }: CardInput, splits: readonly Split[]): string {
  const isPacked = options.layout === "packed";
  const lines = splits.map((split) => {
    const [rows, targets] = [sumOf(shards, `rows_${split}`), sumOf(shards, `targets_${split}`)];
    return [split, rows, ...(isPacked ? [targets, (targets / rows).toFixed(2)] : [])];
  });
  return `## Rows\n\n${table(["split", "rows", ...(isPacked ? ["targets", "targets a row"] : [])], lines)}`;
}

/** How `flip` labelled ends. */
const endLabels = ({ manifests }: Pick<CardInput, "manifests">) =>
  manifests.find(({ stage }) => stage === "flip")?.options["endLabels"];

/** The columns of the dataset's files. */
export function columnsOfCard(input: Pick<CardInput, "manifests" | "options">): z.ZodObject {
  const { binPack, form, layout } = input.options;
  const isWeighted = endLabels(input) === "weighted";
  return binPack ? binColumns(isWeighted) : columnsOf(FORMS[form], layout, isWeighted);
}

function whatItIs({ plan, options }: CardInput): string {
  const packed = options.layout === "packed" ? ", a row for each conversation with all its targets" : "";
  const bins = options.binPack ? ", rows put together in bins" : "";
  return `Conversations between people and an assistant, flipped: each row asks for the next thing that the *user* says, given their goal and the conversation so far. Made with flipturn ${plan.code} after the recipe of "Flipping the Dialogue" (arXiv 2510.06552). Form \`${options.form}\`${packed}${bins}.`;
}

/** What the columns mean that need a word. */
const MEANINGS: Readonly<Record<string, string>> = {
  id: "`<conversation>:<turn>`, or of a packed row its first and last turn",
  conversation_id: "`<source>:<id in the source>`",
  source: "where the conversation comes from",
  split: "all conversations of a user are in one",
  turn: "which user turn is the target, from 1; `turns` + 1 is the end",
  target_turns: "which user turns are targets",
  turns: "user turns of the whole conversation",
  kind: "first or later user turn, or the end",
  intent: "the person's goal, given to the model; null = none",
  context: "the turns before the target",
  target: "what the user says next, as typed, or `<|endconversation|>`",
  prompt: "what is given, as text",
  completion: "what must be said, as text; only it is in the loss",
  messages: "the dialogue as messages",
  segments: "the text in pieces, with what is in the loss",
  input_ids: "token ids",
  labels: "the ids that are in the loss, elsewhere -100",
  loss_mask: "1 where a token is in the loss",
  position_ids: "positions, beginning anew with every row of a bin",
  weight: "how much the row counts in the loss: less where it is not sure that the user left there",
  language: "as the source says",
  country: "as the source says; null = not known",
  model: "the assistant",
  user_id: "keyed hash; null = the source names no user",
  context_tokens: "tokens that are given",
  target_tokens: "tokens in the loss",
  dropped_turns: "turns left out at the beginning, so that the row is not too long",
};

function columnRows(columns: z.ZodObject): string[][] {
  return Object.entries(columns.shape).map(([column, type]) => {
    return [`\`${column}\``, typeName(type as z.ZodType), MEANINGS[column] ?? ""];
  });
}

/** The most characters and list elements of a shown value. */
const SHOWN = { characters: 200, elements: 8 };

/** A row as JSON that cannot end the block of code it stands in. */
function shownRow(row: Readonly<Record<string, unknown>>): string {
  const short = (_: string, value: unknown) => {
    if (typeof value === "string" && value.length > SHOWN.characters)
      return `${value.slice(0, SHOWN.characters).toWellFormed()}…`;
    const list = ArrayBuffer.isView(value) ? Array.from(value as Int32Array) : value;
    return Array.isArray(list) && list.length > SHOWN.elements ? [...list.slice(0, SHOWN.elements), "…"] : list;
  };
  return JSON.stringify(row, short, 1).replaceAll("```", "`\u200b``");
}

function funnelRow(manifest: Pick<Manifest, "stage" | "unit" | "in" | "kept" | "rejected">): (string | number)[] {
  return [manifest.stage, manifest.unit, manifest.in, manifest.kept, reasons([manifest.rejected])];
}

function writeRow(shards: CardInput["shards"]): (string | number)[] {
  const sum = (key: "in" | "kept") => shards.reduce((total, { tally }) => total + tally[key], 0);
  return ["write", "samples", sum("in"), sum("kept"), reasons(shards.map(({ tally }) => tally.rejected))];
}

function publishRow({ privacy }: CardInput): (string | number)[][] {
  if (privacy === null) return [];
  const { rows, leftOut } = privacy;
  return [["publish", "rows", rows, rows - leftOut, reasons([leftOut === 0 ? {} : { personal_data: leftOut }])]];
}

function reasons(rejected: readonly Record<string, number>[]): string {
  const sums = new Map<string, number>();
  for (const [reason, count] of rejected.flatMap((each) => Object.entries(each)))
    sums.set(reason, (sums.get(reason) ?? 0) + count);
  return [...sums].map(([reason, count]) => `${reason} ${count}`).join(", ") || "none";
}
