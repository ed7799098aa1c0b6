import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Manifest } from "../../../../schemas/manifest.ts";
import type { Plan, PlannedStage } from "../../../../schemas/plan.ts";
import { codeOf, sizeCategory } from "../../../../stages/describe/card/header.ts";
import { datasetCard } from "../../../../stages/describe/card.ts";
import { columnsOf } from "../../../../stages/forms/dataset-columns.ts";
import { FORM_NAMES, type FormName, formNamed } from "../../../../stages/forms/index.ts";
import { dataset } from "../../../../stages/index.ts";
import type { DatasetRows } from "../../../../stages/render/artefacts.ts";
import { RenderOptions } from "../../../../stages/render/options.ts";
import type { OneFormOptions } from "../../../helpers/written.ts";

const HOME = "/home/somebody/secret project";

function planned(name: string, options: PlannedStage["options"], more: Partial<PlannedStage> = {}): PlannedStage {
  return { name, code: "abc", options, models: {}, files: [], phases: [], ...more };
}

/** A plan whose intents come from a file, or where a model is asked. */
function planOf(provider: "recorded" | "openai"): Plan {
  const options = { provider, recorded: `${HOME}/intents.jsonl`, intentPrompt: `${HOME}/prompt.txt` };
  const files = [
    { path: `${HOME}/intents.jsonl`, rows: null, bytes: 1, sha256: "00" },
    { path: `${HOME}/prompt.txt`, rows: null, bytes: 1, sha256: "11" },
  ];
  const asked = { model: "gpt-4o", baseUrl: "http://10.0.0.5:8000/v1", temperature: 0, budget: 5 };
  const models = provider === "openai" ? { intents: asked } : {};
  return {
    format: 2,
    chain: "dataset",
    code: "0.1.0+abc",
    node: { major: 20, platform: "linux-x64", unicode: "15.0" },
    base: "..",
    source: "chat",
    seed: "0",
    user_key: "seed",
    hub: null,
    inputs: [{ path: `${HOME}/log.jsonl`, bytes: 10, modified_ms: 1, sha256: null, git_oid: null }],
    shards: 1,
    stages: [
      planned("download", { repo: null, parallel: 4 }),
      planned("split", { ratios: [90, 5, 5], fixedSplit: null }),
      planned("intents", options, { files, models }),
      planned("render:samples", { form: ["samples"], maxTokens: 2048 }),
      planned("render:trl", { form: ["trl"], maxTokens: null }),
    ],
  };
}

const plan = planOf("recorded");
const tally = { taken: 10, in: 10, kept: 8, rejected: { toxic: 1, language: 1 }, counts: {} };
const prepared: Manifest = {
  ...tally,
  stage: "prepare",
  unit: "conversations",
  code: plan.code,
  source: "chat",
  seed: "0",
  options: {},
  models: {},
  fingerprint: "ff",
  inputs: [{ path: `${HOME}/log.jsonl`, rows: null, bytes: 10, sha256: "22" }],
  outputs: [],
};

/** Rows with these counts; as many samples were kept as there are rows. */
function rowsOf(counts: Record<string, number>, rejected: Record<string, number> = {}): DatasetRows {
  const kept = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const lost = Object.values(rejected).reduce((sum, count) => sum + count, 0);
  return { in: kept + lost, kept, rejected, counts, files: [] };
}

const NOTHING = {
  ...{ baselines: [], published: [], languages: ["English"], row: null, privacy: null },
  ...{ plan, chain: dataset, manifests: [], rows: rowsOf({}), added: [], options: RenderOptions.parse({}) },
};

function card(
  given: OneFormOptions = {},
  rows = rowsOf({ rows_train: 20, rows_test: 3 }, { control_token: 1 }),
): string {
  const added = [{ token: "<|endconversation|>", id: 128_256 }];
  return datasetCard({ ...NOTHING, manifests: [prepared], rows, options: RenderOptions.parse(given), added });
}

/** The YAML between the first two lines of dashes. */
function frontMatter(text: string): Record<string, unknown> {
  const [, header] = /^---\n([\s\S]*?)\n---\n/.exec(text) ?? [];
  return parse(header ?? "") as Record<string, unknown>;
}

/** The recipe, read again. */
function recipeIn(text: string): Record<string, unknown> {
  const [, recipe] = /```yaml\n([\s\S]*?)```/.exec(text) ?? [];
  return parse(recipe ?? "") as Record<string, unknown>;
}

describe("the card of a dataset", () => {
  test("begins with what the Hub reads: licence, tags and the files of each split that has rows", () => {
    expect(frontMatter(card())).toMatchObject({
      license: "other",
      task_categories: ["text-generation"],
      configs: [
        {
          config_name: "chat",
          default: true,
          data_files: [
            { split: "train", path: "data/train-*.parquet" },
            { split: "test", path: "data/test-*.parquet" },
          ],
        },
      ],
    });
  });

  test("says how many targets a row of a whole conversation has, by which recipes divide a batch", () => {
    const rows = rowsOf({ rows_train: 30, targets_train: 105 });
    expect(card({ form: "tokens", layout: "conversations" }, rows)).toContain(
      "| split | rows | targets | targets a row |\n| --- | --- | --- | --- |\n| train | 30 | 105 | 3.50 |\n",
    );
    expect(card()).toContain("| split | rows |\n");
  });

  test("has another head for any other content, so that HF datasets does not take it for one that it has read", () => {
    const head = (sha256: string) => {
      const file = { path: "data/train-00000-of-00001.parquet", rows: 20, bytes: 1, sha256 };
      return frontMatter(card({}, { ...rowsOf({ rows_train: 20 }), files: [file] }))["dataset_info"];
    };
    expect(head("aa")).toEqual(head("aa"));
    expect(head("aa")).not.toEqual(head("ab"));
  });

  test("names JSONL files where JSONL was written", () => {
    expect(JSON.stringify(frontMatter(card({ fileFormat: "jsonl" })))).toContain("data/train-*.jsonl");
  });

  test("carries the licence and the credit of the source", () => {
    const prism = datasetCard({ ...NOTHING, plan: { ...plan, source: "prism" } });
    expect(frontMatter(prism)["license"]).toBe("cc-by-nc-4.0");
    expect(prism).toContain("Kirk et al. 2024");
  });

  test("counts rows and what every stage kept and rejected", () => {
    expect(card()).toContain("| train | 20 |\n| test | 3 |");
    expect(card()).toContain("| prepare | conversations | 10 | 8 | toxic 1, language 1 |");
    expect(card()).toContain("| render | samples | 24 | 23 | control_token 1 |");
  });

  test.each(FORM_NAMES)("lists the columns of the form %s in their order", (form: FormName) => {
    const listed = [...card({ form }).matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
    expect(listed).toEqual(Object.keys(columnsOf(formNamed(form), "samples").shape));
  });

  test("gives the recipe as YAML that can be read again, files by name alone, of its own form alone", () => {
    expect(recipeIn(card())).toEqual({
      split: { ratios: [90, 5, 5] },
      intents: { provider: "recorded", recorded: "intents.jsonl", intentPrompt: "prompt.txt" },
      render: { form: ["samples"], maxTokens: 2048 },
    });
    expect(recipeIn(card({ form: "trl" }))).toMatchObject({ render: { form: ["trl"], maxTokens: null } });
  });

  test("gives of a model that was asked what decides its answers, but for the server's address", () => {
    expect(recipeIn(datasetCard({ ...NOTHING, plan: planOf("openai") }))["models"]).toEqual({
      intents: { model: "gpt-4o", temperature: 0 },
    });
  });

  test("says which model wrote the intents", () => {
    const models = { intents: { model: "gpt-4o" } };
    const intents = { ...prepared, stage: "intents", options: { provider: "openai" }, models };
    const text = datasetCard({ ...NOTHING, plan: planOf("openai"), manifests: [intents] });
    expect(text).toContain("Written by the model `gpt-4o`");
  });

  test("tells the Hub language, size, task and how many rows each split has", () => {
    expect(frontMatter(card())).toMatchObject({
      language: ["en"],
      size_categories: ["n<1K"],
      task_categories: ["text-generation"],
      dataset_info: {
        config_name: "chat",
        splits: [
          { name: "train", num_bytes: 0, num_examples: 20 },
          { name: "test", num_bytes: 0, num_examples: 3 },
        ],
      },
    });
    expect([0, 999, 1000, 9999, 1_303_445, 2e9].map(sizeCategory)).toEqual([
      ...["n<1K", "n<1K", "1K<n<10K", "1K<n<10K", "1M<n<10M", "1B<n<10B"],
    ]);
    expect(["English", "Chinese", "hebrew", "pt", "Klingonese"].map(codeOf)).toEqual([
      "en",
      "zh",
      "he",
      "pt",
      undefined,
    ]);
  });

  test("puts each source into a configuration of its own, so that PRISM's text is never in one with WildChat's", () => {
    const named = (source: string) => {
      const text = datasetCard({ ...NOTHING, plan: { ...plan, source }, rows: rowsOf({ rows_test: 1 }) });
      const { configs, dataset_info } = frontMatter(text) as {
        configs: { config_name: string }[];
        dataset_info: { config_name: string };
      };
      return [...configs.map(({ config_name }) => config_name), dataset_info.config_name];
    };
    expect(named("prism")).toEqual(["prism", "prism"]);
    expect(named("wildchat-1m")).toEqual(["wildchat-1m", "wildchat-1m"]);
  });

  test("shows one row, long texts cut, in a block that the row cannot end", () => {
    const row = {
      id: "chat:1:1",
      target: "```\n# not a heading\u009b2J",
      context: [],
      long: "x".repeat(500),
      ids: Int32Array.from(Array(20).keys()),
    };
    const text = datasetCard({ ...NOTHING, row });
    const [, json] = /```json\n([\s\S]*?)\n```/.exec(text) ?? [];
    const shown = JSON.parse(json ?? "") as typeof row;
    expect(shown.long).toBe(`${"x".repeat(200)}…`);
    expect(shown.ids).toHaveLength(9);
    expect(shown.target).toContain("# not a heading");
    expect(json).not.toMatch(/(?!\n)\p{Cc}/u);
  });

  test("has counts beside the published ones, baselines with their formula, limits and how to cite", () => {
    const published = [
      {
        ...{
          count: "conversations",
          published: 8011,
          reference: "arXiv 2404.16019",
          ours: 8010,
          gap: -1,
          gap_percent: -0.01,
        },
        switches: [{ name: "revision", value: "c0ffee" }],
      },
    ];
    const baselines = [
      {
        ...({
          split: "test",
          measure: "termination",
          variant: "end_from_2",
          metric: "f1",
          turn: null,
          value: 58.965,
          count: 27_172,
        } as const),
      },
    ];
    const about = {
      ...NOTHING,
      published,
      baselines,
      privacy: { words: "User ids were keyed anew.", rows: 9, leftOut: 2 },
    };
    const text = datasetCard({ ...about, plan: { ...plan, source: "prism" } });
    expect(text).toContain("| conversations | 8011 | 8010 | -1 | -0.01 % | arXiv 2404.16019 |");
    expect(text).toContain("`revision = c0ffee`");
    expect(text).toContain("| termination | end_from_2 | f1 | 58.97 |");
    expect(text).toContain("| publish | rows | 9 | 7 | personal_data 2 |");
    expect(text).toContain("## Privacy\n\nUser ids were keyed anew.");
    expect(text).toContain("not for commercial use");
    expect(text).toContain("eprint = {2404.16019}");
  });

  test("compares rows of whole conversations with single samples only where it counts the same ones", () => {
    const options = RenderOptions.parse({ layout: "conversations", form: "tokens" });
    const counts = {
      rows_train: 1,
      targets_train: 2,
      tokens_train: 10,
      target_tokens_train: 4,
      tokens_as_samples_train: 40,
    };
    const rows = { in: 2, kept: 2, rejected: {}, counts, files: [] };
    const made = { ...NOTHING, rows, options };
    expect(datasetCard(made)).toContain("| train | 10 | 4 | 40 | 75 % |");
    const published = datasetCard({ ...made, privacy: { words: "", rows: 2, leftOut: 1 } });
    expect(published).toContain("| train | 10 | 4 |\n");
    expect(published).toContain("before conversations were left out");
  });

  test("says nothing of the machine: no path, no folder, no address of a server", () => {
    expect(card()).not.toMatch(/\/home|somebody|secret|10\.0\.0\.5/);
  });

  test("is the same for the same run", () => {
    expect(card()).toBe(card());
  });
});
