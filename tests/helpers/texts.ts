import fc from "fast-check";
import { KINDS, OTHER } from "../../pipeline/text/tokenizer/characters.ts";

const ODD = [
  "",
  "\0",
  "\r",
  "\n\n",
  "\u2028\u2029",
  "🙂",
  "👩‍👩‍👧",
  "שלום \u202eabc",
  "e\u0301",
  "漢字",
  "\ufeff",
  "<|eot_id|>",
  '"\\',
];

/** Any well-formed Unicode text, odd ones often. */
export const texts: fc.Arbitrary<string> = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...ODD));

/** What tokenizers stumble over: white space of all sorts, contractions, digits, letters that change case, halves of pairs. */
const STUMBLES = [
  ..." \t\n\r\v\f\u0085\u00a0\u1680\u2003\u2028\u3000\u200b\u180e",
  ..."aZéßŁжहिกำ漢かカ한ªº\u01c5\u02b0\u0301\u20e3\u{10400}\u{20000}\u{323b0}",
  ..."0९²½Ⅷ①三\u{1d7d8}",
  ..."'\u2019sSſtTrReEvVmMlLdD",
  ...".,!?-_=<>|/#🙂\u{1f1e9}\u200d\ufe0f\ufffd\ufeff\u{e0001}\u0378",
  "'s",
  "'ll",
  "'ſ",
  "\r\n",
  "  ",
  "aa",
  "<|eot_id|>",
  "\ud83d",
  "\ude00",
];

/** Any JavaScript string, with much of what tokenizers stumble over, and runs of it. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.array(fc.constantFrom(...STUMBLES), { maxLength: 40, size: "max" }).map((parts) => parts.join("")),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...STUMBLES), fc.nat(300)).map(([unit, times]) => unit.repeat(times)),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
  { weight: 1, arbitrary: fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }) },
  texts,
);

/** Texts made of tokens put together at random, so that what the merges make of them is in doubt. */
export function ofTokens(decode: (ids: number[]) => string): fc.Arbitrary<string> {
  return fc.array(fc.nat(127_999), { maxLength: 16, size: "max" }).map(decode);
}

/** White space to one of JavaScript and Unicode alone, and the long s, which packages do not take for an s. */
const READ_OTHERWISE = /[\u0085\ufeffſ]/;

/**
 * Text that tokenizers in JavaScript read as those in Rust do: without such characters, those that this Node has as
 * letters or numbers and Unicode 16.0 has not, and halves of surrogate pairs.
 */
export const bothKnow: fc.Arbitrary<string> = anyText.map((text) => {
  return [...text.toWellFormed()].filter((each) => !READ_OTHERWISE.test(each) && !isNew(each)).join("");
});

/** True of a character that this Node has as a letter or number and Unicode 16.0 has not. */
export function isNew(character: string): boolean {
  return KINDS[character.codePointAt(0) as number] === OTHER && /[\p{L}\p{N}]/u.test(character);
}
