import { KeyTable, keyOf, Numbers } from "../../pipeline/collections.ts";
import type { EndLabel, EndReason } from "../../schemas/end-label.ts";
import type { EndSign, EndSignals } from "../../schemas/end-signals.ts";

/** What is known of an ending: its own signs, and what other conversations tell. */
export type EndFacts = { signs: readonly EndSign[]; goesOn: boolean; onLastDay: boolean };

/**
 * Confidence without any sign, and what each reason makes of it. These are judgements: that the user left is likelier
 * than not wherever a log stops; a thanks makes it near certain; an answer that never came, or the same text tried again
 * within minutes, speaks strongly against it. `unanswered` has no end sample to weigh.
 */
const PLAIN = 0.7;
const WITH_THANKS = 0.95;
const FACTORS: Record<Exclude<EndReason, "thanks">, number> = {
  unanswered: 0,
  empty_answer: 0.2,
  refusal: 0.7,
  goes_on: 0.1,
  last_day: 0.5,
};

/** How sure it is that the user left, and why it is not `PLAIN`. */
export function endConfidence({ signs, goesOn, onLastDay }: EndFacts): Omit<EndLabel, "conversation_id"> {
  const reasons: EndReason[] = [
    ...signs,
    ...(goesOn ? ["goes_on" as const] : []),
    ...(onLastDay ? ["last_day" as const] : []),
  ];
  let confidence = reasons.includes("thanks") ? WITH_THANKS : PLAIN;
  for (const reason of reasons) if (reason !== "thanks") confidence *= FACTORS[reason];
  return { end_confidence: Math.round(1000 * confidence) / 1000, end_reasons: reasons };
}

/** A user who begins again within this time has not left. */
const MINUTES = 10;
const DAY_MS = 24 * 60 * 60_000;

/**
 * Conversations by user and time: whose user goes on with the same text, and which end on the last day of all. Numbers
 * count from 0 in the order in which conversations are added; nothing else depends on that order.
 * Memory: 40 to 80 bytes a conversation, and 16 to 32 for every different user and every different text.
 */
export class Timeline {
  readonly #users = new KeyTable();
  readonly #texts = new KeyTable();
  readonly #user = new Numbers();
  readonly #opening = new Numbers();
  readonly #last = new Numbers();
  /** Seconds since 1970, from 1; 0 = not known. */
  readonly #began = new Numbers();
  readonly #ended = new Numbers();

  /** Adds one conversation. */
  add({ user_id, started_at, ended_at, opening_key, last_key }: EndSignals): void {
    const text = (key: string | null) => (key === null ? 0 : 1 + this.#texts.number(...keyOf(key)));
    this.#user.push(user_id === null ? 0 : 1 + this.#users.number(...keyOf(user_id)));
    this.#opening.push(text(opening_key));
    this.#last.push(text(last_key));
    this.#began.push(seconds(started_at ?? ended_at));
    this.#ended.push(seconds(ended_at ?? started_at));
  }

  /** 1 for each conversation whose user begins another within ten minutes of its end with its first or last user turn. */
  goingOn(): Uint8Array {
    const user = this.#user.values;
    const began = this.#began.values;
    const known = Uint32Array.from(user.keys()).filter((at) => user[at] !== 0 && began[at] !== 0);
    known.sort((a, b) => (user[a] as number) - (user[b] as number) || (began[a] as number) - (began[b] as number));
    const found = new Uint8Array(user.length);
    for (const [place, at] of known.entries()) if (this.#goesOn(known, place)) found[at] = 1;
    return found;
  }

  /** 1 for each conversation that ends within 24 hours before the last end of all. */
  onLastDay(): Uint8Array {
    const ended = this.#ended.values;
    const last = ended.reduce((latest, each) => Math.max(latest, each), 0);
    return Uint8Array.from(ended, (each) => Number(each !== 0 && last - each < DAY_MS / 1000));
  }

  /** Looks at what the same user began at the same time or after, up to ten minutes past the end. */
  #goesOn(known: Uint32Array, place: number): boolean {
    const [user, began, opening] = [this.#user.values, this.#began.values, this.#opening.values];
    const at = known[place] as number;
    const until = (this.#ended.values[at] as number) + 60 * MINUTES;
    for (let next = place + 1; next < known.length; next++) {
      const other = known[next] as number;
      if (user[other] !== user[at] || (began[other] as number) > until) return false;
      // Of two that began in the same second neither came after the other.
      if (began[other] === began[at] || opening[other] === 0) continue;
      if (opening[other] === opening[at] || opening[other] === this.#last.values[at]) return true;
    }
    return false;
  }
}

function seconds(time: string | null): number {
  const ms = time === null ? Number.NaN : Date.parse(time);
  return Number.isNaN(ms) ? 0 : Math.max(1, Math.floor(ms / 1000));
}
