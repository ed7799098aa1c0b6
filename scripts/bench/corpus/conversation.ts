/**
 * Conversation number n of a corpus. All of it follows from the seed, the number of conversations and n, so that any
 * file can be written without the others. Its text may be that of an earlier number (equal content has an equal hash,
 * as in WildChat), or its opening alone (somebody asked for the answer again).
 */
import { LANGUAGES, type Language } from "./languages.ts";
import { drawPerson, type Person, person } from "./people.ts";
import { LONGEST, Prose } from "./prose.ts";
import { Random } from "./random.ts";
import { COMMON_LANGUAGE, type Common, commonTexts, drawTemplate } from "./templates.ts";

/** One message. `language`: `Nolang` where there is nothing but white space. */
export type MadeMessage = {
  readonly role: "user" | "assistant";
  readonly content: Uint8Array;
  readonly language: string;
};

/** A conversation before it is a row. */
export interface MadeDialogue {
  readonly number: number;
  readonly person: Person;
  /** Somebody else's address in the middle of it, as when a phone changes its network; null = one address throughout. */
  readonly elsewhere: Person | null;
  readonly language: string;
  readonly messages: readonly MadeMessage[];
}

/** Parts of the rows that share their whole content, or their opening, with an earlier one. */
const REPEATED = 0.015;
const ASKED_AGAIN = 0.03;
/** Turns: 45 % of conversations go on; the mean is about 2.5 and one in ten has six or more. */
const GOES_ON = 0.45;
const MOST_TURNS = 200;
/** Most words of a message; the longest of the real rows at hand has 147,410 characters. */
const MOST_WORDS = 24_000;

/** What people type or paste that trips programs; each stands in about one user message of so many. */
const ODDITIES: readonly { readonly weight: number; readonly text: string }[] = [
  { weight: 1 / 30, text: " " },
  { weight: 1 / 15, text: "\n" },
  { weight: 1 / 400, text: " <PRESIDIO_ANONYMIZED_PERSON> " },
  { weight: 1 / 1500, text: "\r\n" },
  { weight: 1 / 3000, text: "\u2028" },
  { weight: 1 / 200, text: " 🙂👍🏽 " },
  { weight: 1 / 100, text: "\n```\nfor (let i = 0; i < n; i++) { x[i] += 1; }\n```\n" },
  { weight: 1 / 8000, text: "<|eot_id|>" },
  { weight: 1 / 8000, text: "<|endconversation|>" },
  { weight: 1 / 8000, text: "<|im_start|>user\n" },
];

const NOTHING = new Uint8Array(0);

/** Makes the conversations of one corpus. Texts are bytes in memory that `reset` gives back. */
export class Writer {
  readonly #seed: string;
  readonly #conversations: number;
  readonly #prose = new Map<string, Prose>();
  readonly #common: Common;
  #arena = new Uint8Array(32 << 20);
  #used = 0;

  constructor(seed: string, conversations: number) {
    this.#seed = seed;
    this.#conversations = conversations;
    this.#common = commonTexts(seed, this.#proseOf(COMMON_LANGUAGE));
  }

  /** Ends the life of all messages so far. */
  reset(): void {
    this.#used = 0;
  }

  /** The conversation with a number. */
  write(number: number): MadeDialogue {
    const text = this.#earlier(number, "repeat", REPEATED);
    const asked = this.#earlier(text, "ask", ASKED_AGAIN);
    const who = new Random(this.#seed, "who", number === text ? asked : number);
    const own = this.#person(who);
    const elsewhere = who.chance(0.02) ? this.#person(who) : null;
    const author = this.#person(new Random(this.#seed, "who", asked));
    return { number, person: own, elsewhere, ...this.#messages(text, asked, author.language) };
  }

  /** The number itself or, with a probability, that of an earlier conversation. */
  #earlier(number: number, what: string, probability: number): number {
    const random = new Random(this.#seed, what, number);
    return number > 0 && random.chance(probability) ? this.#earlier(random.below(number), what, probability) : number;
  }

  #person(random: Random): Person {
    return person(this.#seed, drawPerson(this.#conversations, random));
  }

  #messages(text: number, asked: number, native: Language): Pick<MadeDialogue, "language" | "messages"> {
    const start = new Random(this.#seed, "opening", asked);
    const rest = new Random(this.#seed, "rest", text);
    const drawn = start.chance(0.9) ? native : start.weighted(LANGUAGES);
    const template = drawn === COMMON_LANGUAGE ? drawTemplate(start, this.#common) : null;
    // A vote over all messages calls some conversations English in which the user writes otherwise.
    const own = drawn === COMMON_LANGUAGE && !template && start.chance(0.03) ? start.weighted(LANGUAGES) : drawn;
    const opening = template
      ? this.#around(template.before, this.#words(own, 12, 1, start), template.after)
      : this.#opening(own, start);
    const messages: MadeMessage[] = [];
    const turns = rest.chance(GOES_ON) ? 1 + Math.min(MOST_TURNS, Math.ceil(rest.around(1.75, 1.02))) : 1;
    let last = opening;
    for (let turn = 0; turn < turns; turn++) {
      if (turn > 0 && !rest.chance(0.02)) last = this.#userText(own, rest);
      messages.push(messageOf("user", last, own), messageOf("assistant", this.#answer(drawn, rest), drawn));
    }
    return { language: drawn.name, messages };
  }

  #opening(language: Language, random: Random): Uint8Array {
    const kind = random.unit();
    if (kind < 0.012) return NOTHING;
    if (language === COMMON_LANGUAGE && kind < 0.05) return this.#text(random.pick(this.#common.greetings));
    if (language === COMMON_LANGUAGE && kind < 0.3)
      return this.#around(`${random.pick(this.#common.openers)} `, this.#userText(language, random), "");
    return this.#userText(language, random);
  }

  #userText(language: Language, random: Random): Uint8Array {
    if (random.chance(0.009)) return NOTHING;
    let words = this.#words(language, 22, 1.65, random);
    for (const { weight, text } of ODDITIES)
      if (random.chance(weight))
        words = random.chance(0.5) ? this.#around(text, words, "") : this.#around("", words, text);
    // A long run without a cut, which is hard on tokenizers.
    if (language.between === "" && random.chance(0.0005)) words = this.#around("", words, "漢".repeat(20_000));
    return words;
  }

  #answer(language: Language, random: Random): Uint8Array {
    return random.chance(0.001) ? NOTHING : this.#words(language, 220, 0.75, random, "again");
  }

  #words(
    language: Language,
    median: number,
    spread: number,
    random: Random,
    says: "once" | "again" = "once",
  ): Uint8Array {
    const prose = this.#proseOf(language);
    const count = Math.min(MOST_WORDS, Math.max(1, Math.round(random.around(median * prose.perWord, spread))));
    this.#reserve(count * LONGEST);
    const from = this.#used;
    this.#used = prose.write(this.#arena, from, count, random, says);
    return this.#arena.subarray(from, this.#used);
  }

  #text(text: string): Uint8Array {
    return this.#around(text, NOTHING, "");
  }

  #around(before: string, middle: Uint8Array, after: string): Uint8Array {
    const parts = [Buffer.from(before), middle, Buffer.from(after)];
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    this.#reserve(length);
    const from = this.#used;
    for (const part of parts) {
      this.#arena.set(part, this.#used);
      this.#used += part.length;
    }
    return this.#arena.subarray(from, this.#used);
  }

  /** Makes room; messages that are there keep the memory that they are in. */
  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#arena.length) return;
    this.#arena = new Uint8Array(Math.max(this.#arena.length, bytes));
    this.#used = 0;
  }

  #proseOf(language: Language): Prose {
    const known = this.#prose.get(language.name) ?? new Prose(language);
    this.#prose.set(language.name, known);
    return known;
  }
}

function messageOf(role: MadeMessage["role"], content: Uint8Array, language: Language): MadeMessage {
  const isBlank = content.every((byte) => byte === 0x20 || byte === 0x0a || byte === 0x0d);
  return { role, content, language: isBlank ? "Nolang" : language.name };
}
