import { writeFileSync } from "node:fs";
import { Tokenizer as Reference } from "@huggingface/tokenizers";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../../../../pipeline/errors.ts";
import { END } from "../../../../../pipeline/text/control-tokens.ts";
import { byteLevelRules } from "../../../../../pipeline/text/tokenizer/byte-level-file.ts";
import { readTokenizerFile } from "../../../../../pipeline/text/tokenizer/file.ts";
import { loadTokenizer, type Tokenizer } from "../../../../../pipeline/text/tokenizer/tokenizer.ts";
import { useFolder } from "../../../../helpers/folder.ts";
import { bothKnow } from "../../../../helpers/texts.ts";
import { type Given, PRE_TOKENIZERS, tokenizerFile } from "../../../../helpers/tokenizer-file.ts";

const path = useFolder();
const MERGES = ["a a", "aa a", "aa aa", "Ġ a", "l l", "' ll", "Ġ Ġ", "Ċ Ċ", "1 1", "11 1", "Ã ©", "ç ļ", "ð Ł", "ðŁ Ļ"];

function write(given: Given): string {
  writeFileSync(path("tokenizer.json"), JSON.stringify(tokenizerFile(given)));
  return path("tokenizer.json");
}

const load = (given: Given): Promise<Tokenizer> => loadTokenizer(write(given));

async function isFollowed(given: Given): Promise<boolean> {
  const file = await readTokenizerFile(write(given));
  return byteLevelRules(file, new Map(), "file") !== null;
}

const SHAPES: [name: string, given: Given][] = [
  ["Llama 3", { merges: MERGES, model: { ignore_merges: true } }],
  ["Llama 3 without ignore_merges", { merges: MERGES }],
  ["Qwen 2", { merges: MERGES, pre_tokenizer: PRE_TOKENIZERS["Qwen 2"], normalizer: { type: "NFC" } }],
  ["GPT-2", { merges: MERGES, pre_tokenizer: PRE_TOKENIZERS["GPT-2"] }],
  ["a file with merges in pairs", { merges: MERGES, model: { merges: MERGES.map((merge) => merge.split(" ")) } }],
];

describe.each(SHAPES)("a file like that of %s", (_, given) => {
  test("is followed here, and gives the ids that @huggingface/tokenizers gives", async () => {
    expect(await isFollowed(given)).toBe(true);
    const ours = await load(given);
    const reference = new Reference(tokenizerFile(given), {});
    fc.assert(
      fc.property(bothKnow, (text) => {
        expect([...ours.encode(text)]).toEqual(reference.encode(text, { add_special_tokens: false }).ids);
      }),
      { numRuns: 500 },
    );
  });

  test("gives text back", async () => {
    const ours = await load(given);
    const expected = (text: string) => (given.normalizer ? text.normalize("NFC") : text).toWellFormed();
    fc.assert(fc.property(bothKnow, (text) => ours.decode(ours.encode(text)) === expected(text)));
  });
});

test("ignore_merges takes a token whole that the merges would not make", async () => {
  // The vocabulary has "aaa"; of "aaa" the merges make "aa" and "a", since "aa a" is not among them.
  const model = { vocab: { ...tokenizerFile({ merges: ["a a"] }).model.vocab, aaa: 300 } };
  const merging = await load({ merges: ["a a"], model });
  expect([...merging.encode("aaa")]).toEqual([256, 97]);
  const whole = await load({ merges: ["a a"], model: { ...model, ignore_merges: true } });
  expect([...whole.encode("aaa")]).toEqual([300]);
});

test.each<[string, Given]>([
  ["a prefix space", { pre_tokenizer: { type: "ByteLevel", add_prefix_space: true, use_regex: true } }],
  [
    "a pre-tokenizer without a rule",
    { pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: false } },
  ],
  ["no pre-tokenizer", { pre_tokenizer: null }],
  ["another normalizer", { normalizer: { type: "Lowercase" } }],
  ["byte fallback", { model: { byte_fallback: true } }],
  ["a prefix of later parts", { model: { continuing_subword_prefix: "##" } }],
  ["a suffix of words", { model: { end_of_word_suffix: "</w>" } }],
  ["dropout", { model: { dropout: 0.1 } }],
  ["a vocabulary without all bytes", { model: { vocab: { a: 0 } } }],
  ["white space among the added tokens", { added: [{ id: 256, content: "  " }] }],
  ["another model", { model: { type: "WordPiece" } }],
])("a file with %s is left to @huggingface/tokenizers", async (_, given) => {
  expect(await isFollowed(given)).toBe(false);
});

describe("control tokens of a file", () => {
  const added = [
    { id: 300, content: "<|im_end|>", special: true },
    { id: 301, content: "<think>", special: false },
  ];

  test("are all that were added; typed they are text", async () => {
    const tokenizer = await load({ added });
    expect(tokenizer.controls).toEqual(["<|im_end|>", "<think>", END]);
    expect(tokenizer.control("<think>")).toBe(301);
    for (const typed of tokenizer.controls) {
      expect(Math.max(...tokenizer.encode(typed))).toBeLessThan(256);
      expect(tokenizer.decode(tokenizer.encode(typed))).toBe(typed);
      expect(tokenizer.decode([tokenizer.control(typed)])).toBe(typed);
    }
  });

  test.each([true, false])("are not made of text by merges or whole words (ignore_merges %s)", async (ignoreMerges) => {
    const words = {
      merges: ["e n", "en d"],
      added: [{ id: 257, content: "end" }],
      model: { ignore_merges: ignoreMerges },
    };
    const tokenizer = await load(words);
    expect(tokenizer.control("end")).toBe(257);
    expect([...tokenizer.encode("end")]).toEqual([256, 100]);
  });

  test("the end token follows the last id of the file", async () => {
    const tokenizer = await load({ added });
    expect([tokenizer.control(END), tokenizer.size]).toEqual([302, 303]);
  });

  test("the end token keeps the id that the file gives it", async () => {
    const tokenizer = await load({ added: [{ id: 290, content: END }, ...added] });
    expect([tokenizer.control(END), tokenizer.size]).toEqual([290, 302]);
    expect([...tokenizer.encode(END)]).not.toContain(290);
  });
});

test("a file is called by its name", async () => expect((await load({})).name).toBe("tokenizer.json"));

test.each([["a"], ["a b c"], [["a"]], [7], ["a zz"]])("the merge %j is refused", async (merge) => {
  const broken = load({ merges: ["a a"], model: { merges: ["a a", merge] } });
  await expect(broken).rejects.toThrow(UsageError);
  await expect(broken).rejects.toThrow("model.merges.1: expected two tokens that make a third");
});
