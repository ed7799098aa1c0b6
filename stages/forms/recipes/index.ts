/**
 * Facts about a dataset -> scripts and configurations that train on it, written beside the data. Each begins with what it
 * does, how it is run and what it was tested with.
 */
import { END } from "../../../schemas/sample.ts";
import { axolotl } from "../axolotl/recipe.ts";
import { llamaFactory } from "../llama-factory/recipe.ts";
import { openai } from "../openai/recipe.ts";
import { prepared } from "../tokens/prepared.ts";
import { transformers } from "../tokens/recipe.ts";
import { torchtune } from "../torchtune/recipe.ts";
import { trl } from "../trl/recipe.ts";
import { base } from "./base.ts";
import type { Facts, RecipeFile } from "./facts.ts";
import { sample } from "./sample.ts";

/** The files for the trainers of each form. A form that is not here is for reading, not for training. */
const BY_FORM: Record<string, (facts: Facts) => RecipeFile[]> = {
  tokens: (facts) => (facts.binPack || facts.isWeighted ? [transformers(facts)] : everyTrainer(facts)),
  trl: (facts) => [trl(facts)],
  messages: (facts) => [trl(facts)],
  axolotl: (facts) => [axolotl(facts)],
  "llama-factory": llamaFactory,
  torchtune,
};

function everyTrainer(facts: Facts): RecipeFile[] {
  return [
    transformers(facts),
    trl(facts),
    prepared(facts),
    axolotl(facts),
    ...llamaFactory(facts),
    ...torchtune(facts),
  ];
}

/**
 * The recipes of a dataset, in the order in which they are used; none where there is nothing to train on, or where the
 * trainers of the form would not see the weights that it has.
 */
export function recipes(facts: Facts): RecipeFile[] {
  if (!facts.splits.includes("train")) return [];
  if (facts.form === "openai") return [openai(facts)];
  if (facts.isWeighted && facts.form !== "tokens") return [];
  // Without a tokenizer of ours the rows are for that of Llama 3.
  const added = facts.added.length > 0 ? facts.added : [{ token: END, id: 128_256 }];
  const own = BY_FORM[facts.form]?.({ ...facts, added }) ?? [];
  return own.length === 0 ? [] : [base({ ...facts, added }), ...own, sample()];
}
