import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readTextRows } from "../../../../pipeline/files/text-rows.ts";
import { compress } from "../../../../pipeline/files/zstd.ts";
import { collect } from "../../../helpers/collect.ts";
import { useFolder } from "../../../helpers/folder.ts";

const at = useFolder();

/** The rows of a file with this content, as `number value`. */
async function rows(name: string, content: string | Uint8Array, isRow = true): Promise<string[]> {
  writeFileSync(at(name), content);
  const found = await collect(readTextRows(at(name), { isRow: () => isRow }));
  return found.map((each) => `${each.row} ${"found" in each ? each.found : JSON.stringify(Object.values(each)[1])}`);
}

test.each([
  ["rows.jsonl", '{"a":1}\n{"a":"xxxxxxxxxxxxxxxx"}\n{"a":2}', 24],
  ["rows.json", '[{"a":1},{"a":"xxxxxxxxxxxxxxxx"},{"a":2}]', 24],
  ["rows.csv", "a\n1\nxxxxxxxxxxxxxxxxxxxxxxxx\n2", 24],
])("of %s a row that is larger than was allowed is told by its size alone", async (name, content, bytes) => {
  writeFileSync(at(name), content);
  const found = await collect(readTextRows(at(name), { most: 20 }));
  expect(found.map((each) => ("tooLarge" in each ? each.tooLarge : "value" in each))).toEqual([true, bytes, true]);
});

describe("rows of JSON", () => {
  test.each([
    ["are the values of a list", '[{"a":1},\n {"b":2}]', ['1 {"a":1}', '2 {"b":2}']],
    ["may be none", "[]", []],
    ["are none in an empty file", "", []],
    ["may be lines", '{"a":1}\n\n{"b":2}\n', ['1 {"a":1}', '3 {"b":2}']],
    ["may be one line", '{"a":1}', ['1 {"a":1}']],
    ["may be written over several lines", '{\n"a":1}\n{"b":\n2}\n', ['1 {"a":1}', '2 {"b":2}']],
    ["may lie in the one list of an object", '{"v":[1],"n":2,"data":[{"a":1},{"b":2}]}', ['1 {"a":1}', '2 {"b":2}']],
  ])("%s", async (_, content, expected) => {
    expect(await rows("rows.json", content)).toEqual(expected);
  });

  test("are an object itself where its list holds no rows", async () => {
    expect(await rows("rows.json", '{"messages":[{"a":1}]}', false)).toEqual(['1 {"messages":[{"a":1}]}']);
  });

  test.each(['[{"a":1},{"b":', '[{"a":1} {"b":2}]', '[{"a":1}]x', '{\n"a":1}\n{"b":\n2\n', '{"data":[{"a":1}'])(
    "that is no JSON are refused: %s",
    async (content) => {
      await expect(rows("rows.json", content)).rejects.toThrow(/rows\.json: after row \d: no JSON/);
    },
  );
});

describe("rows of CSV", () => {
  test("are objects of text, numbered by the line on which they end", async () => {
    const content = 'id,b\n007,"x\n\ny, ""z"""\n\n3,\n';
    expect(await rows("rows.csv", content)).toEqual(['4 {"id":"007","b":"x\\n\\ny, \\"z\\""}', '6 {"id":"3","b":""}']);
  });

  test.each([
    ["semicolons", 'a;"b,c,d"\r\n1;2\r\n', ['2 {"a":"1","b,c,d":"2"}']],
    ["tabs", "a\tb\n1\t2,3", ['2 {"a":"1","b":"2,3"}']],
    ["bars", "a|b\n1|2", ['2 {"a":"1","b":"2"}']],
    ["commas, with quotes in the midst", 'a,b\n1,say "hi"\n', ['2 {"a":"1","b":"say \\"hi\\""}']],
    ["nothing, in one column", "a\n1\n", ['2 {"a":"1"}']],
  ])("may be parted by %s", async (_, content, expected) => {
    expect(await rows("rows.csv", content)).toEqual(expected);
  });

  test("with too few or too many values are bad rows, and the rest is read", async () => {
    expect(await rows("rows.csv", "a,b\n1\n1,2,3\n4,5\n")).toEqual(["2 1 values", "3 3 values", '4 {"a":"4","b":"5"}']);
  });

  test.each([
    ["a quote that is never closed", 'a,b\n1,"x\n3', /after line 1: cannot be read as CSV/],
    ["a name twice", "a,b,a\n1,2,3\n", /names the column `a` twice/],
  ])("are refused for %s", async (_, content, message) => {
    await expect(rows("rows.csv", content)).rejects.toThrow(message);
  });

  test("are none in an empty file, and in one of names alone", async () => {
    expect([await rows("rows.csv", ""), await rows("rows.csv", "a,b\n")]).toEqual([[], []]);
  });
});

describe("text", () => {
  const text = '\ufeff{"a":"é 😀"}\n{"b":1}\n';
  const expected = ['1 {"a":"é 😀"}', '2 {"b":1}'];

  test.each([
    ["UTF-8", Buffer.from(text)],
    ["UTF-16, little end first", Buffer.from(text, "utf16le")],
    ["UTF-16, big end first", Buffer.from(text, "utf16le").swap16()],
  ])("may be %s with a mark", async (_, bytes) => {
    expect(await rows("rows.jsonl", bytes)).toEqual(expected);
    expect(await rows("rows.jsonl.gz", gzipSync(bytes))).toEqual(expected);
  });

  test("of a list or of CSV may begin with a mark", async () => {
    expect(await rows("rows.json", '\ufeff[{"a":1}]')).toEqual(['1 {"a":1}']);
    expect(await rows("rows.csv", Buffer.from("\ufeffa,b\n1,2\n", "utf16le"))).toEqual(['2 {"a":"1","b":"2"}']);
  });

  test("may have its name in capitals", async () => {
    expect(await rows("ROWS.JSONL", text)).toEqual(expected);
    expect(await rows("ROWS.JSONL.GZ", gzipSync(text))).toEqual(expected);
    expect(await rows("ROWS.JSONL.ZST", compress(Buffer.from(text)))).toEqual(expected);
    expect(await rows("ROWS.CSV.GZ", gzipSync("\ufeffa\n1\n"))).toEqual(['2 {"a":"1"}']);
  });

  test("that is not the UTF-16 that it says is refused", async () => {
    const broken = Buffer.concat([Buffer.from(text, "utf16le"), Buffer.from([0x00, 0xd8])]);
    await expect(rows("rows.jsonl", broken)).rejects.toThrow(/after line 2: cannot be read as UTF-16/);
  });
});
