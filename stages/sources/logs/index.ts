import { conversation } from "./conversation.ts";
import { message } from "./message.ts";
import { exchange, pair } from "./pair.ts";
import type { RowKind } from "./row-kind.ts";

/** What rows of people's own logs can be, in the order in which they are tried. To add one: write its file and name it here. */
export const ROW_KINDS: readonly RowKind[] = [conversation, exchange, pair, message];

/** Their names. */
export const ROW_KIND_NAMES = ["conversation", "exchange", "pair", "message"] as const;

/** The kind of a name; null = the most usual. */
export function rowKindNamed(name: string | null): RowKind {
  return ROW_KINDS.find((kind) => kind.name === name) ?? conversation;
}
