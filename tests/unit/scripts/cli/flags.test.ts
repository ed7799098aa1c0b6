import { Command } from "commander";
import { expect, test } from "vitest";
import { addFlags, givenByFlags } from "../../../../scripts/cli/flags.ts";

function given(...args: string[]) {
  const command = addFlags(new Command().exitOverride().configureOutput({ writeErr: () => {} }));
  return givenByFlags(command.parse(args, { from: "user" }).opts());
}

test("a setting that is true or false may stand alone, which means true, or with its value", () => {
  expect(given("--bin-pack", "--seed", "s")).toEqual({ seed: "s", write: { binPack: true } });
  expect(given("--seed", "s", "--bin-pack")).toEqual({ seed: "s", write: { binPack: true } });
  expect(given("--newline-in-loss", "false")).toEqual({ write: { newlineInLoss: false } });
});

test("values are numbers, lists, pairs and null where the setting is, and text as it stands where they are not", () => {
  expect(given("--max-tokens", "null", "--min-count", "12")).toEqual({
    dedup: { minCount: 12 },
    write: { maxTokens: null },
  });
  expect(given("--ratios", "80,10,10")).toEqual({ split: { ratios: [80, 10, 10] } });
  expect(given("--columns", "id=key,messages=log")).toEqual({ prepare: { columns: { id: "key", messages: "log" } } });
  expect(given("--max-tokens", "many")).toEqual({ write: { maxTokens: "many" } });
});

test("any other flag needs a value", () => {
  expect(() => given("--seed")).toThrow(/argument missing/);
});
