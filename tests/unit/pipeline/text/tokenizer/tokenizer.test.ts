import { mkdirSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../../../../pipeline/errors.ts";
import { END } from "../../../../../pipeline/text/control-tokens.ts";
import { loadTokenizer } from "../../../../../pipeline/text/tokenizer/tokenizer.ts";
import { useFolder } from "../../../../helpers/folder.ts";
import { anyText } from "../../../../helpers/texts.ts";

const llama3 = await loadTokenizer(null);
const ids = (text: string) => [...llama3.encode(text)];

describe("the tokenizer of Llama 3", () => {
  test.each([
    ["\n", [198]],
    ["\n\n", [271]],
    ["system", [9125]],
    ["user", [882]],
    ["assistant", [78191]],
    ["hi", [6151]],
    ["", []],
  ])("reads %j as the published model does", (text, expected) => {
    expect(ids(text)).toEqual(expected);
  });

  test.each([
    ["<|begin_of_text|>", 128000],
    ["<|end_of_text|>", 128001],
    ["<|start_header_id|>", 128006],
    ["<|end_header_id|>", 128007],
    ["<|eot_id|>", 128009],
    ["<|reserved_special_token_247|>", 128255],
    [END, 128256],
  ])("gives the control token %s its id when asked for it", (spelling, id) => {
    expect(llama3.control(spelling)).toBe(id);
    expect(llama3.decode([id])).toBe(spelling);
  });

  test("has 128,256 ids and the appended one, 257 of them control tokens", () => {
    expect([llama3.name, llama3.size, llama3.controls.length]).toEqual(["llama3", 128_257, 257]);
    expect(llama3.controls.map((spelling) => llama3.control(spelling))).toEqual(
      Array.from({ length: 257 }, (_, at) => 128_000 + at),
    );
  });

  test("reads every control token that is typed as text", () => {
    for (const spelling of llama3.controls) {
      for (const typed of [spelling, ` ${spelling}`, `a${spelling}b`, spelling + spelling]) {
        expect(ids(typed).every((id) => id < 128_000)).toBe(true);
        expect(llama3.decode(ids(typed))).toBe(typed);
      }
    }
  });

  test("refuses a control token that it does not have, and names some that it has", () => {
    expect(() => llama3.control("<|im_end|>")).toThrow(UsageError);
    expect(() => llama3.control("<|im_end|>")).toThrow("no control token <|im_end|>; it has <|begin_of_text|>, ");
  });

  test("refuses to decode an id that it does not have", () => {
    expect(() => llama3.decode([198, 151_643])).toThrow("tokenizer llama3: has no id 151643, its ids are 0 to 128256");
    expect(() => llama3.decode([-100])).toThrow(UsageError);
  });

  test("gives back every text, half of a surrogate pair as U+FFFD", () => {
    fc.assert(
      fc.property(anyText, (text) => llama3.decode(llama3.encode(text)) === text.toWellFormed()),
      { numRuns: 2000 },
    );
  });

  test("keeps a byte order mark at the start of a text", () => {
    expect(llama3.decode(llama3.encode("\ufeffhi"))).toBe("\ufeffhi");
  });

  test("reads half of a surrogate pair as U+FFFD", () => {
    for (const half of ["\ud83d", "\ude00", "\ude00\ud83d", "a\ud83d", "\ud83dé"])
      expect(ids(half)).toEqual(ids(half.toWellFormed()));
  });

  test("shows U+FFFD where a character is cut", () => {
    const cut = ids("👩‍👩‍👧").slice(0, 1);
    expect(llama3.decode(cut)).toBe("\ufffd");
  });

  test("gives the same ids whatever it has read before", () => {
    fc.assert(
      fc.property(fc.array(anyText), (before) => {
        for (const text of before) llama3.encode(text);
        for (const text of before.toReversed()) expect(ids(text)).toEqual(ids(text));
      }),
      { numRuns: 50 },
    );
  });

  test("gives ids of their own, which a later text does not change", () => {
    const first = llama3.encode("one two");
    const copy = [...first];
    llama3.encode("three four five");
    expect([...first]).toEqual(copy);
  });
});

describe("a file that is no tokenizer", () => {
  const path = useFolder();

  async function refusal(content: string): Promise<string> {
    writeFileSync(path("tokenizer.json"), content);
    const error = await loadTokenizer(path("tokenizer.json")).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }

  test("is refused when it is missing or a folder", async () => {
    await expect(loadTokenizer(path("none.json"))).rejects.toThrow(`${path("none.json")}: no such file`);
    mkdirSync(path("folder"));
    await expect(loadTokenizer(path("folder"))).rejects.toThrow("is a folder; expected the path of a tokenizer.json");
  });

  test.each([
    ["", "not a tokenizer.json: Unexpected end of JSON input"],
    ["[]", "not a tokenizer.json: the file: Invalid input: expected object, received array"],
    ['{"model": {"vocab": 3}}', "not a tokenizer.json: model.vocab: expected tokens and their ids"],
    ['{"model": {"vocab": {"a": -1}}}', "model.vocab: expected tokens and their ids"],
    ['{"chat_template": "x"}', "not a tokenizer.json: model: "],
    ['{"model": {"vocab": {"a": 0}}, "added_tokens": [{"content": "b"}]}', "added_tokens.0.id: "],
    ['{"model": {"type": "Magic", "vocab": {"a": 0}}}', "not a tokenizer.json: model.type: "],
    [
      '{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}, "pre_tokenizer": {"type": "Magic"}}',
      "that can be followed: ",
    ],
  ])("is refused in one sentence: %s", async (content, message) => {
    const said = await refusal(content);
    expect(said).toContain(message);
    expect(said).toContain(path("tokenizer.json"));
    expect(said).not.toContain("\n");
  });
});
