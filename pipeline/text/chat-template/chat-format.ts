import type { Message, Segment } from "../segment.ts";

/** What the paper leaves open about the text of a row. */
export interface ChatOptions {
  /** The begin-of-text token in front: as the template has it, always, or never. */
  readonly bos: "template" | "always" | "never";
  readonly bosToken: string;
  readonly eosToken: string;
  /** The day that a template which asks for today's date is told, `YYYY-MM-DD`: the same input gives the same bytes on any day. */
  readonly templateDate: string;
  /** The white space between the header of a target and its text counts towards the loss. */
  readonly newlineInLoss: boolean;
  /** The token that ends a target counts towards the loss. */
  readonly stopInLoss: boolean;
}

/** How a dialogue is written as text. */
export interface ChatFormat {
  readonly name: string;
  /** The same as a Jinja chat template, for those who apply one. */
  readonly template: string;
  /** The control tokens that it writes itself. */
  readonly controls: readonly string[];
  /** True if a message is written the same whatever stands around it. */
  readonly isLocal: boolean;
  /** Segments of the messages in order. The text stops with the last message's stop token. */
  readonly render: (messages: readonly Message[]) => Segment[];
}
