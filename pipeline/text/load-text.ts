import type { ChatFormat } from "./chat-template/chat-format.ts";
import { chatFormat, isFormatName } from "./chat-template/chat-template.ts";
import { tried } from "./chat-template/frame.ts";
import { type ControlTokens, controlTokens, END } from "./control-tokens.ts";
import { type Encoder, encoderOf } from "./encoder.ts";
import { BOS, type TextOptions } from "./text-options.ts";
import { loadTokenizer } from "./tokenizer/tokenizer.ts";

/** A chat template and a tokenizer, loaded and fitted to one another. */
export interface Text {
  readonly chat: ChatFormat;
  /** null = there is no tokenizer, and nothing is counted. */
  readonly encoder: Encoder | null;
  /** What a tokenizer that reads rendered text would take for control tokens. */
  readonly controls: ControlTokens;
  /** Tokens that must be added to the tokenizer, in order. */
  readonly added: Encoder["added"];
}

/** Control tokens that chat templates write and a tokenizer may lack. */
const TEMPLATE_TOKENS = [END, "<|im_start|>", "<|im_end|>"];

/**
 * Loads tokenizer and chat template; `resolve` says where the files lie that the options name.
 * Throws UsageError for files that are neither, and for a `bosToken` that is not there.
 */
export async function loadText(options: TextOptions, resolve: (path: string) => string): Promise<Text> {
  const { tokenizer: name, chatTemplate, bosToken, eosToken } = options;
  const tokenizer = name === "none" ? null : await loadTokenizer(name === "llama3" ? null : resolve(name));
  const known = [...new Set([...(tokenizer?.controls ?? []), ...TEMPLATE_TOKENS, bosToken, eosToken])];
  const template = isFormatName(chatTemplate) ? chatTemplate : resolve(chatTemplate);
  const chat = chatFormat(template, options, known);
  if (bosToken !== BOS && chat.controls.includes(bosToken)) tokenizer?.control(bosToken);
  const encoder = tokenizer && encoderOf(tokenizer, chat.controls);
  const controls = controlTokens([...(tokenizer?.controls ?? []), ...chat.controls]);
  return { chat, encoder, controls, added: encoder?.added ?? [] };
}

/** The files that the options name. */
export function textFiles({ chatTemplate, tokenizer }: TextOptions): string[] {
  const isBuiltIn = ["llama3", "none"].includes(tokenizer);
  return [...(isFormatName(chatTemplate) ? [] : [chatTemplate]), ...(isBuiltIn ? [] : [tokenizer])];
}

/**
 * Throws UsageError if the chat template refuses dialogues such as will be written, changes their text, or writes control
 * tokens that the tokenizer lacks.
 */
export function requireDialogues({ chat, encoder }: Text, hasIntents: boolean): void {
  for (const segment of tried(chat, hasIntents).flat()) if (segment.control) encoder?.ids(segment);
}
