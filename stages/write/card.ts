import { basename } from "node:path";
import { stringify } from "yaml";
import type { z } from "zod";
import { bitsOf } from "../../pipeline/parquet.ts";
import { digest } from "../../pipeline/random.ts";
import type { Manifest, Marker } from "../../schemas/manifest.ts";
import type { Plan } from "../../schemas/plan.ts";
import { Split } from "../../schemas/user.ts";
import { sourceNamed } from "../prepare/sources.ts";
import type { WriteOptions } from "../write.ts";
import { BinRow } from "./bins.ts";
import { columnsOf } from "./columns.ts";
import { FILE_FORMATS } from "./files.ts";
import { FORMS } from "./forms.ts";

/** What the card of a dataset is made from. */
export interface CardInput {
  readonly plan: Plan;
  /** Of the stages before `write`, in order. */
  readonly manifests: readonly Manifest[];
  /** Of the tasks that wrote the dataset's files. */
  readonly shards: readonly Marker[];
  readonly options: WriteOptions;
  /** Tokens that must be added to the tokenizer, in order. */
  readonly added: readonly { readonly token: string; readonly id: number }[];
}

/** The splits that a dataset has rows for. */
export function splitsOf(shards: readonly Marker[]): Split[] {
  return Split.options.filter((split) => sumOf(shards, `rows_${split}`) > 0);
}

function sumOf(shards: readonly Marker[], count: string): number {
  return shards.reduce((sum, { tally }) => sum + (tally.counts[count] ?? 0), 0);
}

/**
 * Changes with any byte of the data. HF `datasets` finds what it has once read by the head of the card, not by path or
 * time: without this, two datasets with the same columns would be taken for the same.
 */
function contentDigest(shards: readonly Marker[]): string {
  return digest(shards.flatMap(({ outputs }) => outputs.map(({ sha256 }) => sha256)));
}

/** The dataset card: what the Hub reads at the top, then counts, columns and recipe in words and tables. */
export function datasetCard(input: CardInput): string {
  const { plan, options, shards } = input;
  const source = sourceNamed(plan.source);
  const columns = options.binPack ? BinRow : columnsOf(FORMS[options.form], options.layout);
  const { folder, name } = FILE_FORMATS[options.format];
  const splits = splitsOf(shards);
  const dataFiles = (split: Split) => ({ split, path: `${folder(split)}/${name(split)}-*.${options.format}` });
  const header = {
    license: source.license,
    task_categories: ["text-generation"],
    tags: ["user-simulation", "user-language-model", "flipturn"],
    ...(splits.length > 0 && { configs: [{ config_name: "default", data_files: splits.map(dataFiles) }] }),
    dataset_info: {
      description: `flipturn ${plan.code}, content ${contentDigest(shards)}`,
      features: features(columns),
    },
  };
  const sections = [
    `# User language model data from ${plan.source}`,
    `Conversations between people and an assistant, flipped: each row asks for the next thing that the *user* says, given their goal and the conversation so far. Made with flipturn ${plan.code} after the recipe of "Flipping the Dialogue" (arXiv 2510.06552). Form \`${options.form}\`${options.layout === "packed" ? ", a row for each conversation with all its targets" : ""}${options.binPack ? ", rows put together in bins" : ""}.`,
    `## Rows\n\n${table(
      ["split", "rows"],
      splits.map((split) => [split, sumOf(shards, `rows_${split}`)]),
    )}`,
    ...(options.tokenizer === "none" ? [] : [tokenSection(input, splits)]),
    `## Columns\n\n${table(
      ["column", "type"],
      Object.entries(columns.shape).map(([column, type]) => [`\`${column}\``, typeName(type as z.ZodType)]),
    )}`,
    `## What was kept and what was not\n\n${table(["stage", "unit", "in", "kept", "rejected"], [...input.manifests.map(funnelRow), writeRow(shards)])}`,
    `## Recipe\n\nSource: ${source.summary}${plan.hub ? `, commit \`${plan.hub.revision}\`` : " (local files)"}. Seed \`${plan.seed}\`. Options:\n\n\`\`\`yaml\n${recipe(plan)}\`\`\``,
    `## Licence and credit\n\nText: ${source.license}. ${source.credit}.`,
  ];
  return `---\n${stringify(header)}---\n\n${sections.join("\n\n")}\n`;
}

/** Lengths of samples as they are and after what was done to the long ones, and what must be added to the tokenizer. */
function tokenSection({ shards, options, added }: CardInput, splits: readonly Split[]): string {
  const turns = [...Array.from({ length: 9 }, (_, at) => String(at + 1)), "10_and_later", "end"];
  const lengths = ["untouched", "shortened", "cut", "longer", "impossible"];
  const all = splits.flatMap((split) =>
    turns.map((turn) => [
      split,
      turn.replaceAll("_", " "),
      ...lengths.map((each) => sumOf(shards, `${split}_turn_${turn}_${each}`)),
    ]),
  );
  const used = lengths.filter((_, at) => at < 2 || all.some((row) => row[at + 2] !== 0));
  const rows = all
    .filter((row) => row.slice(2).some((count) => count !== 0))
    .map((row) => [row[0], row[1], ...used.map((each) => row[lengths.indexOf(each) + 2])] as (string | number)[]);
  const tokens = splits.map((split) => {
    const [inRows, asSamples] = [sumOf(shards, `tokens_${split}`), sumOf(shards, `tokens_as_samples_${split}`)];
    const target = sumOf(shards, `target_tokens_${split}`);
    const saved = asSamples === 0 ? 0 : Math.round(1000 * (1 - inRows / asSamples)) / 10;
    return [split, inRows, target, ...(options.layout === "packed" ? [asSamples, `${saved} %`] : [])];
  });
  const packed = options.layout === "packed" ? ["tokens as single samples", "saved"] : [];
  const most = options.maxTokens === null ? "of any number of tokens" : `of at most ${options.maxTokens} tokens`;
  return [
    "## Tokens",
    `Counted with ${basename(options.tokenizer)} in the format ${basename(options.chatTemplate)}; rows ${most} (\`overflow: ${options.overflow}\`). To be added to the tokenizer, in this order, if it has them not: ${added.map(({ token, id }) => `\`${token}\` (${id})`).join(", ")}.`,
    table(["split", "tokens", "of them in the loss", ...packed], tokens),
    `Samples by what became of their length, the end of a conversation apart:`,
    table(["split", "turn", ...used], rows),
  ].join("\n\n");
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function funnelRow(manifest: Manifest): (string | number)[] {
  return [manifest.stage, manifest.unit, manifest.in, manifest.kept, reasons([manifest.rejected])];
}

function writeRow(shards: readonly Marker[]): (string | number)[] {
  const sum = (key: "in" | "kept") => shards.reduce((total, { tally }) => total + tally[key], 0);
  return ["write", "samples", sum("in"), sum("kept"), reasons(shards.map(({ tally }) => tally.rejected))];
}

function reasons(rejected: readonly Record<string, number>[]): string {
  const sums = new Map<string, number>();
  for (const [reason, count] of rejected.flatMap((each) => Object.entries(each)))
    sums.set(reason, (sums.get(reason) ?? 0) + count);
  return [...sums].map(([reason, count]) => `${reason} ${count}`).join(", ") || "none";
}

/** The columns as HF `datasets` wants to be told, so that files without a value in a column have its type all the same. */
function features(schema: z.ZodObject): object[] {
  return Object.entries(schema.shape).map(([name, type]) => ({ name, ...feature(type as z.ZodType) }));
}

function feature(type: z.ZodType): object {
  const def = type.def as z.core.$ZodTypes["_zod"]["def"];
  if (def.type === "nullable") return feature(def.innerType as z.ZodType);
  if (def.type === "array") {
    const element = def.element as z.ZodType;
    return {
      list: "shape" in element ? features(element as z.ZodObject) : (feature(element) as { dtype: string }).dtype,
    };
  }
  return { dtype: def.type === "number" ? `int${bitsOf(type)}` : def.type === "boolean" ? "bool" : "string" };
}

function typeName(type: z.ZodType): string {
  const def = type.def as z.core.$ZodTypes["_zod"]["def"];
  if (def.type === "nullable") return `${typeName(def.innerType as z.ZodType)} or null`;
  if (def.type === "array") return `list of ${typeName(def.element as z.ZodType)}`;
  if (def.type === "object")
    return `{${Object.entries(def.shape)
      .map(([name, each]) => `${name}: ${typeName(each as z.ZodType)}`)
      .join(", ")}}`;
  if (def.type === "enum") return Object.values(def.entries).join(" / ");
  return def.type === "number" ? "integer" : def.type;
}

/** The options of every stage. Files are given by name alone: where they lay, or which server was asked, is nobody's business. */
function recipe(plan: Plan): string {
  const options = plan.stages.map((stage) => {
    const paths = new Set(stage.files.map((file) => file.path));
    const shown = Object.entries(stage.options).filter(([name, value]) => name !== "baseUrl" && value !== null);
    return [
      stage.name,
      Object.fromEntries(
        shown.map(([name, value]) => [name, paths.has(String(value)) ? basename(String(value)) : value]),
      ),
    ] as const;
  });
  return stringify(Object.fromEntries(options.filter(([, shown]) => Object.keys(shown).length > 0)));
}
