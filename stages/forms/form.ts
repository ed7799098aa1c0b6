import type { z } from "zod";
import type { ChatFormat } from "../../pipeline/text/chat-template/chat-format.ts";
import type { Message, Segment } from "../../pipeline/text/segment.ts";
import type { TokenRow } from "../../pipeline/text/token-row.ts";
import type { Facts, RecipeFile } from "./recipes/facts.ts";

/** A row before it takes a trainer's form: one sample, or several of a conversation (layout `conversations`). */
export interface Rendered {
  /** The intent, unless there is none, and the turns in order; the last message is a target. */
  readonly messages: readonly Message[];
  /** The same as text of the chat format, in order; it stops with the last target. */
  readonly segments: readonly Segment[];
}

/** What a model sees of a row: token ids with the places that count towards the loss, or segments that are still to be tokenised. */
export type ModelInput = { readonly ids: readonly number[]; readonly inLoss: readonly boolean[] } | readonly Segment[];

/** A way to write rows for one trainer. */
export interface Form<Columns extends z.ZodObject = z.ZodObject> {
  /** Columns beside those that say where the row comes from. */
  readonly columns: Columns;
  /** What the columns mean that need a word, for the card. */
  readonly meanings: Readonly<Record<string, string>>;
  /** True if a tokenizer will read its text, and could take what people typed for control tokens. */
  readonly isText: boolean;
  /** True if a row can hold several targets: then it knows the layout `conversations`. */
  readonly holdsSeveral: boolean;
  /** True if `row` is to be given the token ids, which others need not have. */
  readonly needsTokens?: boolean;
  /** True if a target can only count in full or not at all, so that doubtful ends are left out. */
  readonly wholeWeights?: boolean;
  readonly row: (rendered: Rendered, tokens: TokenRow | null) => Record<string, unknown>;
  /**
   * A row back as what the model sees; null = it is a row of no such form, though its columns are. Forms without a text of
   * their own are rendered with `chat`. A row has columns of its own beside those of the form.
   */
  readonly read: (
    row: z.infer<Columns>,
    chat: ChatFormat,
    whole: Readonly<Record<string, unknown>>,
  ) => ModelInput | null;
  /** The columns that tell its rows from others, where fewer than all are enough. */
  readonly toldBy?: readonly (keyof z.infer<Columns> & string)[];
  /** Files for the trainers that read it; none = it is for reading, not for training. */
  readonly recipes: (facts: Facts) => RecipeFile[];
}

/** Checks a form against its columns. */
export function defineForm<Columns extends z.ZodObject>(form: Form<Columns>): Form<Columns> {
  return form;
}
