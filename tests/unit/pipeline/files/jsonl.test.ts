import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError } from "../../../../pipeline/errors.ts";
import { parseLine, readLines } from "../../../../pipeline/files/jsonl.ts";
import { compress } from "../../../../pipeline/files/zstd.ts";
import { collect } from "../../../helpers/collect.ts";
import { useFolder } from "../../../helpers/folder.ts";
import { texts } from "../../../helpers/texts.ts";

const at = useFolder();
const zstd = (text: string) => compress(Buffer.from(text));

/** The lines of a file with this content, as `number text`. */
async function lines(content: string | Uint8Array, name = "rows.jsonl"): Promise<string[]> {
  writeFileSync(at(name), content);
  return (await collect(readLines(at(name)))).map(({ number, bytes }) => `${number} ${bytes}`);
}

describe("lines", () => {
  test.each([
    ["of an empty file are none", "", []],
    ["end at a newline", "a\nb\n", ["1 a", "2 b"]],
    ["may end without one", "a\nb", ["1 a", "2 b"]],
    ["may end in CRLF", "a\r\nb\r\n", ["1 a", "2 b"]],
    ["that are empty are passed over but counted", "\na\n\n\r\n\nb\n", ["2 a", "6 b"]],
    ["keep U+2028 and U+2029 as text", "a\u2028b\u2029c\nd", ["1 a\u2028b\u2029c", "2 d"]],
    ["keep a lone CR as text", "a\rb\n\rc\n", ["1 a\rb", "2 \rc"]],
    ["keep vertical tab, form feed and NEL as text", "a\vb\fc\u0085d\n", ["1 a\vb\fc\u0085d"]],
    ["keep white space at their ends", "  a \t\n", ["1   a \t"]],
  ])("%s", async (_, content, expected) => {
    expect(await lines(content)).toEqual(expected);
  });

  test("may be far longer than a chunk", async () => {
    const long = "é".repeat(1_000_000);
    expect(await lines(`a\n${long}\nb`)).toEqual(["1 a", `2 ${long}`, "3 b"]);
  });

  test("are whole where a chunk ends on a newline, before it or inside a character", async () => {
    const chunk = 1 << 18;
    for (const first of [chunk - 2, chunk - 1, chunk, chunk + 1]) {
      const text = `${"x".repeat(first - 1)}é`;
      expect(await lines(`${text}\nb\n`)).toEqual([`1 ${text}`, "2 b"]);
    }
  });

  test("are the same plain, gzipped and in zstd, whatever is in them", async () => {
    const rows = fc.array(texts.map((text) => text.replaceAll("\n", "¶")));
    await fc.assert(
      fc.asyncProperty(rows, async (rows) => {
        const expected = rows
          .map((row) => row.replace(/\r$/, ""))
          .flatMap((row, at) => (/^[ \t]*$/.test(row) ? [] : [`${at + 1} ${row}`]));
        const content = rows.map((row) => `${row}\n`).join("");
        expect(await lines(content)).toEqual(expected);
        expect(await lines(gzipSync(content), "rows.jsonl.gz")).toEqual(expected);
        expect(await lines(zstd(content), "rows.jsonl.zst")).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  test("stop coming when the reader is told to stop", async () => {
    const controller = new AbortController();
    writeFileSync(at("rows.jsonl"), `${"a\n".repeat(400_000)}`);
    const reading = (async () => {
      for await (const { number } of readLines(at("rows.jsonl"), controller.signal))
        if (number === 5) controller.abort();
    })();
    await expect(reading).rejects.toThrow(/abort/);
  });

  test("of a file that is not there are the system's own error", async () => {
    await expect(collect(readLines(at("nothing.jsonl.gz")))).rejects.toThrow(/ENOENT.*nothing\.jsonl\.gz/);
  });
});

describe("compressed lines", () => {
  test("come from all frames of a zstd file and all members of a gzip file", async () => {
    expect(await lines(Buffer.concat([zstd("a\nb"), zstd("c\n"), zstd("d\n")]), "rows.zst")).toEqual([
      "1 a",
      "2 bc",
      "3 d",
    ]);
    expect(await lines(Buffer.concat([gzipSync("a\nb"), gzipSync("c\nd\n")]), "rows.gz")).toEqual([
      "1 a",
      "2 bc",
      "3 d",
    ]);
  });

  test("come from frames larger than a chunk", async () => {
    const rows = Array.from({ length: 60_000 }, (_, at) => `${at} ${Math.sin(at)}`);
    const frame = zstd(`${rows.join("\n")}\n`);
    expect(frame.length).toBeGreaterThan(1 << 18);
    const found = await lines(Buffer.concat([frame, frame]), "rows.zst");
    expect(found).toEqual([...rows, ...rows].map((row, at) => `${at + 1} ${row}`));
  });

  const whole = { gz: gzipSync("a\nb\nc\n"), zst: zstd("a\nb\nc\n") };

  test.each(["gz", "zst"] as const)(
    "that end early are an error that names the file, wherever a .%s is cut",
    async (kind) => {
      for (let cut = 1; cut < whole[kind].length; cut++) {
        const reading = lines(whole[kind].subarray(0, cut), `cut.${kind}`);
        await expect(reading, `cut at ${cut}`).rejects.toThrow(InputError);
        await expect(reading).rejects.toThrow(at(`cut.${kind}`));
      }
    },
  );

  test("that end inside a second zstd frame are an error too", async () => {
    await expect(lines(Buffer.concat([whole.zst, whole.zst.subarray(0, -3)]), "cut.zst")).rejects.toThrow(InputError);
  });

  test.each(["gz", "zst"] as const)(
    "that are not compressed at all are an error that names the .%s file",
    async (kind) => {
      await expect(lines('{"plain":"json"}\n', `rows.${kind}`)).rejects.toThrow(/rows\.(gz|zst): .*cannot be read/);
    },
  );
});

describe("a line as JSON", () => {
  const line = (bytes: string | number[]) => ({ number: 1, bytes: Buffer.from(bytes as string) });

  test("is its value", () => {
    expect(parseLine(line('{"a":"ü\u2028🙂"}'))).toEqual({ a: "ü\u2028🙂" });
  });

  test("may begin with a byte order mark, as files from Windows do", () => {
    expect(parseLine(line('\ufeff{"a":1}'))).toEqual({ a: 1 });
  });

  test("that is no JSON throws a SyntaxError", () => {
    expect(() => parseLine(line("{"))).toThrow(SyntaxError);
  });

  test("that is not UTF-8 throws a TypeError instead of guessing", () => {
    expect(() => parseLine(line([0x22, 0xe9, 0x22]))).toThrow(TypeError);
  });
});
