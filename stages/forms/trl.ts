import { defineForm } from "./form.ts";
import { PROMPT, PROMPT_MEANINGS, promptAndCompletion, readPrompt } from "./prompt.ts";
import { recipesOf } from "./recipes/recipes-of.ts";
import { trl as recipe } from "./recipes/trl.ts";

/**
 * For `SFTTrainer` of TRL (tested with 1.16.0): plain text in the columns that it trains by itself, loss on `completion`
 * alone. Plain text and not its conversational form, because a chat template can mark assistant messages only.
 *
 * Three things are up to the tokenizer, and the recipe's is made for them: TRL appends the tokenizer's EOS to a completion that does not end
 * with it (so EOS is `<|eot_id|>`), puts the tokenizer's BOS before the prompt (so there is none), and reads prompt and completion as one
 * text (so the newline of a header must not merge with what follows).
 */
export const trl = defineForm({
  columns: PROMPT,
  meanings: PROMPT_MEANINGS,
  isText: true,
  holdsSeveral: false,
  row: promptAndCompletion,
  read: readPrompt,
  recipes: (facts) => recipesOf(facts, [recipe(facts)]),
});
