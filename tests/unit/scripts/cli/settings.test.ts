import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { type Given, resolveConfig, settingsOf } from "../../../../pipeline/config.ts";
import { UsageError } from "../../../../pipeline/errors.ts";
import { addSettingFlags, givenByFlags, SHORT_FLAGS, settingFlags } from "../../../../scripts/cli/settings.ts";
import { unwrap } from "../../../../scripts/cli/typed-text.ts";
import { dataset } from "../../../../stages/index.ts";

function given(...args: string[]): Given {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  addSettingFlags(command, dataset, []);
  return givenByFlags(command.parse(args, { from: "user" }).opts(), dataset);
}

describe("flags of settings", () => {
  test("that are true or false may stand alone, which means true, or with their value", () => {
    expect(given("--packing", "--seed", "s")).toEqual({ seed: "s", render: { packing: true } });
    expect(given("--seed", "s", "--packing")).toEqual({ seed: "s", render: { packing: true } });
    expect(given("--newline-in-loss", "false")).toEqual({ render: { newlineInLoss: false } });
  });

  test("give numbers, lists, pairs and null where the setting is, and text as it stands where they are not", () => {
    expect(given("--max-tokens", "null", "--min-count", "12")).toEqual({
      dedup: { minCount: 12 },
      render: { maxTokens: null },
    });
    expect(given("--ratios", "80,10,10")).toEqual({ split: { ratios: [80, 10, 10] } });
    expect(given("--columns", "id=key,messages=log")).toEqual({ prepare: { columns: { id: "key", messages: "log" } } });
    expect(given("--max-tokens", "many")).toEqual({ render: { maxTokens: "many" } });
  });

  test("of lists add up, one by one or with commas; names of files may have commas in them", () => {
    expect(given("--form", "trl", "--form", "tokens,samples")).toEqual({
      render: { form: ["trl", "tokens", "samples"] },
    });
    expect(given("--input", "a,b.jsonl", "c.jsonl", "--input", "d.jsonl")).toEqual({
      input: ["a,b.jsonl", "c.jsonl", "d.jsonl"],
    });
  });

  test("need a value, and pairs where pairs belong", () => {
    expect(() => given("--seed")).toThrow(/argument missing/);
    expect(() => given("--columns", "id")).toThrow("expected key=value pairs with commas between");
  });

  test("that are shown are few, and none has two meanings", () => {
    expect(Object.keys(SHORT_FLAGS).length).toBeLessThanOrEqual(35);
    const names = settingFlags(dataset).map(({ flag }) => flag);
    expect(new Set(names).size).toBe(names.length);
  });

  test.each([
    ["--bin-pack", { render: { packing: true } }],
    ["--format=jsonl", { render: { fileFormat: "jsonl" } }],
    ["--coverage=0.6", { dedup: { coverage: 0.6 } }],
    ["--tries=2", { models: { intents: { tries: 2 } } }],
    ["--threads=2", { threads: { count: 2 } }],
  ])("work as they first did, whether they are shown or not: %s", (flag, expected) => {
    expect(given(flag)).toEqual(expected);
  });

  test("in their first words mean what they meant: %j", () => {
    const { options } = resolveConfig(given("--layout", "packed", "--split-by", "paper", "--form", "trl"), dataset);
    expect(options.get("render")).toMatchObject({ layout: "conversations", form: ["trl"] });
    expect(options.get("split")).toMatchObject({ by: "user-in-country" });
    const letter = resolveConfig(given("--split-by", "ip+country"), dataset);
    expect(letter.options.get("split")).toMatchObject({ by: "user-and-country" });
  });
});

describe("--set", () => {
  test("reaches every setting, and a part of one", () => {
    expect(given("--set", "dedup.minCount=50", "--set", "seed=7")).toEqual({ dedup: { minCount: 50 }, seed: "7" });
    expect(given("--set", "prepare.columns.id=key", "--set", "models.intents.price.input=2.5")).toEqual({
      prepare: { columns: { id: "key" } },
      models: { intents: { price: { input: 2.5 } } },
    });
    for (const { path, type } of settingsOf(dataset)) {
      const isPairs = ["object", "record"].includes(unwrap(type).inner.def.type);
      expect(given("--set", `${path.join(".")}=${isPairs ? "input=1" : "1"}`)).not.toEqual({});
    }
  });

  test("is nearer than a flag, and adds up lists", () => {
    expect(given("--set", "dedup.minCount=50", "--min-count", "60")).toEqual({ dedup: { minCount: 50 } });
    expect(given("--set", "render.form=trl", "--set", "render.form=tokens")).toEqual({
      render: { form: ["trl", "tokens"] },
    });
    expect(given("--set", "input=a,b", "--set", "input=c")).toEqual({ input: ["a,b", "c"] });
  });

  test("takes values with an equals sign", () => {
    expect(given("--set", "render.bosToken=a=b")).toEqual({ render: { bosToken: "a=b" } });
  });

  test.each([
    ["dedup.minCont=5", "unknown setting `dedup.minCont`, did you mean `minCount`?"],
    ["dedpu.minCount=5", "unknown setting `dedpu`, did you mean `dedup`?"],
    ["intents.model=m", "setting `intents.model` is now called `models.intents.model`"],
    ["nothing=1", "unknown setting `nothing`"],
    ["dedup.minCount.deep=1", "setting `dedup.minCount` has no parts"],
    ["prepare.columns.idd=1", "unknown setting `prepare.columns.idd`, did you mean `id`?"],
  ])("refuses %s", (text, message) => {
    expect(() => given("--set", text)).toThrow(UsageError);
    expect(() => given("--set", text)).toThrow(message);
  });

  test("without a value is refused by the parser", () => {
    expect(() => given("--set", "dedup.minCount")).toThrow("expected <path>=<value>");
  });
});
