import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineChain } from "../../../pipeline/chain.ts";
import { checkNames, layer, place, readConfig, resolveConfig, settingsOf } from "../../../pipeline/config.ts";
import { defineStage } from "../../../pipeline/define-stage.ts";
import { UsageError } from "../../../pipeline/errors.ts";
import { useFolder } from "../../helpers/folder.ts";

const at = useFolder();

const paint = defineStage({
  name: "paint",
  module: import.meta.url,
  summary: "",
  reads: [],
  writes: {},
  unit: "files",
  options: z.strictObject({
    color: z.enum(["red", "blue"]).default("red"),
    coats: z.int().min(1).default(2),
    brush: z.strictObject({ width: z.int().default(5), hair: z.string().default("soft") }).prefault({}),
  }),
  models: { judge: { model: "critic" } },
  phases: [],
});

/** A stage that has an option of the same name. */
const varnish = defineStage({
  name: "varnish",
  module: import.meta.url,
  summary: "",
  reads: [],
  writes: {},
  unit: "files",
  options: z.strictObject({ coats: z.int().default(1), model: z.string().default("matt") }),
  phases: [],
});

const chain = defineChain({ name: "walls", summary: "", module: import.meta.url, stages: [paint, varnish] });

const resolve = (given: Record<string, unknown>) => resolveConfig(given, chain);

describe("layers of options", () => {
  test("replace each other from left to right, stage by stage", () => {
    expect(layer({ seed: 1, paint: { color: "red", coats: 3 } }, {}, { seed: 2 }, { paint: { coats: 1 } })).toEqual({
      seed: 2,
      paint: { color: "red", coats: 1 },
    });
  });

  test("replace lists as a whole", () => {
    expect(layer({ input: ["a", "b"] }, { input: ["c"] })).toEqual({ input: ["c"] });
  });

  test("are left as they were", () => {
    const first = { paint: { coats: 3 } };
    layer(first, { paint: { coats: 1 } });
    expect(first).toEqual({ paint: { coats: 3 } });
  });
});

describe("settings", () => {
  test("get their defaults, and so do the options of every stage", () => {
    const { run, options, models, executors } = resolve({});
    expect(run).toEqual({ source: null, input: [], output: null, seed: "0", shards: null, executor: "threads" });
    expect(options.get("paint")).toEqual({ color: "red", coats: 2, brush: { width: 5, hair: "soft" } });
    expect(models["judge"]).toMatchObject({ model: "critic", temperature: 0, budget: null });
    expect(executors.get("threads")).toEqual({ count: null });
  });

  test("are scoped: two stages, and a language model, may have one of the same name", () => {
    const { options, models } = resolve({
      paint: { coats: 3 },
      varnish: { coats: 4, model: "gloss" },
      models: { judge: { model: "other" } },
    });
    expect(options.get("paint")).toMatchObject({ coats: 3 });
    expect(options.get("varnish")).toEqual({ coats: 4, model: "gloss" });
    expect(models["judge"]).toMatchObject({ model: "other" });
  });

  test("have paths by which a flag, a file and the documentation name them", () => {
    const paths = settingsOf(chain).map(({ path }) => path.join("."));
    expect(paths).toEqual(expect.arrayContaining(["seed", "paint.coats", "varnish.coats", "models.judge.baseUrl"]));
    expect(new Set(paths).size).toBe(paths.length);
    expect(place(["paint", "brush", "width"], 3)).toEqual({ paint: { brush: { width: 3 } } });
  });

  test.each([
    [{ intents: { model: "m" } }, "setting `intents.model` is now called `models.intents.model`"],
    [{ write: { form: "trl" } }, "setting `write` is now called `render`"],
  ])("that were called otherwise are refused with their new name: %j", (given, message) => {
    const old = defineChain({ ...chain, stages: [{ ...paint, name: "intents" }] });
    expect(() => resolveConfig(given, old)).toThrow(message);
  });

  test("at the top are checked before anything else is looked at", () => {
    expect(() => checkNames({ sead: 1 }, chain)).toThrow("unknown setting `sead`, did you mean `seed`?");
    expect(() => checkNames({ seed: 1 }, chain)).not.toThrow();
  });

  test("that are given stay, beside the defaults of the rest", () => {
    const { run, options } = resolve({ seed: 7, paint: { coats: 3, brush: { width: 1 } } });
    expect(run.seed).toBe("7");
    expect(options.get("paint")).toEqual({ color: "red", coats: 3, brush: { width: 1, hair: "soft" } });
  });

  test("of a stage that is named but left empty are the defaults", () => {
    expect(resolve({ paint: null }).options.get("paint")).toMatchObject({ coats: 2 });
  });

  test.each([
    ["an unknown one, with the one that was meant", { sead: 1 }, "unknown setting `sead`, did you mean `seed`?"],
    ["an unknown stage, with the one that was meant", { pain: {} }, "unknown setting `pain`, did you mean `paint`?"],
    [
      "an unknown option, with the one that was meant",
      { paint: { coast: 1 } },
      "unknown setting `paint.coast`, did you mean `coats`?",
    ],
    [
      "an unknown one that is like no other, with all that are known",
      { zzzzz: 1 },
      "unknown setting `zzzzz`; known: source, input, output, seed, shards, executor, models, paint, varnish, threads",
    ],
    ["a name that every object has", { constructor: 1 }, "unknown setting `constructor`"],
    [
      "a wrong type, with what was found and expected",
      { paint: { coats: "many" } },
      'setting `paint.coats`: found "many"; expected number',
    ],
    [
      "a wrong choice",
      { paint: { color: "green" } },
      'setting `paint.color`: found "green"; Invalid option: expected one of "red"|"blue"',
    ],
    ["a number out of range", { shards: 0 }, "setting `shards`: found 0; Too small: expected number to be >=1"],
    [
      "a value deep inside",
      { paint: { brush: { width: "wide" } } },
      'setting `paint.brush.width`: found "wide"; expected number',
    ],
    ["a list where options belong", { paint: [] }, "setting `paint`: found []; expected object"],
  ])("refuse %s", (_, given, message) => {
    expect(() => resolve(given)).toThrow(UsageError);
    expect(() => resolve(given)).toThrow(message);
  });

  test("refuse an unknown name inside an option, with the one that was meant there", () => {
    expect(() => resolve({ paint: { brush: { witdh: 1 } } })).toThrow(
      "unknown setting `paint.brush.witdh`, did you mean `width`?; known: width, hair",
    );
  });

  test("refuse a seed that is neither text nor a whole number, saying what was expected", () => {
    expect(() => resolve({ seed: 1.5 })).toThrow(/setting `seed`: found 1\.5; expected .*(string|text)/);
  });
});

describe("a configuration file", () => {
  const read = (text: string) => {
    writeFileSync(at("run.yaml"), text);
    return readConfig(at("run.yaml"));
  };

  test.each([
    ["YAML", "source: chat\nsplit:\n  ratios: [8, 1, 1]\n"],
    ["JSON", '{"source": "chat", "split": {"ratios": [8, 1, 1]}}'],
  ])("may be %s", (_, text) => {
    expect(read(text)).toEqual({ source: "chat", split: { ratios: [8, 1, 1] } });
  });

  test("may be empty or only comments", () => {
    expect(read("")).toEqual({});
    expect(read("# nothing yet\n")).toEqual({});
  });

  test.each([
    ["is not YAML", "source: chat\nsplit: [1\nseed: 2\n", 3],
    ["says a thing twice", "seed: 1\nsource: chat\nseed: 2\n", 3],
  ])("that %s is refused with the line", (_, text, line) => {
    expect(() => read(text)).toThrow(UsageError);
    expect(() => read(text)).toThrow(`run.yaml:${line}: `);
  });

  test.each(["- a\n- b\n", "just words\n", "5\n"])("that holds %j is refused: settings have names", (text) => {
    expect(() => read(text)).toThrow(/run\.yaml: expected settings by name/);
  });

  test("with an unquoted `*.parquet`, which YAML takes for an alias, is refused as wrong use", () => {
    expect(() => read("input: *.parquet\n")).toThrow(UsageError);
  });

  test("that is not there is refused by name", () => {
    expect(() => readConfig(at("nothing.yaml"))).toThrow(UsageError);
    expect(() => readConfig(at("nothing.yaml"))).toThrow(at("nothing.yaml"));
  });
});
