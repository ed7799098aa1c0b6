import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { phones, windowsOf } from "../../../../../stages/publish/pii/phones.ts";

const found = (text: string, country: string | null = null) => [
  ...new Set(phones(text, country).map(({ start, end }) => text.slice(start, end))),
];

describe("what the library is shown of a text", () => {
  const parts = ["9", "1 ", "12 ", "612 ", "9876543210 ", "12-34-", "(12) 34 5\n", "a", "\n"];

  test("is at most one and a half times the text, in pieces of at most 320 characters, whatever the text", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...parts), fc.integer({ min: 1, max: 500 }))), (runs) => {
        const text = runs.map(([part, times]) => part.repeat(times)).join("");
        const lengths = windowsOf(text).map(({ start, end }) => end - start);
        expect(Math.max(0, ...lengths)).toBeLessThanOrEqual(320);
        expect(lengths.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(1.5 * text.length + 320);
      }),
    );
  });

  test("is each number as a whole, with what stands beside it", () => {
    const text = "612 34 56 78, ".repeat(200);
    for (const { index } of text.matchAll(/612 34 56 78/g)) {
      const isWhole = windowsOf(text).some(({ start, end }) => start <= index && index + 12 <= end);
      expect(isWhole).toBe(true);
    }
  });
});

describe("a phone number", () => {
  test("of a long list is found like one alone", () => {
    const numbers = Array.from({ length: 100 }, (_, at) => `612 34 56 ${String(at).padStart(2, "0")}`);
    expect(found(numbers.join(", "), "Spain")).toEqual(numbers);
  });

  test("is found whole, wherever the text is cut for the library", () => {
    for (let before = 0; before < 320; before += 7) {
      const text = `${"77 5 ".repeat(3)}${"y 12 34 56 7 ".repeat(30).slice(0, before)} y +44 20 7946 0958 y${" 12 34 56 7 y".repeat(30)}`;
      expect(found(text)).toEqual(["+44 20 7946 0958"]);
    }
  });

  test.each([
    ["612 34 56 78", "Spain"],
    ["512 345 678", "Poland"],
    ["32 12 34 56", "Denmark"],
    ["5123 4567", "Hong Kong"],
    ["6612-3456", "Macau"],
  ])("%s without a leading zero is one for somebody in %s, and none without a country", (number, country) => {
    expect([found(`x ${number} y`, country), found(`x ${number} y`)]).toEqual([[number], []]);
  });

  test.each([
    "my phone number is 612 34 56 78",
    "tel. 5123 4567",
    "WhatsApp: 34412345",
    "call me: 555-0143",
    "电话是 5123 4567",
  ])("after a word for calling is one anywhere: %s", (text) => expect(found(text)).toHaveLength(1));

  test.each(["0044 20 7946 0958", "00442079460958", "(0044) 20 7946 0958", "011 44 20 7946 0958"])(
    "is found as it is dialled from abroad, from its first digit on: %s",
    (number) =>
      expect(found(`x ${number} y`).map((each) => each.replace(/^\(/, ""))).toEqual([number.replace(/^\(/, "")]),
  );

  test.each([
    ["12 34 56 ".repeat(40), "Spain"],
    ["612 345 678 habitantes", "Spain"],
    ["pp. 2420-2433", "Hong Kong"],
    ["process 29555-29578", "China"],
    ["assembly 4.0.15840.211", null],
    ["15 08 2021 and 1990 2005", "Denmark"],
    ["12.345.678 euros", "Spain"],
    ["on the phone at 2021-08-15", null],
    ["2 3 6 6 10 12 17", null],
  ])("is not %j", (text, country) => {
    expect(found(text, country)).toEqual([]);
  });
});
