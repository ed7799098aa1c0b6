import type { z } from "zod";

/**
 * A piece of rendered text. `control`: it is one control token of ours; all else must be tokenised as text alone.
 * `loss`: it counts towards the loss.
 */
export type Segment = { readonly text: string; readonly control: boolean; readonly loss: boolean };

/**
 * One message of a row: the intent as the system's, or a turn. `loss`: it is a target.
 * `end`: it is not text but the end of the conversation, whose content is `<|endconversation|>`.
 */
export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
  readonly loss: boolean;
  readonly end: boolean;
}

/** A row before it takes a trainer's form: one sample, or several of a conversation (layout `packed`). */
export interface Rendered {
  /** The intent, unless there is none, and the turns in order; the last message is a target. */
  readonly messages: readonly Message[];
  /** The same as text of the chat format, in order; it stops with the last target. */
  readonly segments: readonly Segment[];
}

/** Token ids of a row, and which of them count towards the loss: the targets from `starts[i]`, `lengths[i]` tokens each. */
export interface TokenRow {
  readonly ids: Int32Array;
  readonly starts: readonly number[];
  readonly lengths: readonly number[];
}

/** A way to write rows for one trainer. */
export interface Form {
  /** Columns beside those that say where the row comes from. */
  readonly columns: z.ZodObject;
  /** True if a tokenizer will read its text, and could take what people typed for control tokens. */
  readonly isText: boolean;
  /** True if a row can hold several targets. */
  readonly packs: boolean;
  /** True if `row` is to be given the token ids, which others need not have. */
  readonly needsTokens?: boolean;
  /** True if a target can only count in full or not at all, so that doubtful ends are left out. */
  readonly wholeWeights?: boolean;
  readonly row: (rendered: Rendered, tokens: TokenRow | null) => Record<string, unknown>;
}

/** The text of rendered pieces. */
export function joined(segments: readonly Segment[]): string {
  return segments.map((segment) => segment.text).join("");
}
