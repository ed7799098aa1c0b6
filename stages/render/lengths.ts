import type { ChatFormat } from "../../pipeline/text/chat-template/chat-format.ts";
import { atLeast, countTokens, type Encoder } from "../../pipeline/text/encoder.ts";
import type { Message } from "../../pipeline/text/segment.ts";
import type { Turn } from "../../schemas/conversation.ts";

/** Tokens of a row; `isAll`: false = so many at least, since more than the limit are not worth counting. */
export type Length = { readonly tokens: number; readonly inLoss: number; readonly isAll: boolean };

/**
 * Lengths of the rows of one conversation where a message is written the same whatever stands around it: a turn is counted
 * once, when a row first needs it, so that all rows together cost no more than their turns. A text that must be longer
 * than the limit is not cut into tokens at all. Memory: a number a turn.
 */
export class Lengths {
  readonly #chat: ChatFormat;
  readonly #encoder: Encoder;
  readonly #turns: readonly Turn[];
  readonly #known: Float64Array;
  readonly #most: number;
  /** What two messages have less between them than apart, such as a token at the beginning of all. */
  #shared = 0;

  /** `most`: lengths beyond it need not be exact. */
  constructor(chat: ChatFormat, encoder: Encoder, turns: readonly Turn[], most = Number.POSITIVE_INFINITY) {
    [this.#chat, this.#encoder, this.#turns, this.#most] = [chat, encoder, turns, most];
    this.#known = new Float64Array(turns.length).fill(-1);
    const any: Message = { role: "user", content: "a", loss: false, end: false };
    this.#shared = 2 * this.#count([any]).tokens - this.#count([any, any]).tokens;
  }

  /** The length of a row without context: its intent, unless there is none, and its target. */
  ofEnds(ends: readonly Message[]): Length {
    return this.#count(ends);
  }

  /** By how much a row is longer for a turn of its context. */
  ofTurn(at: number): number {
    const known = this.#known[at] as number;
    if (known >= 0) return known;
    const { role, content } = this.#turns[at] as Turn;
    const found = this.#count([{ role, content, loss: false, end: false }]).tokens - this.#shared;
    this.#known[at] = found;
    return found;
  }

  #count(messages: readonly Message[]): Length {
    const segments = this.#chat.render(messages);
    const least = segments.reduce((sum, segment) => sum + atLeast(segment, this.#encoder), 0);
    if (least > this.#most + Math.max(0, this.#shared)) return { tokens: least, inLoss: 0, isAll: false };
    return { ...countTokens(segments, this.#encoder), isAll: true };
  }
}
