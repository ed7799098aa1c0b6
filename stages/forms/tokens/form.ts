import { z } from "zod";
import { labelsOf, lossMask } from "../../../pipeline/text/encoder.ts";
import type { Form } from "../../../pipeline/text/segment.ts";

/** Token ids with their labels: what every trainer takes without reading a text again. */
export const tokensForm = {
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
  isText: false,
  packs: true,
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
} satisfies Form;
