import type { Language } from "./languages.ts";
import { Random } from "./random.ts";

/** Different words of a language. */
const WORDS = 20_000;
/** Draws are looked up in a table of this many places. */
const PLACES = 1 << 20;
/** Most bytes of a word with what follows it, or of what is said again. */
export const LONGEST = 64;
/** Texts that say things again do so after one word in this many. */
const AGAIN = 7;
/** … with what stands at most this many bytes before. */
const REACH = 4096;

/** The rank of a word by a draw: Zipf's law with exponent 1, by which the logarithm of the rank is equally likely. */
const ranks = Uint16Array.from(
  { length: PLACES },
  (_, place) => Math.floor(Math.exp(((place + 0.5) / PLACES) * Math.log(WORDS + 1))) - 1,
);

/** Made-up text of one language: words by Zipf's law, sentences and paragraphs. Memory: about 1 MB. */
export class Prose {
  readonly #bytes: Uint8Array;
  /** Where each word begins, and the end of the last. */
  readonly #starts: Uint32Array;
  readonly #between: Uint8Array;
  readonly #stops: readonly Uint8Array[];
  /** Words that make a text as long as one English word does, roughly: a character of Chinese says more. */
  readonly perWord: number;

  constructor(language: Language) {
    const words = vocabulary(language).map((word) => Buffer.from(word));
    this.#starts = new Uint32Array(words.length + 1);
    for (const [at, word] of words.entries()) this.#starts[at + 1] = (this.#starts[at] as number) + word.length;
    this.#bytes = new Uint8Array(Buffer.concat(words));
    this.#between = Buffer.from(language.between);
    this.#stops = language.stops.map((stop) => Buffer.from(stop));
    this.perWord = language.between === "" ? 0.8 : 1;
  }

  /**
   * Writes so many words into `into` from `at` on; returns where they end. There must be room for `LONGEST` bytes each.
   * `says`: `again` makes it repeat parts of itself as answers do, so that it compresses like them.
   */
  write(into: Uint8Array, at: number, count: number, random: Random, says: "once" | "again" = "once"): number {
    let end = at;
    for (let word = 0; word < count; word++) {
      const bits = random.bits();
      if (says === "again" && end - at > LONGEST && bits % AGAIN === 0) {
        end = sayAgain(into, at, end, random.bits());
        word += 6;
      } else end = this.#word(into, end, ranks[bits >>> 12] as number);
      if (word < count - 1) end = put(into, end, this.#after(bits & 0xfff));
    }
    return end;
  }

  #word(into: Uint8Array, at: number, rank: number): number {
    const stop = this.#starts[rank + 1] as number;
    let end = at;
    for (let from = this.#starts[rank] as number; from < stop; from++) into[end++] = this.#bytes[from] as number;
    return end;
  }

  /** What follows a word: a stop after one in 12. */
  #after(bits: number): Uint8Array {
    return bits < 341 ? (this.#stops[bits % this.#stops.length] as Uint8Array) : this.#between;
  }

  /** So many words as text. */
  text(count: number, random: Random): string {
    const bytes = new Uint8Array(count * LONGEST);
    return Buffer.from(bytes.buffer, 0, this.write(bytes, 0, count, random)).toString();
  }
}

function put(into: Uint8Array, at: number, bytes: Uint8Array): number {
  for (let from = 0; from < bytes.length; from++) into[at + from] = bytes[from] as number;
  return at + bytes.length;
}

/** Writes 40 bytes or a few less of what stands between `start` and `end` once more, whole characters only. */
function sayAgain(into: Uint8Array, start: number, end: number, bits: number): number {
  const isInside = (at: number) => ((into[at] as number) & 0xc0) === 0x80;
  let from = end - 40 - (bits % Math.min(REACH, end - start - 40));
  let to = from + 40;
  while (isInside(from)) from++;
  while (isInside(to)) to--;
  into.copyWithin(end, from, to);
  return end + to - from;
}

/** The words of a language, frequent ones short. They follow from its name alone, whatever the seed of the corpus is. */
function vocabulary({ name, onsets, vowels, between }: Language): string[] {
  const random = new Random("vocabulary", name);
  const [fronts, ends] = [onsets.split(" "), vowels.split(" ")];
  // A few characters are much more frequent than the rest.
  const front = () => fronts[Math.floor(fronts.length * random.unit() ** 3)] as string;
  const syllable = () => front() + (vowels === "" ? "" : random.pick(ends));
  const found = new Set<string>();
  for (let tries = 0; found.size < WORDS; tries++) {
    const most = between === "" || vowels === "" ? 1 + tries / (WORDS / 3) : 1 + Math.log2(1 + tries / 30) / 3;
    found.add(Array.from({ length: Math.ceil(most * random.unit() + 0.2) }, syllable).join(""));
  }
  return [...found];
}
