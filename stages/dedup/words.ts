import { normalise } from "../../pipeline/text/normalise.ts";
import { goesOn, kindOf, OTHER, SPACED } from "../../pipeline/text/word-characters.ts";

/** Length of the word sequences that are counted; the paper's appendix A counts 7-grams. */
export const NGRAM = 7;

/** Odd factors of the polynomials that make one value of many words. */
const LOW = 0x9e3779b1;
const HIGH = 0x85ebca6b;
/** By what a word is multiplied when it leaves a 7-gram, and what must be added for the 7 that every polynomial begins with. */
const [LOW_GONE, HIGH_GONE] = [power(LOW, NGRAM), power(HIGH, NGRAM)];
const LOW_MORE = Math.imul(NGRAM, LOW_GONE - power(LOW, NGRAM + 1));
const HIGH_MORE = Math.imul(NGRAM, HIGH_GONE - power(HIGH, NGRAM + 1));

function power(factor: number, exponent: number): number {
  let product = 1;
  for (let each = 0; each < exponent; each++) product = Math.imul(product, factor);
  return product;
}

/**
 * Finds the words of a text (runs of Unicode letters and digits after `normalise`; scripts without spaces are cut as
 * `goesOn` says) and hashes its 7-grams to 64 bits, in two independent lanes of 32, without making a string for a word. One scanner is used for many texts: `scan`, then
 * read `words`, `gramLow` and `gramHigh` until the next `scan`.
 */
export class WordScanner {
  /** Number of words of the last text. */
  words = 0;
  /** Hash of the 7-gram that starts at word *i*, for *i* in 0 … words - 7. */
  gramLow = new Uint32Array(1024);
  gramHigh = new Uint32Array(1024);
  #text = "";
  #start = new Uint32Array(1024);
  #end = new Uint32Array(1024);
  #low = new Uint32Array(1024);
  #high = new Uint32Array(1024);

  /** Number of 7-grams of the last text. */
  get grams(): number {
    return Math.max(0, this.words - NGRAM + 1);
  }

  scan(text: string): void {
    this.#text = normalise(text);
    this.#split();
    if (this.words >= NGRAM) this.#roll();
  }

  /** Makes a text of fewer than seven words count as one gram, its whole; a text without words has none. */
  scanWhole(): number {
    if (this.words === 0 || this.words >= NGRAM) return 0;
    this.#combine(0, 0, this.words);
    return 1;
  }

  /** The hash of all words in their order, as two lanes. */
  hash(): readonly [number, number] {
    return this.hashOf(0, this.words);
  }

  /** The hash of so many words from `first` on, as two lanes. */
  hashOf(first: number, count: number): readonly [number, number] {
    let low = count;
    let high = count;
    for (let word = first; word < first + count; word++) {
      low = (Math.imul(low, LOW) + (this.#low[word] as number)) | 0;
      high = (Math.imul(high, HIGH) + (this.#high[word] as number)) | 0;
    }
    return [mix(low), mix(high)];
  }

  /** The hashes of all sequences of `width` words, or of fewer words the whole: each once, in ascending order. */
  shingles(width: number): Uint32Array {
    const count = Math.max(1, this.words - width + 1);
    const found = new Uint32Array(count);
    for (let at = 0; at < count; at++) found[at] = this.#low32(at, Math.min(width, this.words));
    found.sort();
    let kept = 0;
    for (let at = 0; at < count; at++)
      if (at === 0 || found[at] !== found[kept - 1]) found[kept++] = found[at] as number;
    return found.subarray(0, kept);
  }

  #low32(first: number, count: number): number {
    let low = count;
    for (let word = first; word < first + count; word++) low = (Math.imul(low, LOW) + (this.#low[word] as number)) | 0;
    return mix(low);
  }

  /** The words from `first` on, joined by spaces. */
  text(first: number, count: number): string {
    const words: string[] = [];
    for (let word = first; word < Math.min(first + count, this.words); word++)
      words.push(this.#text.slice(this.#start[word], this.#end[word]));
    return words.join(" ");
  }

  #split(): void {
    const text = this.#text;
    const length = text.length;
    this.words = 0;
    for (let at = 0; at < length; ) {
      let code = text.charCodeAt(at);
      if (code >= 0xd800) code = text.codePointAt(at) as number;
      const kind = kindOf(code);
      if (kind === OTHER) {
        at += code > 0xffff ? 2 : 1;
        continue;
      }
      const start = at;
      let before: number;
      let low = 0x811c9dc5;
      let high = 0x2f0b4a27;
      do {
        low = Math.imul(low ^ code, 0x01000193);
        high = Math.imul(high ^ code, 0x5bd1e995);
        high ^= high >>> 15;
        at += code > 0xffff ? 2 : 1;
        if (at >= length) break;
        before = code;
        code = text.charCodeAt(at);
        if (code >= 0xd800) code = text.codePointAt(at) as number;
      } while (kind === SPACED ? kindOf(code) === SPACED : goesOn(before, code));
      this.#add(start, at, mix(low), mix(high ^ low));
    }
  }

  #add(start: number, end: number, low: number, high: number): void {
    if (this.words === this.#start.length) this.#grow();
    this.#start[this.words] = start;
    this.#end[this.words] = end;
    this.#low[this.words] = low;
    this.#high[this.words] = high;
    this.words++;
  }

  /** What `#combine` gives for every 7-gram, each from the one before it: its first word goes, one more comes. */
  #roll(): void {
    this.#combine(0, 0, NGRAM);
    let [low, high] = [this.#sum(this.#low, LOW), this.#sum(this.#high, HIGH)];
    for (let gram = 1; gram < this.grams; gram++) {
      const [first, next] = [gram - 1, gram + NGRAM - 1];
      low =
        (Math.imul(low, LOW) +
          (this.#low[next] as number) -
          Math.imul(this.#low[first] as number, LOW_GONE) +
          LOW_MORE) |
        0;
      high =
        (Math.imul(high, HIGH) +
          (this.#high[next] as number) -
          Math.imul(this.#high[first] as number, HIGH_GONE) +
          HIGH_MORE) |
        0;
      this.gramLow[gram] = mix(low);
      this.gramHigh[gram] = mix(high);
    }
  }

  /** The polynomial of the first 7-gram in one lane. */
  #sum(words: Uint32Array, factor: number): number {
    let sum = NGRAM;
    for (let word = 0; word < NGRAM; word++) sum = (Math.imul(sum, factor) + (words[word] as number)) | 0;
    return sum;
  }

  /** Polynomials with odd factors over the word hashes: other words, or the same in another order, give another value. */
  #combine(gram: number, first: number, count: number): void {
    let low = count;
    let high = count;
    for (let word = first; word < first + count; word++) {
      low = (Math.imul(low, LOW) + (this.#low[word] as number)) | 0;
      high = (Math.imul(high, HIGH) + (this.#high[word] as number)) | 0;
    }
    this.gramLow[gram] = mix(low);
    this.gramHigh[gram] = mix(high);
  }

  #grow(): void {
    const twice = (old: Uint32Array) => {
      const grown = new Uint32Array(old.length * 2);
      grown.set(old);
      return grown;
    };
    this.#start = twice(this.#start);
    this.#end = twice(this.#end);
    this.#low = twice(this.#low);
    this.#high = twice(this.#high);
    this.gramLow = twice(this.gramLow);
    this.gramHigh = twice(this.gramHigh);
  }
}

/** Spreads every bit of a 32-bit value over all others (the finaliser of MurmurHash3, public domain). */
function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
