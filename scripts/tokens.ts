import type { Segment } from "../stages/write/forms.ts";

/** The id that `<|endconversation|>` gets when it is appended to the 128,256 tokens of Llama 3, as in microsoft/UserLM-8b. */
const END_ID = 128_256;

/**
 * Llama 3 token ids of rendered pieces, each piece on its own: text that looks like a control token stays text.
 * The vocabulary (3 MB) is loaded on first use.
 */
export async function encode(segments: readonly Segment[]): Promise<number[]> {
  const { default: tokenizer } = await import("llama3-tokenizer-js");
  // `specialTokenRegex` is missing in the library's types; one that matches nothing makes it read text as text alone.
  const asText = { bos: false, eos: false, specialTokenRegex: /(?!)/g };
  return segments.flatMap(({ text, control }) => {
    if (!control) return tokenizer.encode(text, asText);
    return text === "<|endconversation|>" ? [END_ID] : [tokenizer.getSpecialTokenId(text)];
  });
}
