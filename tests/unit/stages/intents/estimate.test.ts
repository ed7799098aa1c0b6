import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pieces, tokenizerFor } from "../../../../pipeline/models/count-tokens.ts";
import { shutdownOf } from "../../../../pipeline/models/deprecations.ts";
import { costOf, knownModel } from "../../../../pipeline/models/prices.ts";
import type { Turn } from "../../../../schemas/conversation.ts";
import { draw, promptCounter } from "../../../../stages/intents/estimate.ts";
import { fillPrompt, loadPrompt, type Prompt } from "../../../../stages/intents/prompt.ts";
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

  test("of a filled prompt are the same counted by parts as counted whole, whatever was said", () => {
    const turn = fc.record({ role: fc.constantFrom<Turn["role"]>("user", "assistant"), content: texts });
    for (const prompt of [loadPrompt(null), { text: "Look:\n[CONVERSATION] \n\nSay it.", version: "" } as Prompt]) {
      const byParts = promptCounter(prompt, count);
      expect(byParts).not.toBe(count);
      fc.assert(
        fc.property(fc.array(turn, { minLength: 1, maxLength: 4 }), (turns) => {
          const filled = fillPrompt(prompt, { turns });
          expect(byParts(filled)).toBe(count(filled));
        }),
      );
    }
  });

  test("of a template where parts would not add up are counted whole", () => {
    expect(promptCounter({ text: "Look: [CONVERSATION]!", version: "" }, count)).toBe(count);
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

describe("what is known of a model", () => {
  test("is its price in dollars for a million tokens and the tokens it takes, at the server that is asked", () => {
    expect(knownModel("gpt-4o")).toEqual({
      price: { input: 2.5, output: 10, cached: 1.25, batch: 0.5 },
      context: 128_000,
    });
    expect(knownModel("gpt-4o-2024-08-06").price).toMatchObject({ input: 2.5 });
    expect(knownModel("gpt-4o", "http://127.0.0.1:8000/v1").price).toBeNull();
    expect(knownModel("nobody-knows").price).toBeNull();
  });

  test("gives the cost of tokens: cached ones cheaper, all of them at half in a batch, none without a price", () => {
    const usage = { input_tokens: 1_000_000, cached_tokens: 400_000, output_tokens: 100_000 };
    const { price } = knownModel("gpt-4o");
    expect(costOf(usage, price, "sync")).toBeCloseTo(0.6 * 2.5 + 0.4 * 1.25 + 0.1 * 10);
    expect(costOf(usage, price, "batch")).toBeCloseTo((0.6 * 2.5 + 0.4 * 1.25 + 0.1 * 10) / 2);
    expect(costOf(usage, null, "sync")).toBeNull();
  });

  test.each([
    ["gpt-4o", "2027-01-14"],
    ["gpt-4.1", "2027-01-14"],
    ["gpt-4o-2024-08-06", "2027-01-14"],
    ["gpt-4o-mini", undefined],
    ["local", undefined],
  ])("has the announced end of %s: %s", (model, day) => {
    expect(shutdownOf(model)?.day).toBe(day);
  });
});

test("a pilot is drawn by the seed alone, whatever the order of the conversations", async () => {
  const all = Array.from({ length: 200 }, (_, at) => ({ id: `c${at}`, turns: [] }));
  const drawn = async (list: typeof all, seed: string) =>
    (
      await draw(
        (async function* () {
          yield* list;
        })(),
        10,
        seed,
      )
    ).map(({ id }) => id);
  expect(await drawn(all, "1")).toHaveLength(10);
  expect(await drawn([...all].reverse(), "1")).toEqual(await drawn(all, "1"));
  expect(await drawn(all, "2")).not.toEqual(await drawn(all, "1"));
  expect(await drawn(all.slice(0, 3), "1")).toHaveLength(3);
});
