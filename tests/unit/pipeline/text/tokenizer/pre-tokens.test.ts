import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type PreTokenizer,
  SPLIT_LLAMA3,
  SPLITS,
  splitGpt2,
} from "../../../../../pipeline/text/tokenizer/pre-tokens.ts";
import { anyText, isNew } from "../../../../helpers/texts.ts";
import { PRE_TOKENIZERS } from "../../../../helpers/tokenizer-file.ts";

function pieces(split: PreTokenizer, text: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = split(text, at);
    if (end <= at) throw new Error(`no progress at ${at} of ${JSON.stringify(text)}`);
    found.push(text.slice(at, end));
    at = end;
  }
  return found;
}

test.each([
  ["hello world", ["hello", " world"]],
  ["don't I'LL we'Re 've'd", ["don", "'t", " I", "'LL", " we", "'Re", " '", "ve", "'d"]],
  ["'s'", ["'s", "'"]],
  ["12345 678", ["123", "45", " ", "678"]],
  ["a  b", ["a", " ", " b"]],
  ["a   ", ["a", "   "]],
  ["a \n  b", ["a", " \n", " ", " b"]],
  ["\r\n\r\n x", ["\r\n\r\n", " x"]],
  ["!?\n\nx", ["!?\n\n", "x"]],
  [" !?x", [" !?", "x"]],
  ["$x", ["$x"]],
  ["\tx\t1", ["\tx", "\t", "1"]],
  ["漢字かな", ["漢字かな"]],
  ["🙂🙂 🙂", ["🙂🙂", " 🙂"]],
  ["🙂x", ["🙂x"]],
  ["", []],
])("Llama 3 cuts %j", (text, expected) => {
  expect(pieces(SPLIT_LLAMA3, text)).toEqual(expected);
});

describe("what JavaScript's regular expressions get wrong", () => {
  test("U+FEFF is a sign, not white space", () => {
    expect(pieces(SPLIT_LLAMA3, "a \ufeff b")).toEqual(["a", " \ufeff", " b"]);
    expect(/\s/.test("\ufeff")).toBe(true);
  });

  test("U+0085 is white space, not a sign", () => {
    expect(pieces(SPLIT_LLAMA3, "a\u0085\u0085 1")).toEqual(["a", "\u0085\u0085", " ", "1"]);
    expect(/\s/.test("\u0085")).toBe(false);
  });

  test("the long s is an s in a contraction of any case", () => {
    expect(pieces(SPLIT_LLAMA3, "it'ſo")).toEqual(["it", "'ſ", "o"]);
    expect(pieces(splitGpt2, "it'ſo")).toEqual(["it", "'", "ſo"]);
  });

  test("a letter of Unicode 17 is no letter yet", () => {
    expect(pieces(SPLIT_LLAMA3, "a\u{323b0}b")).toEqual(["a", "\u{323b0}b"]);
  });

  test("halves of surrogate pairs are signs, one by one", () => {
    expect(pieces(SPLIT_LLAMA3, "a\ud83d\ude00\ude00\ud83d")).toEqual(["a", "\ud83d\ude00\ude00\ud83d"]);
    expect(pieces(SPLIT_LLAMA3, "\ud83dx")).toEqual(["\ud83dx"]);
  });
});

// The same rules as JavaScript can say them, letter by letter.
const SPACE = String.raw`\p{White_Space}`;
const LIKE_LLAMA3 = (numbers: string) =>
  String.raw`'(?:[sSſtTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\r\n\p{L}\p{N}]?\p{L}+|${numbers}| ?[^${SPACE}\p{L}\p{N}]+[\r\n]*|${SPACE}*[\r\n]+|${SPACE}+(?!\P{White_Space})|${SPACE}+`;
const LIKE_GPT2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^${SPACE}\p{L}\p{N}]+|${SPACE}+(?!\P{White_Space})|${SPACE}+`;

function known(name: "Llama 3" | "Qwen 2"): PreTokenizer {
  const { pretokenizers } = PRE_TOKENIZERS[name] as { pretokenizers: [{ pattern: { Regex: string } }] };
  return SPLITS.get(pretokenizers[0].pattern.Regex) as PreTokenizer;
}

test.each([
  ["Llama 3", known("Llama 3"), LIKE_LLAMA3(String.raw`\p{N}{1,3}`)],
  ["Qwen 2", known("Qwen 2"), LIKE_LLAMA3(String.raw`\p{N}`)],
  ["GPT-2", splitGpt2, LIKE_GPT2],
])("%s cuts any text as its regular expression does", (_, split, regex) => {
  const text = anyText.map((each) => [...each].filter((character) => !isNew(character)).join(""));
  fc.assert(
    fc.property(text, (each) => {
      expect(pieces(split, each)).toEqual(each.match(new RegExp(regex, "gu")) ?? []);
    }),
    { numRuns: 3000 },
  );
});
