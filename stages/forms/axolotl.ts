import { z } from "zod";
import type { Segment } from "../../pipeline/text/segment.ts";
import { defineForm } from "./form.ts";
import { axolotl as recipe } from "./recipes/axolotl.ts";
import { recipesOf } from "./recipes/recipes-of.ts";
import { textSegments } from "./text-segments.ts";

const Piece = z.strictObject({
  /** True: counts towards the loss. */
  label: z.boolean(),
  text: z.string(),
});
type Piece = z.infer<typeof Piece>;

/** The segments with neighbours of the same label as one. */
function pieces(segments: readonly Segment[]): Piece[] {
  const found: Piece[] = [];
  for (const { text, loss } of segments) {
    const last = found.at(-1);
    if (last?.label === loss) last.text += text;
    else found.push({ label: loss, text });
  }
  return found;
}

/**
 * For Axolotl's `type: input_output` (tested with 0.19.0), which tokenises each piece as it is told, adds no token and trains on what has
 * `label` true. With the recipe's tokenizer, which keeps the newline of a header apart from what follows, the ids are flipturn's; with the stock
 * one a turn that begins with a newline has other ids, the same as where the model is used with that tokenizer.
 */
export const axolotl = defineForm({
  columns: z.strictObject({
    /** The row's text in order. */
    segments: z.array(Piece),
  }),
  meanings: { segments: "the text in pieces, with what is in the loss" },
  isText: true,
  holdsSeveral: true,
  row: ({ segments }) => ({ segments: pieces(segments) }),
  read: ({ segments }, chat) => segments.flatMap(({ label, text }) => textSegments(text, label, chat)),
  recipes: (facts) => recipesOf(facts, [recipe(facts)]),
});
