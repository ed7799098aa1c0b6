import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pieces, tokenizerFor } from "../../../../pipeline/models/count-tokens.ts";
import { texts } from "../../../helpers/texts.ts";

const { count } = await tokenizerFor("gpt-4o");

describe("tokens", () => {
  test("are those of the model's tokenizer", async () => {
    expect(count("hello world")).toBe(2);
    expect(count("漢字漢字")).toBe((await tokenizerFor("gpt-4.1")).count("漢字漢字"));
    expect((await tokenizerFor("gpt-4-turbo")).count("漢字漢字")).not.toBe(count("漢字漢字"));
    expect((await tokenizerFor("gpt-4o")).isExact).toBe(true);
    expect((await tokenizerFor("qwen3-8b")).isExact).toBe(false);
  });

  test("of a control token that somebody typed are those of its text", () => {
    expect(count("<|endoftext|>")).toBeGreaterThan(3);
  });

  test("of 200,000 characters without a space are counted in no more than a few times the time of as many with spaces", () => {
    const time = (text: string) => {
      const started = performance.now();
      count(text);
      return performance.now() - started;
    };
    const spaced = "漢字かな ".repeat(40_000);
    time(spaced);
    expect(time("漢字かな交".repeat(40_000))).toBeLessThan(20 * time(spaced) + 500);
  });

  test("are counted over pieces that make the text, cut only in long runs and never inside a character", () => {
    const long = fc.oneof(
      texts,
      fc.constant("🙂".repeat(700)),
      fc.constant(" ".repeat(1500)),
      fc.constant("ab".repeat(450)),
    );
    fc.assert(
      fc.property(fc.array(long, { maxLength: 5 }), (parts) => {
        const text = parts.join(" ");
        const cut = pieces(text);
        expect(cut.join("")).toBe(text);
        if (!/\S{401}|\s{401}/.test(text)) expect(cut).toEqual([text]);
        for (const each of cut) expect(each.isWellFormed() || !text.isWellFormed()).toBe(true);
      }),
    );
  });
});
