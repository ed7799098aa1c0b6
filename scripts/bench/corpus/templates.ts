import { LANGUAGES, type Language } from "./languages.ts";
import type { Prose } from "./prose.ts";
import { byWeight, Random } from "./random.ts";

/** A recurring prompt: fixed text around a place that everybody fills in for themselves. */
export type PromptTemplate = { readonly weight: number; readonly before: string; readonly after: string };

/** Shares of all rows: the first as in WildChat, where one template is in 81,196 of 837,989, then a tail. */
const SHARES = [0.1, 0.012, 0.006, 0.004, 0.003, 0.002, 0.0015, 0.001, 0.0008, 0.0005];

/** How ordinary requests begin, with words that mean nothing: a low threshold would take them for templates. */
const OPENERS = 40;
/** What people say who say little, again and again. */
const GREETINGS = 60;

/** What many prompts have in common. */
export interface Common {
  readonly templates: readonly PromptTemplate[];
  readonly openers: readonly string[];
  readonly greetings: readonly string[];
}

/** The common texts of a corpus, in made-up English. */
export function commonTexts(seed: string, english: Prose): Common {
  const random = new Random(seed, "common");
  const texts = (count: number, least: number, most: number) =>
    Array.from({ length: count }, () => english.text(least + random.below(most - least + 1), random));
  const templates = SHARES.map((weight) => {
    return {
      weight,
      before: `${english.text(60 + random.below(100), random)}: `,
      after: `\n${english.text(20, random)}`,
    };
  });
  return { templates, openers: texts(OPENERS, 4, 9), greetings: texts(GREETINGS, 1, 4) };
}

/** The template of a conversation in the common language; null = none. */
export function drawTemplate(random: Random, { templates }: Common): PromptTemplate | null {
  return byWeight(templates, random.unit() * COMMON_SHARE) ?? null;
}

/** The language that templates and what is common are in, and its share of all conversations. */
export const COMMON_LANGUAGE = LANGUAGES[0] as Language;
const COMMON_SHARE = COMMON_LANGUAGE.weight / LANGUAGES.reduce((sum, { weight }) => sum + weight, 0);
