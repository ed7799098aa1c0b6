import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { RunSettings } from "../pipeline/config.ts";
import { packageFolder } from "../pipeline/files/atomic-file.ts";
import { allFlags, unwrap } from "../scripts/cli/flags.ts";
import { stages } from "../stages/index.ts";
import { PREPARE_REASONS } from "../stages/prepare/check-conversation.ts";

const readme = readFileSync(join(packageFolder(), "README.md"), "utf8");

describe("the README", () => {
  it.each(allFlags())("lists the setting $path with its default and meaning", ({ path, type }) => {
    const { inner, fallback } = unwrap(type);
    const shown =
      fallback === undefined || fallback === null ? "–" : `\`${JSON.stringify(fallback).replaceAll('"', "")}\``;
    const choices =
      "enum" in inner
        ? ` (${Object.values(inner.enum as object)
            .map((each) => `\`${each}\``)
            .join(", ")})`
        : "";
    expect(readme).toContain(`| \`${path.join(".")}\` | ${shown} | ${type.description}${choices} |`);
  });

  it("shows the chain of stages as it is", () => {
    expect(readme).toContain(stages.map((stage) => stage.name).join(" -> "));
  });

  it("names every reason of prepare", () => {
    for (const reason of PREPARE_REASONS) expect(readme).toContain(`\`${reason}\``);
  });
});

describe("flags", () => {
  it("are unique over all stages", () => {
    const names = allFlags().map(({ flag }) => flag);
    expect(new Set(names).size).toBe(names.length);
  });

  it("describe every setting", () => {
    for (const { type } of allFlags()) expect(type.description).toBeTruthy();
    expect(Object.keys(RunSettings.shape)).toContain("seed");
  });
});
