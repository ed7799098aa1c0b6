import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Manifest, Marker } from "../../../schemas/manifest.ts";
import type { Plan } from "../../../schemas/plan.ts";
import { datasetCard } from "../../../stages/write/card.ts";
import { columnsOf } from "../../../stages/write/columns.ts";
import { FORMS } from "../../../stages/write/forms.ts";
import { WriteOptions } from "../../../stages/write.ts";

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

function card(
  given: Partial<WriteOptions> = {},
  shards = [part({ rows_train: 20 }, { control_token: 1 }), part({ rows_test: 3 })],
): string {
  const added = [{ token: "<|endconversation|>", id: 128_256 }];
  return datasetCard({ plan, manifests: [prepared], shards, options: WriteOptions.parse(given), added });
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
          config_name: "default",
          data_files: [
            { split: "train", path: "data/train-*.parquet" },
            { split: "test", path: "data/test-*.parquet" },
          ],
        },
      ],
    });
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

  test("says nothing of the machine: no path, no folder, no address of a server", () => {
    expect(card()).not.toMatch(/\/home|somebody|secret|10\.0\.0\.5/);
  });

  test("is the same for the same run", () => {
    expect(card()).toBe(card());
  });
});
