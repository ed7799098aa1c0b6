import type { z } from "zod";

/** A piece of rendered text. `control`: one control token of ours; else text that must be tokenised as text alone. `loss`: it is trained on. */
export type Segment = { readonly text: string; readonly control: boolean; readonly loss: boolean };

export type Message = { readonly role: "system" | "user" | "assistant"; readonly content: string };

/** One row before it takes a trainer's form: a sample, or several samples of one conversation in one row (layout packed). */
export interface Rendered {
  /** System message with the intent (absent in the ablation), turns in order; `loss`: this user message is a target. The end is a user message with content `<|endconversation|>`. */
  readonly messages: readonly (Message & { readonly loss: boolean })[];
  /** The same as text of the chosen chat format, in order. */
  readonly segments: readonly Segment[];
}

export interface Form {
  /** Columns beside those that say where the row comes from (id, conversation_id, turn, kind, …, which the lead adds). */
  readonly columns: z.ZodObject;
  /** True if a tokenizer will read the text and could mistake what people typed for control tokens. */
  readonly isText: boolean;
  /** True if a row can hold several targets. */
  readonly packs: boolean;
  readonly row: (rendered: Rendered) => Record<string, unknown>;
}
