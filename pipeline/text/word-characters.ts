/**
 * Which characters make words, and where a word ends that no space ends: one rule for all who cut text into words.
 *
 * Scripts without spaces are cut between two characters if a hash of these two says so, on average after as many as make
 * a word there. So the same text is cut in the same places whatever stands around it, and a 7-gram says about as much as
 * one of English: 7 single characters would be two words of Thai, which many prompts share by chance. A dictionary
 * (`Intl.Segmenter`) would cut as people do, but otherwise with each version of Node.
 */

/** Kinds of characters. */
export const SPACED = 1;
export const OTHER = 2;
const UNSPACED_2 = 3;
const UNSPACED_4 = 4;

/** Kind of a code point; 0 = not known yet. Filled as text is met; 1.1 MB. */
const kinds = new Uint8Array(0x110000);
const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;
/** Digits are never cut: a number is a word in every script. */
const IN_WORDS = /[\p{L}\p{Nl}\p{M}]/u;
const TWO = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー〆〼]/u;
const FOUR = /[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const UNSPACED = new RegExp(`${TWO.source}|${FOUR.source}`, "u");

/**
 * What a code point is to words: `SPACED`, a letter or digit that goes on until something else comes; `OTHER`, no part of
 * a word; more than these: a letter or mark of a script that is written without spaces.
 */
export function kindOf(code: number): number {
  const known = kinds[code] as number;
  return known === 0 ? learn(code) : known;
}

function learn(code: number): number {
  const character = String.fromCodePoint(code);
  const kind = unspacedKind(character) ?? (LETTER_OR_DIGIT.test(character) ? SPACED : OTHER);
  kinds[code] = kind;
  return kind;
}

function unspacedKind(character: string): number | null {
  if (!IN_WORDS.test(character)) return null;
  return TWO.test(character) ? UNSPACED_2 : FOUR.test(character) ? UNSPACED_4 : null;
}

/** Whether a text has characters of scripts without spaces. */
export function hasUnspaced(text: string): boolean {
  return UNSPACED.test(text);
}

/** Whether a code point belongs to a script without spaces. */
export function isUnspaced(code: number): boolean {
  return kindOf(code) > OTHER;
}

/**
 * Whether a word goes on from one character of a script without spaces to the next. It ends, by the hash of both, after
 * every second of Han and kana and every fourth of Thai, Lao, Khmer and Burmese, their marks counted.
 */
export function goesOn(code: number, next: number): boolean {
  if (!isUnspaced(next)) return false;
  let hash = Math.imul(code, 0x9e3779b1) ^ Math.imul(next, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
  return hash >>> (kindOf(code) === UNSPACED_2 ? 31 : 30) !== 0;
}
