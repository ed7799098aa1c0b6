import fc from "fast-check";
import { expect, test } from "vitest";
import { firstTyped, isEmpty, trimmed } from "../../../../pipeline/text/white-space.ts";
import { select } from "../../../helpers/engine.ts";

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** What the engine says of texts, each as an SQL literal. */
async function typed(texts: readonly string[]): Promise<string[]> {
  const values = texts.map((text, at) => `(${at}, ${quoted(text)})`).join(", ");
  const rows = await select<{ first: string }>(
    `SELECT ${firstTyped("text")} AS first FROM (VALUES ${values}) v(number, text) ORDER BY number`,
  );
  return rows.map(({ first }) => first);
}

test("the engine and JavaScript agree on every character whether it is white space", async () => {
  // NUL ends an SQL text; halves of surrogate pairs are no characters.
  const rows = await select<{ code: number; first: string }>(
    `SELECT code::INTEGER AS code, ${firstTyped("text")} AS first
      FROM (SELECT code, chr(code::INTEGER) AS text FROM range(1, 65536) r(code) WHERE code NOT BETWEEN 55296 AND 57343)`,
  );
  expect(rows).toHaveLength(0xffff - 2048);
  const isWhite = (code: number) => isEmpty({ content: String.fromCodePoint(code) });
  expect(rows.filter(({ code, first }) => (first === "") !== isWhite(code))).toEqual([]);
});

test("what is trimmed is what is no typing, at both ends and nowhere else", () => {
  for (const space of [" ", "\t\n", "\u0085", "\x1c\x1d\x1e\x1f", "\u3000", "\ufeff"])
    expect([space, trimmed(`${space}a${space}b${space}`)]).toEqual([space, `a${space}b`]);
  for (const each of ["", " ", "\x1f\u0085", "\u200b", "a"])
    expect([each, trimmed(each) === ""]).toEqual([each, isEmpty({ content: each })]);
});

test("of a text it takes the first character that is typed, and nothing where nothing is", async () => {
  const piece = fc.constantFrom(" ", "\n", "\r", "\t", "\u2028", "\u3000", "\ufeff", "a", "'", "🙂", "漢");
  const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(""));
  await fc.assert(
    fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 50 }), async (texts) => {
      expect(await typed(texts)).toEqual(texts.map((each) => [...each.trim()][0] ?? ""));
    }),
    { numRuns: 10 },
  );
});
