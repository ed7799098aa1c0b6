import { END } from "../../../pipeline/text/control-tokens.ts";
import { base } from "./base.ts";
import type { Facts, RecipeFile } from "./facts.ts";
import { sample } from "./sample.ts";

/** What recipes depend on, tokens that the base checkpoint lacks among them: without a tokenizer of ours rows are for that of Llama 3. */
export function withTokens(facts: Facts): Facts {
  return facts.added.length > 0 ? facts : { ...facts, added: [{ token: END, id: 128_256 }] };
}

/**
 * The recipes of a form in the order in which they are used: one that makes the checkpoint, those of its trainers, one that
 * looks whether a model has learnt to stop. None where there is nothing to train on, or where the trainers would not see
 * the weights that it has.
 */
export function recipesOf(
  facts: Facts,
  own: readonly RecipeFile[],
  { readsWeights = false }: { readsWeights?: boolean } = {},
): RecipeFile[] {
  if (!facts.splits.includes("train") || (facts.isWeighted && !readsWeights)) return [];
  return [base(facts), ...own, sample()];
}
