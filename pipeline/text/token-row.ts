import { z } from "zod";
import { countTokens, type Encoder } from "./encoder.ts";
import type { Segment } from "./segment.ts";

/** Token ids of a row, and which of them count towards the loss: the targets from `starts[i]`, `lengths[i]` tokens each. */
export interface TokenRow {
  readonly ids: Int32Array;
  readonly starts: readonly number[];
  readonly lengths: readonly number[];
}

/** The ids of segments one after the other, and the stretches of them that count towards the loss. */
export function encodeRow(segments: readonly Segment[], encoder: Encoder): TokenRow {
  const ids = new Int32Array(countTokens(segments, encoder).tokens);
  const starts: number[] = [];
  const lengths: number[] = [];
  let place = 0;
  let inTarget = false;
  for (const segment of segments) {
    const part = encoder.ids(segment);
    ids.set(part, place);
    if (segment.loss && inTarget) lengths[lengths.length - 1] = (lengths.at(-1) ?? 0) + part.length;
    else if (segment.loss) {
      starts.push(place);
      lengths.push(part.length);
    }
    inTarget = segment.loss;
    place += part.length;
  }
  return { ids, starts, lengths };
}

/** The first `most` tokens of a row; targets beyond are cut or lost. */
export function cutRight({ ids, starts, lengths }: TokenRow, most: number): TokenRow {
  const kept = starts.filter((start) => start < most);
  return {
    ids: ids.slice(0, most),
    starts: kept,
    lengths: kept.map((start, at) => Math.min(lengths[at] ?? 0, most - start)),
  };
}

/** 1 where a token counts towards the loss, else 0. */
export function lossMask({ ids, starts, lengths }: TokenRow): Uint8Array {
  const mask = new Uint8Array(ids.length);
  for (const [at, start] of starts.entries()) mask.fill(1, start, start + (lengths[at] ?? 0));
  return mask;
}

/** The ids where they count towards the loss, elsewhere -100, which PyTorch's cross entropy ignores. */
export function labelsOf({ ids, starts, lengths }: TokenRow): Int32Array {
  const labels = new Int32Array(ids.length).fill(-100);
  for (const [at, start] of starts.entries()) {
    const end = start + (lengths[at] ?? 0);
    labels.set(ids.subarray(start, end), start);
  }
  return labels;
}

/** The column of `lossWeights`. */
export const LossWeights = {
  /** What the loss of each token is multiplied by: 0 = context only, 1 = in full. */
  loss_weights: z.array(z.number()),
};

/** The weight of its target where a token counts towards the loss, else 0. */
export function lossWeights({ ids, starts, lengths }: TokenRow, weights: readonly number[]): Float64Array {
  const each = new Float64Array(ids.length);
  for (const [at, start] of starts.entries()) {
    const weight = weights[at];
    if (weight === undefined) throw new Error(`a row has ${starts.length} targets and ${weights.length} weights`);
    each.fill(weight, start, start + (lengths[at] ?? 0));
  }
  return each;
}
