/** The target of an end sample: the user leaves. One added token (id 128256) in microsoft/UserLM-8b. */
export const END = "<|endconversation|>";

/**
 * The control tokens of Llama 3 and the one that user models add. A tokenizer that is given text turns these spellings
 * into control tokens, whoever typed them. Source: the special tokens of the Llama 3, 3.1 and 3.2 tokenizers.
 */
const CONTROL =
  /<\|(?:begin_of_text|end_of_text|start_header_id|end_header_id|eot_id|eom_id|python_tag|finetune_right_pad_id|step_id|image|endconversation|reserved_special_token_\d{1,3})\|>/g;

/** Control tokens as people may spell them out. */
export interface ControlTokens {
  /** How many are spelled out in a text. */
  readonly count: (text: string) => number;
  /** The text with a zero-width space after the first sign of each, so that it stays plain text. */
  readonly escape: (text: string) => string;
}

/** Those of Llama 3, the one that user models add, and `others`: what a chat template writes, what a tokenizer has. */
export function controlTokens(others: readonly string[] = []): ControlTokens {
  const more = others.filter((token) => token.replace(CONTROL, "") !== "");
  const pattern = more.length === 0 ? CONTROL : new RegExp(`${CONTROL.source}|${oneOf(more)}`, "g");
  const mayHold = (text: string) => more.length > 0 || text.includes("<|");
  return {
    count: (text) => (mayHold(text) ? (text.match(pattern)?.length ?? 0) : 0),
    escape: (text) => (mayHold(text) ? text.replace(pattern, broken) : text),
  };
}

const broken = (token: string): string => token.replace(/^./su, "$&\u200b");

/** The source of a pattern that finds any of these spellings, the longest that fits. */
export function oneOf(spellings: readonly string[]): string {
  const longestFirst = [...spellings].sort((a, b) => b.length - a.length);
  return longestFirst.map((each) => each.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
}
