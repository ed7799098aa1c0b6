import { z } from "zod";
import { defineForm } from "./form.ts";
import { recipesOf } from "./recipes/recipes-of.ts";
import { torchtune as recipe } from "./recipes/torchtune.ts";

/**
 * For torchtune (tested with 0.6.1), through the small dataset module of the recipe.
 *
 * torchtune's own chat datasets know three masks (all, assistant, last) and its Llama 3 tokenizer writes BOS, two newlines after a header and a
 * final end-of-text of its own, so neither fits. Its tokenizer's `encode` reads text as text alone: a control token that somebody typed
 * stays text, and ours are named in the column `control`.
 */
export const torchtune = defineForm({
  columns: z.strictObject({
    /** The row's text in order, each piece tokenised by itself. */
    segments: z.array(
      z.strictObject({
        text: z.string(),
        /** True: the text is the name of one control token. */
        control: z.boolean(),
        /** True: counts towards the loss. */
        loss: z.boolean(),
      }),
    ),
  }),
  meanings: { segments: "the text in pieces, with what is in the loss" },
  isText: false,
  holdsSeveral: true,
  row: ({ segments }) => ({ segments: segments.filter(({ text }) => text !== "") }),
  read: ({ segments }) => segments,
  recipes: (facts) => recipesOf(facts, recipe(facts)),
});
