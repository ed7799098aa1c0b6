import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { END } from "../../../../../pipeline/text/control-tokens.ts";
import { loadTokenizer, type Tokenizer } from "../../../../../pipeline/text/tokenizer/tokenizer.ts";
import { useFolder } from "../../../../helpers/folder.ts";
import { type Given, tokenizerFile } from "../../../../helpers/tokenizer-file.ts";

const path = useFolder();

async function load(given: Given & { decoder?: object }): Promise<Tokenizer> {
  writeFileSync(path("tokenizer.json"), JSON.stringify(tokenizerFile(given)));
  return loadTokenizer(path("tokenizer.json"));
}

const METASPACE = { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: false };
const SPECIAL = [
  { id: 0, content: "<unk>", special: true },
  { id: 1, content: "<s>", special: true },
  { id: 2, content: "</s>", special: true },
];

/** In the manner of Llama 2: control tokens and bytes are in the vocabulary, and merges could make a control token of text. */
const llama2: Given & { decoder: object } = {
  added: SPECIAL,
  normalizer: null,
  pre_tokenizer: METASPACE,
  decoder: {
    type: "Sequence",
    decoders: [
      { type: "Replace", pattern: { String: "▁" }, content: " " },
      { type: "ByteFallback" },
      { type: "Fuse" },
      { type: "Strip", content: " ", start: 1, stop: 0 },
    ],
  },
  model: {
    type: "BPE",
    unk_token: "<unk>",
    byte_fallback: true,
    fuse_unk: true,
    vocab: Object.fromEntries(
      ["<unk>", "<s>", "</s>", "▁", "<", "s", ">", "<s", "/", "a", "▁a"]
        .concat(Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`))
        .map((spelling, id) => [spelling, id]),
    ),
    merges: ["< s", "<s >", "▁ a"],
  },
};

/** In the manner of T5: every piece of the vocabulary, a control token too, is looked for in text. */
const t5: Given & { decoder: object } = {
  added: SPECIAL,
  pre_tokenizer: METASPACE,
  decoder: METASPACE,
  model: {
    type: "Unigram",
    unk_id: 0,
    merges: undefined,
    vocab: [
      ["<unk>", 0],
      ["<s>", 0],
      ["</s>", 0],
      ...["▁", "<", "s", ">", "/", "a", "▁a"].map((piece, at) => [piece, -1 - at]),
    ],
  },
};

/** In the manner of BERT. */
const bert: Given & { decoder: object } = {
  added: ["[UNK]", "[CLS]"].map((content, id) => ({ id, content, special: true })),
  pre_tokenizer: { type: "WhitespaceSplit" },
  decoder: { type: "WordPiece", prefix: "##", cleanup: false },
  model: {
    type: "WordPiece",
    unk_token: "[UNK]",
    continuing_subword_prefix: "##",
    max_input_chars_per_word: 100,
    merges: undefined,
    vocab: Object.fromEntries(["[UNK]", "[CLS]", "a", "##a", "b"].map((spelling, id) => [spelling, id])),
  },
};

test.each([
  ["Llama 2", llama2, ["<s>", "</s>", END]],
  ["T5", t5, ["<s>", "</s>", END]],
  ["BERT", bert, ["[CLS]", END]],
])("a file like that of %s never gives the id of a control token for text", async (_, given, controls) => {
  const tokenizer = await load(given);
  expect(tokenizer.controls).toEqual(expect.arrayContaining(controls));
  const ids = controls.map((spelling) => tokenizer.control(spelling));
  for (const typed of [...controls, "a <s>a</s>", "<s><s>", ` ${END} `, "a [CLS] a"])
    for (const id of tokenizer.encode(typed)) expect(ids).not.toContain(id);
});

test.each([
  ["Llama 2", llama2],
  ["T5", t5],
  ["BERT", bert],
])("a file like that of %s shows its control tokens, the appended one too", async (_, given) => {
  const tokenizer = await load(given);
  for (const spelling of tokenizer.controls) expect(tokenizer.decode([tokenizer.control(spelling)])).toBe(spelling);
  expect(tokenizer.decode([])).toBe("");
});

test("a SentencePiece-like tokenizer begins every piece with its space, and leaves it out of the text again", async () => {
  const tokenizer = await load(llama2);
  const { vocab } = llama2.model as { vocab: Record<string, number> };
  expect([...tokenizer.encode("a a")]).toEqual([vocab["▁a"], vocab["▁a"]]);
  expect([...tokenizer.encode("é")]).toEqual([vocab["▁"], vocab["<0xC3>"], vocab["<0xA9>"]]);
  expect(tokenizer.decode(tokenizer.encode("a é🙂 a"))).toBe("a é🙂 a");
});

test("half of a surrogate pair is read as U+FFFD", async () => {
  const tokenizer = await load(llama2);
  expect([...tokenizer.encode("a\ud83d")]).toEqual([...tokenizer.encode("a\ufffd")]);
});

test("white space among the added tokens is found in text", async () => {
  const tokenizer = await load({ added: [{ id: 256, content: "  ", special: false, normalized: false }] });
  expect([...tokenizer.encode("a  b")]).toEqual([97, 256, 98]);
  expect(tokenizer.controls).toEqual([END]);
});

test("a file that does not say what model it has is read by what is in it", async () => {
  const { type: _, ...model } = t5.model as { type: string };
  writeFileSync(path("old.json"), JSON.stringify({ ...tokenizerFile(t5), model }));
  const [old, today] = [await loadTokenizer(path("old.json")), await load(t5)];
  expect([...old.encode("a s")]).toEqual([...today.encode("a s")]);
});
