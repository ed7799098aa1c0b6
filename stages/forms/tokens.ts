import { z } from "zod";
import { labelsOf, lossMask } from "../../pipeline/text/token-row.ts";
import { defineForm } from "./form.ts";
import { axolotl } from "./recipes/axolotl.ts";
import type { Facts, RecipeFile } from "./recipes/facts.ts";
import { llamaFactory } from "./recipes/llama-factory.ts";
import { prepared } from "./recipes/prepared.ts";
import { recipesOf } from "./recipes/recipes-of.ts";
import { torchtune } from "./recipes/torchtune.ts";
import { transformers } from "./recipes/transformers.ts";
import { trl } from "./recipes/trl.ts";

/** Token ids with their labels: what every trainer takes without reading a text again. */
export const tokensForm = defineForm({
  columns: z.strictObject({
    input_ids: z.array(z.int()),
    /** `input_ids` where they count towards the loss, else -100. */
    labels: z.array(z.int()),
    /** 1 = counts towards the loss, 0 = context only. */
    loss_mask: z.array(z.int().meta({ bits: 8 })),
    /** Length of `input_ids`. */
    length: z.int(),
    /** Where each target begins in `input_ids`, and how many tokens it has. */
    target_starts: z.array(z.int()),
    target_lengths: z.array(z.int()),
  }),
  meanings: {
    input_ids: "token ids",
    labels: "the ids that are in the loss, elsewhere -100",
    loss_mask: "1 where a token is in the loss",
  },
  isText: false,
  holdsSeveral: true,
  needsTokens: true,
  row(_, tokens) {
    if (!tokens) throw new TypeError("a row of tokens without its tokens");
    return {
      input_ids: tokens.ids,
      labels: labelsOf(tokens),
      loss_mask: lossMask(tokens),
      length: tokens.ids.length,
      target_starts: tokens.starts,
      target_lengths: tokens.lengths,
    };
  },
  // Bins, where rows were put together, have no places of targets.
  toldBy: ["input_ids", "labels"],
  read: ({ input_ids, labels }) => ({ ids: input_ids, inLoss: labels.map((label) => label !== -100) }),
  recipes: (facts) => recipesOf(facts, trainersOf(facts), { readsWeights: true }),
});

/** Only one of the trainers reads weights, or keeps rows of a bin from seeing each other. */
function trainersOf(facts: Facts): RecipeFile[] {
  if (facts.packing || facts.isWeighted) return [transformers(facts)];
  return [
    transformers(facts),
    trl(facts),
    prepared(facts),
    axolotl(facts),
    ...llamaFactory(facts),
    ...torchtune(facts),
  ];
}
