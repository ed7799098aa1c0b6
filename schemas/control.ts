/**
 * The control tokens of Llama 3 and the one that user models add. A tokenizer that is given text turns these spellings
 * into control tokens, whoever typed them. Source: the special tokens of the Llama 3, 3.1 and 3.2 tokenizers.
 */
const CONTROL =
  /<\|(?:begin_of_text|end_of_text|start_header_id|end_header_id|eot_id|eom_id|python_tag|finetune_right_pad_id|step_id|image|endconversation|reserved_special_token_\d{1,3})\|>/g;

/** How many control tokens are spelled out in a text. */
export function countControlTokens(text: string): number {
  return text.includes("<|") ? (text.match(CONTROL)?.length ?? 0) : 0;
}

/** The text with a zero-width space after the `<` of each spelled-out control token, so that it stays plain text. */
export function escapeControlTokens(text: string): string {
  return text.includes("<|") ? text.replace(CONTROL, (token) => `<\u200b${token.slice(1)}`) : text;
}
