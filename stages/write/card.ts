import { basename } from "node:path";
import { stringify } from "yaml";
import type { z } from "zod";
import type { Manifest, Marker } from "../../schemas/manifest.ts";
import type { Plan } from "../../schemas/plan.ts";
import { Split } from "../../schemas/user.ts";
import { sourceNamed } from "../prepare/sources.ts";
import type { WriteOptions } from "../write.ts";
import { FORMS } from "./forms.ts";

/** What the card of a dataset is made from. */
export interface CardInput {
  readonly plan: Plan;
  /** Of the stages before `write`, in order. */
  readonly manifests: readonly Manifest[];
  /** Of the tasks that wrote the dataset's files. */
  readonly parts: readonly Marker[];
  readonly options: WriteOptions;
}

/** The dataset card: what the Hub reads at the top, then counts, columns and recipe in words and tables. */
export function datasetCard(input: CardInput): string {
  const { plan, options } = input;
  const source = sourceNamed(plan.source);
  const rows = (split: Split) => input.parts.reduce((sum, part) => sum + (part.tally.counts[`rows_${split}`] ?? 0), 0);
  const splits = Split.options.filter((split) => rows(split) > 0);
  const dataFiles = (split: Split) => ({ split, path: `data/${split}-*.${options.format}` });
  const header = {
    license: source.license,
    task_categories: ["text-generation"],
    tags: ["user-simulation", "user-language-model", "flipturn"],
    ...(splits.length > 0 && { configs: [{ config_name: "default", data_files: splits.map(dataFiles) }] }),
    dataset_info: { features: features(FORMS[options.form].schema) },
  };
  const sections = [
    `# User language model data from ${plan.source}`,
    `Conversations between people and an assistant, flipped: each row asks for the next thing that the *user* says, given their goal and the conversation so far. Made with flipturn ${plan.code} after the recipe of "Flipping the Dialogue" (arXiv 2510.06552). Form \`${options.form}\`.`,
    `## Rows\n\n${table(
      ["split", "rows"],
      splits.map((split) => [split, rows(split)]),
    )}`,
    `## Columns\n\n${table(
      ["column", "type"],
      Object.entries(FORMS[options.form].schema.shape).map(([name, type]) => [`\`${name}\``, typeName(type)]),
    )}`,
    `## What was kept and what was not\n\n${table(["stage", "unit", "in", "kept", "rejected"], [...input.manifests.map(funnelRow), writeRow(input.parts)])}`,
    `## Recipe\n\nSource: ${source.summary}${plan.hub ? `, commit \`${plan.hub.revision}\`` : " (local files)"}. Seed \`${plan.seed}\`. Options:\n\n\`\`\`yaml\n${recipe(plan)}\`\`\``,
    `## Licence and credit\n\nText: ${source.license}. ${source.credit}.`,
  ];
  return `---\n${stringify(header)}---\n\n${sections.join("\n\n")}\n`;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function funnelRow(manifest: Manifest): (string | number)[] {
  return [manifest.stage, manifest.unit, manifest.in, manifest.kept, reasons([manifest.rejected])];
}

function writeRow(parts: readonly Marker[]): (string | number)[] {
  const sum = (key: "in" | "kept") => parts.reduce((total, part) => total + part.tally[key], 0);
  return ["write", "samples", sum("in"), sum("kept"), reasons(parts.map((part) => part.tally.rejected))];
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
  return { dtype: def.type === "number" ? "int32" : def.type === "boolean" ? "bool" : "string" };
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
