/** What the Hub reads at the top of a card: https://huggingface.co/docs/hub/datasets-cards */
import type { z } from "zod";
import { datasetGlob, splitOfFile } from "../../../pipeline/files/row-files.ts";
import { digest } from "../../../pipeline/hash.ts";
import type { Split } from "../../../schemas/user.ts";
import type { DatasetRows } from "../../render/artefacts.ts";
import { sourceNamed } from "../../sources/index.ts";
import { features } from "./columns.ts";
import { type CardInput, countOf, splitsOf } from "./parts.ts";

/** The header as plain values. There is one configuration, named after the source: no two sources ever share one. */
export function header(input: CardInput, columns: z.ZodObject): object {
  const { plan, options, rows, languages } = input;
  const { license } = sourceNamed(plan.source);
  const splits = splitsOf(rows);
  const codes = [...new Set(languages.flatMap((name) => codeOf(name) ?? []))].sort();
  const number = splits.reduce((sum, split) => sum + countOf(rows, `rows_${split}`), 0);
  const files = (split: Split) => ({ split, path: datasetGlob(options.fileFormat, split) });
  return {
    license,
    ...(license === "other" && { license_name: "terms-of-the-source" }),
    ...(codes.length > 0 && { language: codes }),
    size_categories: [sizeCategory(number)],
    task_categories: ["text-generation"],
    tags: ["user-simulation", "user-language-model", "conversational", "flipturn"],
    pretty_name: `User language model data from ${plan.source}`,
    ...(splits.length > 0 && { configs: [{ config_name: plan.source, default: true, data_files: splits.map(files) }] }),
    dataset_info: {
      config_name: plan.source,
      description: `flipturn ${plan.code}, content ${contentDigest(rows)}`,
      features: features(columns),
      splits: splits.map((split) => {
        // HF datasets wants to be told both; it checks the number of rows.
        return { name: split, num_bytes: bytesOf(rows, split), num_examples: countOf(rows, `rows_${split}`) };
      }),
      download_size: bytesOf(rows),
      dataset_size: bytesOf(rows),
    },
  };
}

/** Bytes of the files of a split, or of all, as they are stored. */
function bytesOf({ files }: DatasetRows, split?: Split): number {
  const isWanted = (path: string) => split === undefined || splitOfFile(path, [split]) === split;
  return files.reduce((sum, { path, bytes }) => sum + (isWanted(path) ? bytes : 0), 0);
}

/**
 * Changes with any byte of the data. HF `datasets` finds what it has once read by the head of the card, not by path or
 * time: without this, two datasets with the same columns would be taken for the same.
 */
function contentDigest({ files }: DatasetRows): string {
  return digest(files.map(({ sha256 }) => sha256));
}

/** Upper ends of the Hub's size categories. */
const SIZES = ["1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T"];

/** The Hub's word for a number of rows. */
export function sizeCategory(rows: number): string {
  const at = SIZES.findIndex((_, power) => rows < 10 ** (power + 3));
  if (at < 0) return "n>1T";
  return at === 0 ? "n<1K" : `${SIZES[at - 1]}<n<${SIZES[at]}`;
}

let codes: ReadonlyMap<string, string> | undefined;

/** The ISO 639-1 code of a language that is given by its English name or by its code; undefined = no such language is known. */
export function codeOf(language: string): string | undefined {
  codes ??= knownCodes();
  return codes.get(language.toLowerCase());
}

function knownCodes(): Map<string, string> {
  const names = new Intl.DisplayNames("en", { type: "language", fallback: "none" });
  const letters = [..."abcdefghijklmnopqrstuvwxyz"];
  const found = new Map<string, string>();
  for (const code of letters.flatMap((first) => letters.map((second) => first + second))) {
    const name = names.of(code);
    // Old codes, such as iw for he, are known by the same name: the code that stands for itself counts.
    if (name === undefined || Intl.getCanonicalLocales(code)[0] !== code) continue;
    found.set(name.toLowerCase(), code).set(code, code);
  }
  return found;
}
