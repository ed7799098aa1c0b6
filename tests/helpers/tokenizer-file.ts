import { BYTE_SPELLINGS } from "../../pipeline/text/tokenizer/byte-level.ts";

/** What a test says about a `tokenizer.json`; the rest is a byte-level tokenizer with the rule of Llama 3. */
export type Given = {
  merges?: string[];
  added?: { id: number; content: string; special?: boolean; normalized?: boolean }[];
  model?: object;
  normalizer?: object | null;
  pre_tokenizer?: object | null;
};

const WORDS = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+`;
const REST = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

/** Pre-tokenizers of published models. */
export const PRE_TOKENIZERS = {
  "Llama 3": cutBy(String.raw`${WORDS}|\p{N}{1,3}|${REST}`),
  "Qwen 2": cutBy(String.raw`${WORDS}|\p{N}|${REST}`),
  "GPT-2": { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
};

function cutBy(regex: string): object {
  const cut = { type: "Split", pattern: { Regex: regex }, behavior: "Isolated", invert: false };
  const bytes = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
  return { type: "Sequence", pretokenizers: [cut, bytes] };
}

/** A `tokenizer.json` whose tokens are the 256 bytes (ids 0 to 255) and what the merges make of them, in order. */
export function tokenizerFile({ merges = [], added = [], model = {}, ...components }: Given = {}) {
  const spellings = [...BYTE_SPELLINGS, ...new Set(merges.map((merge) => merge.replace(" ", "")))];
  const vocab = Object.fromEntries(spellings.map((spelling, id) => [spelling, id]));
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: PRE_TOKENIZERS["Llama 3"],
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { type: "BPE", vocab, merges, ...model },
    ...components,
  };
}
