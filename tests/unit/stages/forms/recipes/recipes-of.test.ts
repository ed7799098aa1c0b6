import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Frame } from "../../../../../pipeline/text/chat-template/frame.ts";
import { described } from "../../../../../stages/describe/artefacts.ts";
import { FORM_NAMES, type FormName, formNamed } from "../../../../../stages/forms/index.ts";
import type { Facts, RecipeFile } from "../../../../../stages/forms/recipes/facts.ts";
import { withTokens } from "../../../../../stages/forms/recipes/recipes-of.ts";
import { rendered } from "../../../../../stages/render/artefacts.ts";

const END = { token: "<|endconversation|>", id: 128_256 };

/** What is around texts in the formats that have a name, and in two that others may bring. */
const FRAMES: Frame[] = [
  { headers: ["\n"], stop: "<|eot_id|>" },
  { headers: ["\n\n"], stop: "<|eot_id|>" },
  { headers: ["system\n", "user\n", "assistant\n"], stop: "<|im_end|>" },
  { headers: [' "\\(a|b)" ', "a"], stop: "</s>" },
  { headers: [], stop: null },
];

function facts(more: Partial<Facts> = {}): Facts {
  return {
    form: "tokens",
    fileFormat: "parquet",
    frame: { headers: ["\n"], stop: "<|eot_id|>" },
    layout: "samples",
    splits: ["train", "validation", "test"],
    maxTokens: 2048,
    added: [END],
    packing: false,
    isWeighted: false,
    ...more,
  };
}

/** The forms that there is a trainer for. */
const TRAINED = FORM_NAMES.filter((name) => name !== "samples");
/** Every kind of dataset that can be written. */
const ALL: Facts[] = TRAINED.flatMap((form) =>
  (["parquet", "jsonl", ...(form === "tokens" ? ["arrow"] : [])] as Facts["fileFormat"][]).flatMap((fileFormat) =>
    (["samples", "conversations"] as const).flatMap((layout) =>
      FRAMES.flatMap((frame) => [
        facts({ form, fileFormat, layout, frame }),
        facts({ form, fileFormat, layout, frame, splits: ["train"], maxTokens: null }),
        ...(form === "tokens" ? [true, false] : []).map((packing) =>
          facts({ form, fileFormat, layout, frame, packing, isWeighted: true }),
        ),
        ...(form === "tokens" ? [facts({ form, fileFormat, layout, frame, packing: true })] : []),
      ]),
    ),
  ),
);

/** The recipes of a dataset, as they are written beside it. */
function recipes(of: Facts): RecipeFile[] {
  return formNamed(of.form as FormName).recipes(withTokens(of));
}

/** The text of one file of the recipes. */
function text(of: Facts, path: string): string {
  const file = recipes(of).find((each) => each.path === path);
  if (!file) throw new Error(`no ${path}`);
  return file.text;
}

const yaml = (of: Facts, trainer: string) =>
  parse(text(of, `recipes/${trainer}/config.yaml`)) as Record<string, unknown>;

describe("every recipe", () => {
  test("is written where the stage may write, once", () => {
    for (const each of ALL) {
      const paths = recipes(each).map(({ path }) => path);
      expect(paths.length).toBeGreaterThan(0);
      expect(new Set(paths).size).toBe(paths.length);
      for (const path of paths)
        expect([described.card.owns(path), rendered.dataset.owns(path)], path).toEqual([true, false]);
    }
  });

  test("has every blank filled", () => {
    for (const each of ALL)
      for (const { text } of recipes(each)) expect(text).not.toMatch(/undefined|\[object|NaN|\$\{(?!output_dir)/);
  });

  test("is YAML or JSON that parses", () => {
    for (const file of ALL.flatMap(recipes)) {
      if (file.path.endsWith(".yaml")) expect(parse(file.text)).toBeTypeOf("object");
      if (file.path.endsWith(".json")) expect(JSON.parse(file.text)).toBeTypeOf("object");
    }
  });

  const python = spawnSync("python3", ["--version"]).status === 0;
  test.skipIf(!python)("is Python that parses (skipped without python3)", () => {
    const files = [...new Set(ALL.flatMap(recipes).flatMap(({ path, text }) => (path.endsWith(".py") ? [text] : [])))];
    const { status, stderr } = spawnSync(
      "python3",
      ["-c", "import ast, json, sys\nfor text in json.load(sys.stdin): ast.parse(text)"],
      {
        input: JSON.stringify(files),
        encoding: "utf8",
      },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(files.length).toBeGreaterThan(20);
  });
});

describe("the tokenizer for text", () => {
  const set = (name: string, of: Facts) => new RegExp(`^${name} = (.*)$`, "m").exec(text(of, "recipes/base.py"))?.[1];

  test("keeps headers apart from what follows, whatever is in them, the longest first", () => {
    for (const frame of FRAMES.filter(({ headers }) => headers.length > 0)) {
      const pattern = JSON.parse(set("HEADER_END", facts({ frame })) as string) as string;
      const header = new RegExp(pattern.replace(/^\\A/, "^"));
      for (const each of frame.headers) expect(header.exec(`${each}\nand on`)?.[0]).toBe(each);
    }
    const frame = { headers: ["a", "aa"], stop: null };
    expect(set("HEADER_END", facts({ frame }))).toContain("(?:aa|a)");
  });

  test("is left alone where headers end with a control token, and asks for a stop token where there is none", () => {
    const frame = { headers: [], stop: null };
    expect(set("HEADER_END", facts({ frame }))).toBe("None");
    expect(set("STOP", facts({ frame }))).toBe("None");
    expect(set("STOP", facts())).toBe('"<|eot_id|>"');
  });
});

test("there is nothing to train on without a split train, and in the form samples", () => {
  expect(recipes(facts({ splits: ["test"] }))).toEqual([]);
  expect(recipes(facts({ form: "samples" }))).toEqual([]);
});

test("bins are for the trainer that can keep their rows apart", () => {
  const paths = recipes(facts({ packing: true })).map(({ path }) => path);
  expect(paths).toEqual(["recipes/base.py", "recipes/transformers/train.py", "recipes/sample.py"]);
});

test("weights are for the trainer that reads them: the others would train every end in full", () => {
  const paths = recipes(facts({ isWeighted: true })).map(({ path }) => path);
  expect(paths).toEqual(["recipes/base.py", "recipes/transformers/train.py", "recipes/sample.py"]);
  for (const form of TRAINED.filter((each) => each !== "tokens" && each !== "openai"))
    expect(recipes(facts({ form, isWeighted: true }))).toEqual([]);
  expect(text(facts({ isWeighted: true }), "recipes/transformers/train.py")).toContain("Weighted(");
  expect(text(facts(), "recipes/transformers/train.py")).not.toMatch(/loss_weights|Weighted/);
});

describe("the paper's numbers", () => {
  test("1,024 samples a batch and 2e-5 in every configuration", () => {
    const axolotl = yaml(facts(), "axolotl");
    const factory = yaml(facts(), "llama-factory");
    const tune = yaml(facts(), "torchtune") as {
      batch_size: number;
      gradient_accumulation_steps: number;
      optimizer: { lr: number };
    };
    const DEVICES = 8;
    expect(Number(axolotl["micro_batch_size"]) * Number(axolotl["gradient_accumulation_steps"]) * DEVICES).toBe(1024);
    expect(
      Number(factory["per_device_train_batch_size"]) * Number(factory["gradient_accumulation_steps"]) * DEVICES,
    ).toBe(1024);
    expect(tune.batch_size * tune.gradient_accumulation_steps * DEVICES).toBe(1024);
    expect([axolotl["learning_rate"], factory["learning_rate"], tune.optimizer.lr]).toEqual([2e-5, 2e-5, 2e-5]);
  });

  test("rows are not cut: the trainers' limits are ours", () => {
    const of = facts({ maxTokens: 777, form: "axolotl" });
    expect(yaml(of, "axolotl")).toMatchObject({ sequence_len: 777, excess_length_strategy: "raise" });
    expect(yaml({ ...of, form: "llama-factory" }, "llama-factory")["cutoff_len"]).toBe(777);
    expect(text({ ...of, form: "trl" }, "recipes/trl/train.py")).toContain("max_length=777,");
  });

  test("the embeddings grow by the tokens that are added", () => {
    const chatml = [END, { token: "<|im_start|>", id: 128_257 }, { token: "<|im_end|>", id: 128_258 }];
    const vocabulary = (added: Facts["added"]) =>
      (yaml(facts({ added }), "torchtune")["model"] as { vocab_size: number }).vocab_size;
    expect(vocabulary([END])).toBe(128_257);
    expect(vocabulary(chatml)).toBe(128_259);
    expect(text(facts({ added: chatml }), "recipes/base.py")).toContain('    "<|im_end|>": 128258,\n');
    expect(text(facts({ form: "trl", added: [] }), "recipes/base.py")).toContain(
      '    "<|endconversation|>": 128256,\n',
    );
  });
});

test("without a validation split nothing is evaluated", () => {
  for (const form of TRAINED) {
    for (const { path, text } of recipes(facts({ form, splits: ["train"] }))) {
      if (path.endsWith(".yaml"))
        expect(JSON.stringify(parse(text))).not.toMatch(/validation|eval_strategy|test_datasets/);
      if (path.endsWith(".json")) expect(Object.keys(JSON.parse(text))).toEqual(["flipturn_train"]);
    }
  }
  expect(yaml(facts(), "axolotl")["test_datasets"]).toEqual([{ path: "../prepared", split: "validation", type: null }]);
});
