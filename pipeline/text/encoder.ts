import { END } from "./control-tokens.ts";
import type { Segment } from "./segment.ts";
import type { Tokenizer } from "./tokenizer/tokenizer.ts";

/** Reads segments as token ids. */
export interface Encoder {
  /** Ids of one segment: text as text alone, a control token as its one id. */
  readonly ids: (segment: Segment) => ArrayLike<number>;
  /** Most UTF-16 units of text that one token stands for; null = any number. */
  readonly longest: number | null;
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
    longest: tokenizer.longest,
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

/** How many tokens a segment is at least, by its length alone. */
export function atLeast({ text, control }: Segment, { longest }: Encoder): number {
  if (control) return 1;
  return longest === null ? 0 : Math.ceil(text.length / longest);
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
