import { z } from "zod";
import { END } from "../../schemas/sample.ts";
import type { Segment, TokenRow } from "./segment.ts";
import type { Tokenizer } from "./tokenizer/tokenizer.ts";

/** Reads segments as token ids. */
export interface Encoder {
  /** Ids of one segment: text as text alone, a control token as its one id. */
  readonly ids: (segment: Segment) => ArrayLike<number>;
  /** The text of ids, control tokens as they are spelled. */
  readonly decode: (ids: readonly number[]) => string;
  /** Control tokens that the tokenizer itself lacks, in the order in which they must be added to it, with their ids. */
  readonly added: readonly { readonly token: string; readonly id: number }[];
}

/** An encoder whose control tokens include those of a chat format: the ones that the tokenizer lacks get the next free ids. */
export function encoderOf(tokenizer: Tokenizer, controls: readonly string[]): Encoder {
  const known = new Set(tokenizer.controls);
  const missing = controls.filter((token, at) => token !== END && !known.has(token) && controls.indexOf(token) === at);
  const added = missing.map((token, at) => ({ token, id: tokenizer.size + at }));
  const extra = new Map(added.map(({ token, id }) => [token, [id]]));
  const control = (text: string) => extra.get(text) ?? [tokenizer.control(text)];
  return {
    ids: ({ text, control: isControl }) => (isControl ? control(text) : tokenizer.encode(text)),
    decode: (ids) => decodeAll(ids, tokenizer, new Map(added.map(({ token, id }) => [id, token]))),
    added: [{ token: END, id: tokenizer.control(END) }, ...added],
  };
}

function decodeAll(ids: readonly number[], tokenizer: Tokenizer, added: ReadonlyMap<number, string>): string {
  let text = "";
  let from = 0;
  for (const [at, id] of ids.entries()) {
    const token = added.get(id);
    if (token === undefined) continue;
    text += tokenizer.decode(ids.slice(from, at)) + token;
    from = at + 1;
  }
  return text + tokenizer.decode(ids.slice(from));
}

/** The encoder, with each text encoded once: for the messages of one conversation, which stand in many of its samples. */
export function remembering(encoder: Encoder): Encoder {
  const texts = new Map<string, ArrayLike<number>>();
  return {
    ...encoder,
    ids(segment) {
      if (segment.control) return encoder.ids(segment);
      const known = texts.get(segment.text) ?? encoder.ids(segment);
      texts.set(segment.text, known);
      return known;
    },
  };
}

/** How many tokens segments are, and how many of them count towards the loss. */
export function countTokens(segments: readonly Segment[], encoder: Encoder): { tokens: number; inLoss: number } {
  let tokens = 0;
  let inLoss = 0;
  for (const segment of segments) {
    const { length } = encoder.ids(segment);
    tokens += length;
    if (segment.loss) inLoss += length;
  }
  return { tokens, inLoss };
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
