import { type ChatFormat, chatFormat } from "../../pipeline/text/chat-template/chat-template.ts";
import { tried } from "../../pipeline/text/chat-template/frame.ts";
import { type ControlTokens, controlTokens as spelledOut } from "../../pipeline/text/control-tokens.ts";
import { type Encoder, encoderOf } from "../../pipeline/text/encoder.ts";
import type { Form } from "../../pipeline/text/segment.ts";
import { loadTokenizer } from "../../pipeline/text/tokenizer/tokenizer.ts";
import { END } from "../../schemas/sample.ts";
import { FORMS } from "../forms/index.ts";
import type { WriteOptions } from "./stage.ts";
import type { RowSettings } from "./truncate.ts";

/** Options of `write`, with what they name loaded. */
export interface Settings extends RowSettings {
  readonly form: Form;
  readonly trims: boolean;
  readonly controlTokens: WriteOptions["controlTokens"];
  /** What a tokenizer that reads the rows as text would take for control tokens. */
  readonly controls: ControlTokens;
  /** Most tokens of a bin; null = rows are not put into bins. */
  readonly binSize: number | null;
  /** Targets may have other weights than 1, so the rows say them. */
  readonly isWeighted: boolean;
  /** Tokens that must be added to the tokenizer, in order. */
  readonly added: Encoder["added"];
}

/** Control tokens that chat templates write and a tokenizer may lack. */
const TEMPLATE_TOKENS = [END, "<|im_start|>", "<|im_end|>"];

/** Begin-of-text of the format `llama3`, which is added to a tokenizer that lacks it; one of another name has to be there. */
export const BOS = "<|begin_of_text|>";

/** Loads tokenizer and chat template. Throws UsageError for files that are neither, and for a `bosToken` that is not there. */
export async function loadSettings(options: WriteOptions, isWeighted = false): Promise<Settings> {
  const { tokenizer: name, layout, maxTokens, overflow, controlTokens, binPack } = options;
  const tokenizer = name === "none" ? null : await loadTokenizer(name === "llama3" ? null : name);
  const known = [...new Set([...(tokenizer?.controls ?? []), ...TEMPLATE_TOKENS, options.bosToken, options.eosToken])];
  const chat: ChatFormat = chatFormat(options.chatTemplate, options, known);
  if (options.bosToken !== BOS && chat.controls.includes(options.bosToken)) tokenizer?.control(options.bosToken);
  const encoder = tokenizer && encoderOf(tokenizer, chat.controls);
  return {
    chat,
    encoder,
    layout,
    maxTokens,
    overflow,
    form: FORMS[options.form],
    trims: options.whitespace === "trim",
    controlTokens,
    controls: spelledOut([...(tokenizer?.controls ?? []), ...chat.controls]),
    binSize: binPack ? maxTokens : null,
    isWeighted,
    added: encoder?.added ?? [],
  };
}

/**
 * Throws UsageError if the chat template refuses dialogues such as will be written, changes their text, or writes control
 * tokens that the tokenizer lacks.
 */
export function requireDialogues({ chat, encoder }: Settings, hasIntents: boolean): void {
  for (const segment of tried(chat, hasIntents).flat()) if (segment.control) encoder?.ids(segment);
}
