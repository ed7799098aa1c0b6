import fc from "fast-check";

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
