import { z } from "zod";
import type { Form, Segment } from "../rendered.ts";

const Piece = z.strictObject({
  /** True: counts towards the loss. */
  label: z.boolean(),
  text: z.string(),
});
type Piece = z.infer<typeof Piece>;

/**
 * The segments in as few pieces as give the same token ids: Axolotl tokenises each piece by itself, and a tokenizer splits
 * text at control tokens anyway, so only two texts side by side, such as the newline of a header and the turn after it, must stay apart.
 */
function pieces(segments: readonly Segment[]): Piece[] {
  const found: Piece[] = [];
  let before: Segment | undefined;
  for (const segment of segments) {
    if (segment.text === "") continue;
    const last = found.at(-1);
    const joins = before?.loss === segment.loss && (before.control || segment.control);
    if (last && joins) last.text += segment.text;
    else found.push({ label: segment.loss, text: segment.text });
    before = segment;
  }
  return found;
}

/** For Axolotl's `type: input_output` (tested with 0.19.0), which tokenises as it is told, adds no token and trains on what has `label` true. */
export const axolotl = {
  columns: z.strictObject({
    /** The row's text in order. */
    segments: z.array(Piece),
  }),
  isText: true,
  packs: true,
  row: ({ segments }) => ({ segments: pieces(segments) }),
} satisfies Form;
