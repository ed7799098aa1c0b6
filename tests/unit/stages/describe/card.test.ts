import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Manifest, Marker } from "../../../../schemas/manifest.ts";
import type { Plan } from "../../../../schemas/plan.ts";
import { codeOf, sizeCategory } from "../../../../stages/describe/card/header.ts";
import { datasetCard } from "../../../../stages/describe/card.ts";
import { FORMS } from "../../../../stages/forms/index.ts";
import { columnsOf } from "../../../../stages/render/columns.ts";
import { WriteOptions } from "../../../../stages/render/stage.ts";

const HOME = "/home/somebody/secret project";

const plan: Plan = {
  format: 1,
  code: "0.1.0+abc",
  source: "chat",
  seed: "0",
  user_key: "seed",
  hub: null,
  inputs: [{ path: `${HOME}/log.jsonl`, bytes: 10, modified_ms: 1, sha256: null, git_oid: null }],
  shards: 1,
  stages: [
    { name: "download", options: { repo: null }, files: [], phases: [] },
    { name: "split", options: { ratios: [90, 5, 5], fixedSplit: null }, files: [], phases: [] },
    {
      name: "intents",
      options: {
        provider: "recorded",
        recorded: `${HOME}/intents.jsonl`,
        intentPrompt: `${HOME}/prompt.txt`,
        baseUrl: "http://10.0.0.5:8000/v1",
        model: "gpt-4o",
      },
      files: [
        { path: `${HOME}/intents.jsonl`, rows: null, bytes: 1, sha256: "00" },
        { path: `${HOME}/prompt.txt`, rows: null, bytes: 1, sha256: "11" },
      ],
      phases: [],
    },
  ],
};

const tally = { taken: 10, in: 10, kept: 8, rejected: { toxic: 1, language: 1 }, counts: {} };
const prepared: Manifest = {
  ...tally,
  stage: "prepare",
  unit: "conversations",
  code: plan.code,
  source: "chat",
  seed: "0",
  options: {},
  fingerprint: "ff",
  inputs: [{ path: `${HOME}/log.jsonl`, rows: null, bytes: 10, sha256: "22" }],
  outputs: [],
};

function part(rows: Record<string, number>, rejected: Record<string, number> = {}): Marker {
  const kept = Object.values(rows).reduce((sum, count) => sum + count, 0);
  const lost = Object.values(rejected).reduce((sum, count) => sum + count, 0);
  const counted = { taken: kept + lost, in: kept + lost, kept, rejected, counts: rows };
  return {
    stage: "write",
    phase: "rows",
    index: 0,
    fingerprint: "ff",
    tally: counted,
    inputs: [],
    outputs: [],
    seconds: 1,
  };
}

const NOTHING = { baselines: [], reconciled: [], languages: ["English"], row: null, privacy: null };

function card(
  given: Partial<WriteOptions> = {},
  shards = [part({ rows_train: 20 }, { control_token: 1 }), part({ rows_test: 3 })],
): string {
  const added = [{ token: "<|endconversation|>", id: 128_256 }];
  return datasetCard({ ...NOTHING, plan, manifests: [prepared], shards, options: WriteOptions.parse(given), added });
}

/** The YAML between the first two lines of dashes. */
function frontMatter(text: string): Record<string, unknown> {
  const [, header] = /^---\n([\s\S]*?)\n---\n/.exec(text) ?? [];
  return parse(header ?? "") as Record<string, unknown>;
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

  test("says how many targets a packed row has, by which recipes divide a batch", () => {
    const shards = [part({ rows_train: 20, targets_train: 70 }), part({ rows_train: 10, targets_train: 35 })];
    expect(card({ form: "tokens", layout: "packed" }, shards)).toContain(
      "| split | rows | targets | targets a row |\n| --- | --- | --- | --- |\n| train | 30 | 105 | 3.50 |\n",
    );
    expect(card()).toContain("| split | rows |\n");
  });

  test("has another head for any other content, so that HF datasets does not take it for one that it has read", () => {
    const head = (sha256: string) => {
      const output = { path: "data/train-00000-of-00001.parquet", rows: 20, bytes: 1, sha256 };
      return frontMatter(card({}, [{ ...part({ rows_train: 20 }), outputs: [output] }]))["dataset_info"];
    };
    expect(head("aa")).toEqual(head("aa"));
    expect(head("aa")).not.toEqual(head("ab"));
  });

  test("names JSONL files where JSONL was written", () => {
    expect(JSON.stringify(frontMatter(card({ format: "jsonl" })))).toContain("data/train-*.jsonl");
  });

  test("carries the licence and the credit of the source", () => {
    const prism = datasetCard({
      ...NOTHING,
      plan: { ...plan, source: "prism" },
      manifests: [],
      shards: [],
      added: [],
      options: WriteOptions.parse({}),
    });
    expect(frontMatter(prism)["license"]).toBe("cc-by-nc-4.0");
    expect(prism).toContain("Kirk et al. 2024");
  });

  test("counts rows and what every stage kept and rejected", () => {
    expect(card()).toContain("| train | 20 |\n| test | 3 |");
    expect(card()).toContain("| prepare | conversations | 10 | 8 | toxic 1, language 1 |");
    expect(card()).toContain("| write | samples | 24 | 23 | control_token 1 |");
  });

  test.each(Object.entries(FORMS))("lists the columns of the form %s in their order", (name, form) => {
    const text = card({ form: name as keyof typeof FORMS });
    const listed = [...text.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
    expect(listed).toEqual(Object.keys(columnsOf(form, "samples").shape));
  });

  test("gives the recipe as YAML that can be read again, files by name alone", () => {
    const [, recipe] = /```yaml\n([\s\S]*?)```/.exec(card()) ?? [];
    expect(parse(recipe ?? "")).toEqual({
      split: { ratios: [90, 5, 5] },
      intents: { provider: "recorded", recorded: "intents.jsonl", intentPrompt: "prompt.txt", model: "gpt-4o" },
    });
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
      const text = datasetCard({ ...NOTHING, plan: { ...plan, source }, manifests: [], added: [], ...rows });
      const { configs, dataset_info } = frontMatter(text) as {
        configs: { config_name: string }[];
        dataset_info: { config_name: string };
      };
      return [...configs.map(({ config_name }) => config_name), dataset_info.config_name];
    };
    const rows = { shards: [part({ rows_test: 1 })], options: WriteOptions.parse({}) };
    expect(named("prism")).toEqual(["prism", "prism"]);
    expect(named("wildchat-1m")).toEqual(["wildchat-1m", "wildchat-1m"]);
  });

  test("shows one row, long texts cut, in a block that the row cannot end", () => {
    const row = {
      id: "chat:1:1",
      target: "```\n# not a heading",
      context: [],
      long: "x".repeat(500),
      ids: Int32Array.from(Array(20).keys()),
    };
    const text = datasetCard({
      ...NOTHING,
      row,
      plan,
      manifests: [],
      shards: [],
      added: [],
      options: WriteOptions.parse({}),
    });
    const [, json] = /```json\n([\s\S]*?)\n```/.exec(text) ?? [];
    const shown = JSON.parse(json ?? "") as typeof row;
    expect(shown.long).toBe(`${"x".repeat(200)}…`);
    expect(shown.ids).toHaveLength(9);
    expect(shown.target).toContain("# not a heading");
  });

  test("has counts beside the published ones, baselines with their formula, limits and how to cite", () => {
    const reconciled = [
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
      reconciled,
      baselines,
      privacy: { words: "User ids were keyed anew.", rows: 9, leftOut: 2 },
    };
    const prism = { ...plan, source: "prism" };
    const text = datasetCard({
      ...about,
      plan: prism,
      manifests: [],
      shards: [],
      added: [],
      options: WriteOptions.parse({}),
    });
    expect(text).toContain("| conversations | 8011 | 8010 | -1 | -0.01 % | arXiv 2404.16019 |");
    expect(text).toContain("`revision = c0ffee`");
    expect(text).toContain("| termination | end_from_2 | f1 | 58.97 |");
    expect(text).toContain("| publish | rows | 9 | 7 | personal_data 2 |");
    expect(text).toContain("## Privacy\n\nUser ids were keyed anew.");
    expect(text).toContain("not for commercial use");
    expect(text).toContain("eprint = {2404.16019}");
  });

  test("compares packed rows with single samples only where it counts the same ones", () => {
    const packed = { ...WriteOptions.parse({ layout: "packed", form: "tokens" }) };
    const counts = {
      rows_train: 1,
      targets_train: 2,
      tokens_train: 10,
      target_tokens_train: 4,
      tokens_as_samples_train: 40,
    };
    const shards = [{ tally: { taken: 2, in: 2, kept: 2, rejected: {}, counts }, outputs: [] }];
    const made = { ...NOTHING, plan, manifests: [], shards, added: [], options: packed };
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
