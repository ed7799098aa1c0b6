import { describe, expect, test } from "vitest";
import type { Manifest } from "../../../schemas/manifest.ts";
import { whyEmpty } from "../../../stages/empty.ts";
import { dataset } from "../../../stages/index.ts";

const stage = (name: string, unit: string, kept: number, rejected: Record<string, number> = {}) => {
  const all = kept + Object.values(rejected).reduce((sum, rows) => sum + rows, 0);
  return { stage: name, unit, in: all, kept, rejected } as Manifest;
};

describe("why a dataset is empty", () => {
  test.each([
    ["prepare", { language: 3 }, "--language takes another language, or any"],
    ["prepare", { system_turn: 2, tool_turn: 1 }, "--set prepare.roles=repair leaves such turns out"],
    ["dedup", { template: 3 }, "--min-count finds fewer templates, --set dedup.templates=keep keeps them"],
    ["render:trl", { target_too_long: 3 }, "--max-tokens allows longer rows"],
  ])("where %s rejects everything for %j", (name, rejected, advice) => {
    const manifests = [stage("download", "files", 1), stage(name, "rows", 0, rejected), stage("split", "rows", 0)];
    const [first] = Object.entries(rejected).map(([reason, rows]) => `${rows} ${reason}`);
    expect(whyEmpty(manifests, dataset)).toContain(
      `the dataset is empty: ${name} rejected all 3 rows: ${first} (${advice})`,
    );
  });

  test("is told by the most usual reason first", () => {
    expect(whyEmpty([stage("prepare", "rows", 0, { no_turns: 1, toxic: 2 })], dataset)).toMatch(
      /2 toxic .*, 1 no_turns;/,
    );
  });

  test("is not asked where something is left", () => {
    expect(whyEmpty([stage("prepare", "rows", 1, { language: 3 })], dataset)).toBeNull();
    expect(whyEmpty([], dataset)).toBeNull();
  });
});
