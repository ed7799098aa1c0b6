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

/** The text of rendered pieces. */
export function joined(segments: readonly Segment[]): string {
  return segments.map((segment) => segment.text).join("");
}
