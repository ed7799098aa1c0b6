import { describe, expect, test } from "vitest";
import { costOf, knownModel } from "../../../../pipeline/models/prices.ts";

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
});
