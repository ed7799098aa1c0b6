import { stringify } from "yaml";
import type { z } from "zod";
import { optionsHash, recipe } from "../../pipeline/recipe.ts";
import { withUnseenShown } from "../../pipeline/text/unseen.ts";
import type { Manifest } from "../../schemas/manifest.ts";
import type { Split } from "../../schemas/user.ts";
import { binColumns, columnsOf } from "../forms/dataset-columns.ts";
import { formNamed } from "../forms/index.ts";
import { conditioned } from "../intents/artefacts.ts";
import { rendered } from "../render/artefacts.ts";
import { formOf } from "../render/options.ts";
import { sourceNamed } from "../sources/index.ts";
import { typeName } from "./card/columns.ts";
import { endsInWords } from "./card/ends.ts";
import { header } from "./card/header.ts";
import { intentsSection } from "./card/intents-section.ts";
import { baselineSection, publishedCountsSection } from "./card/measures.ts";
import { type CardInput, countOf, endLabels, hasWeights, splitsOf, table } from "./card/parts.ts";
import { tokenSection } from "./card/tokens.ts";
import { citation, limits } from "./card/words.ts";

/** The dataset card: what the Hub reads at the top, then counts, columns, measures and recipe in words and tables. */
export function datasetCard(input: CardInput): string {
  const { plan, options, rows, manifests } = input;
  const source = sourceNamed(plan.source);
  const columns = columnsOfCard(input);
  const splits = splitsOf(rows);
  const sections = [
    `# User language model data from ${plan.source}`,
    whatItIs(input),
    rowSection(input, splits),
    ...(input.row === null ? [] : [`One row, long texts cut:\n\n\`\`\`json\n${shownRow(input.row)}\n\`\`\``]),
    ...(options.tokenizer === "none" ? [] : [tokenSection(input, splits)]),
    ...endsInWords(endLabels(manifests), options),
    `## Columns\n\n${table(["column", "type", "meaning"], columnRows(columns, formNamed(formOf(options)).meanings))}`,
    ...manifests.filter(({ stage }) => stage === conditioned.intents.stage).map(intentsSection),
    `## What was kept and what was not\n\n${table(["stage", "unit", "in", "kept", "rejected"], [...manifests, { ...rows, stage: rendered.dataset.stage, unit: "samples" }].map(funnelRow).concat(publishRow(input)))}`,
    ...publishedCountsSection(input),
    ...baselineSection(input),
    `## Recipe\n\nSource: ${source.summary}${plan.hub ? `, commit \`${plan.hub.revision}\`` : " (local files)"}. Made with flipturn \`${plan.code}\`, seed \`${plan.seed}\`, options \`${optionsHash(input, formOf(options))}\` (sha256, 16 digits):\n\n\`\`\`yaml\n${stringify(recipe(input, formOf(options)))}\`\`\``,
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
function rowSection({ rows, options }: CardInput, splits: readonly Split[]): string {
  const holdsSeveral = options.layout === "conversations";
  const lines = splits.map((split) => {
    const [number, targets] = [countOf(rows, `rows_${split}`), countOf(rows, `targets_${split}`)];
    return [split, number, ...(holdsSeveral ? [targets, (targets / number).toFixed(2)] : [])];
  });
  return `## Rows\n\n${table(["split", "rows", ...(holdsSeveral ? ["targets", "targets a row"] : [])], lines)}`;
}

/** The columns of the dataset's files. */
export function columnsOfCard({ manifests, options }: Pick<CardInput, "manifests" | "options">): z.ZodObject {
  const isWeighted = hasWeights(manifests);
  if (options.packing) return binColumns(isWeighted);
  return columnsOf(formNamed(formOf(options)), options.layout, isWeighted);
}

function whatItIs({ plan, options }: CardInput): string {
  const several = options.layout === "conversations" ? ", a row for each conversation with all its targets" : "";
  const bins = options.packing ? ", rows put together in bins" : "";
  return `Conversations between people and an assistant, flipped: each row asks for the next thing that the *user* says, given their goal and the conversation so far. Made with flipturn ${plan.code} after the recipe of "Flipping the Dialogue" (arXiv 2510.06552). Form \`${formOf(options)}\`${several}${bins}.`;
}

/** What the columns mean that every form has, where they need a word. */
const MEANINGS: Readonly<Record<string, string>> = {
  id: "`<conversation>:<turn>`, or of a row of several targets its first and last turn",
  conversation_id: "`<source>:<id in the source>`",
  source: "where the conversation comes from",
  split: "all conversations of a user are in one",
  turn: "which user turn is the target, from 1; `turns` + 1 is the end",
  target_turns: "which user turns are targets",
  turns: "user turns of the whole conversation",
  kind: "first or later user turn, or the end",
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

function columnRows(columns: z.ZodObject, ofForm: Readonly<Record<string, string>>): string[][] {
  return Object.entries(columns.shape).map(([column, type]) => {
    return [`\`${column}\``, typeName(type as z.ZodType), ofForm[column] ?? MEANINGS[column] ?? ""];
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
  return withUnseenShown(JSON.stringify(row, short, 1)).replaceAll("```", "`\u200b``");
}

type Funnel = Pick<Manifest, "stage" | "unit" | "in" | "kept" | "rejected">;

function funnelRow({ stage, unit, in: all, kept, rejected }: Funnel): (string | number)[] {
  return [stage, unit, all, kept, reasons(rejected)];
}

function publishRow({ privacy }: CardInput): (string | number)[][] {
  if (privacy === null) return [];
  const { rows, leftOut } = privacy;
  return [["publish", "rows", rows, rows - leftOut, reasons(leftOut === 0 ? {} : { personal_data: leftOut })]];
}

function reasons(rejected: Readonly<Record<string, number>>): string {
  const words = Object.entries(rejected).map(([reason, count]) => `${reason} ${count}`);
  return words.join(", ") || "none";
}
