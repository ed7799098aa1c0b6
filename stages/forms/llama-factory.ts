import { defineForm } from "./form.ts";
import { PROMPT, PROMPT_MEANINGS, promptAndCompletion, readPrompt } from "./prompt.ts";
import { llamaFactory as recipe } from "./recipes/llama-factory.ts";
import { recipesOf } from "./recipes/recipes-of.ts";

/**
 * For LLaMA-Factory (tested with 0.9.5), read as `alpaca` rows with its template `empty`, which adds nothing.
 *
 * Its conversational forms cannot hold this data: they train every message of the "gpt" side, want the two sides in strict turn
 * beginning with the other one, and drop whatever is not so with a warning; a first turn has nothing before it. So the whole context is one text.
 * `dataset_info.json` hands it over as the *system* text: in a *prompt* LLaMA-Factory would replace a typed `{{idx}}` by a number.
 */
export const llamaFactory = defineForm({
  columns: PROMPT,
  meanings: PROMPT_MEANINGS,
  isText: true,
  holdsSeveral: false,
  row: promptAndCompletion,
  read: readPrompt,
  recipes: (facts) => recipesOf(facts, recipe(facts)),
});
