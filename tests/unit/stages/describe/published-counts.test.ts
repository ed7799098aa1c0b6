import { describe, expect, test } from "vitest";
import type { Manifest } from "../../../../schemas/manifest.ts";
import type { Plan, PlannedStage } from "../../../../schemas/plan.ts";
import { publishedCounts } from "../../../../stages/describe/published-counts.ts";

const planned = (name: string, options: PlannedStage["options"]): PlannedStage => {
  return { name, code: "abc", options, models: {}, files: [], phases: [] };
};
const stages = [
  planned("prepare", { language: "English", toxic: "drop" }),
  planned("dedup", { minCount: 100, review: "/home/somebody/review.yaml" }),
  planned("split", { by: "user-in-country", ratios: [90, 5, 5], fixedSplit: null }),
];
const plan: Plan = {
  ...{ format: 2, chain: "dataset", code: "0.1.0+abc", source: "wildchat-1m", seed: "7", user_key: "seed", shards: 1 },
  ...{ node: { major: 20, platform: "linux-x64", unicode: "15.0" }, base: "..", stages },
  hub: { repo: "allenai/WildChat-1M", revision: "c0ffee" },
  inputs: [{ path: "a.parquet", bytes: 1, modified_ms: null, sha256: null, git_oid: null }],
};

const manifest = (stage: string, counted: Partial<Manifest>) =>
  ({ stage, in: 0, kept: 0, counts: {}, ...counted }) as Manifest;

describe("published counts", () => {
  const rows = publishedCounts(plan, [
    manifest("prepare", { in: 837_989, kept: 478_000 }),
    manifest("dedup", { kept: 384_336 }),
    manifest("split", { counts: { countries: 180, conversations_train: 343_951 } }),
    manifest("flip", { counts: { samples_test: 137_225 } }),
  ]);
  const row = (count: string) => rows.find((each) => each.count === count);

  test("puts every published count of WildChat beside ours, with the gap as a number and in percent", () => {
    expect(row("rows of the source")).toMatchObject({ published: 837_989, ours: 837_989, gap: 0, gap_percent: 0 });
    expect(row("English conversations")).toMatchObject({ ours: 478_000, gap: -498, gap_percent: -0.1 });
    expect(row("samples in test")).toMatchObject({ published: 137_224, ours: 137_225, gap: 1, gap_percent: 0 });
    expect(row("samples in train")).toMatchObject({ ours: 0, gap: -1_047_930, gap_percent: -100 });
    expect(rows).toHaveLength(10);
  });

  test("names the switches that could explain a gap, with the values of this run", () => {
    const switches = Object.fromEntries(rows.flatMap((each) => each.switches.map(({ name, value }) => [name, value])));
    expect(switches).toMatchObject({
      ...{
        revision: "c0ffee",
        seed: "7",
        "dedup.minCount": "100",
        "split.by": "user-in-country",
        "split.ratios": "90,5,5",
      },
      "split.fixedSplit": "default",
    });
    for (const name of ["dedup.keep", "flip.endAfterUser"]) expect(switches).toHaveProperty([name]);
    // Samples are counted before they are rendered.
    expect(Object.keys(switches).filter((name) => name.startsWith("render."))).toEqual([]);
  });

  test("tells no path of this machine", () => {
    expect(JSON.stringify(rows)).not.toContain("somebody");
  });

  test("knows PRISM's counts, and none of a source that nobody published counts of", () => {
    const counted = [manifest("flip", { counts: { samples_first: 8000, samples_next: 19_172 } })];
    const prism = publishedCounts({ ...plan, source: "prism" }, counted);
    expect(prism.find((each) => each.count === "user turns")).toMatchObject({ published: 27_172, gap: 0 });
    expect(publishedCounts({ ...plan, source: "chat" }, [])).toEqual([]);
  });
});
