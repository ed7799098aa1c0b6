import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageFolder } from "../pipeline/code-identity.ts";
import { settingsOf } from "../pipeline/config.ts";
import { commands } from "../scripts/cli/commands/index.ts";
import { SHORT_FLAGS } from "../scripts/cli/settings.ts";
import { unwrap } from "../scripts/cli/typed-text.ts";
import { dataset } from "../stages/index.ts";
import { PREPARE_REASONS } from "../stages/prepare/check-conversation.ts";
import { succeed } from "./runs/flipturn.ts";

const root = packageFolder();
const text = (...path: string[]) => readFileSync(join(root, ...path), "utf8");
const readme = text("README.md");
const documents = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(root, "docs")).map((name) => join("docs", name)),
];
const texts = documents.filter((path) => path.endsWith(".md"));

describe("the README", () => {
  const rows = readme.split("\n").filter((line) => /^\| `[\w.]+` \| (`--|–)/.test(line));

  it("has a row for each of twenty settings that are used most", () => {
    expect(rows).toHaveLength(20);
  });

  it.each(rows.map((row) => [row.split("`")[1] ?? "", row]))("says of %s what the setting itself says", (name, row) => {
    const setting = settingsOf(dataset).find(({ path }) => path.join(".") === name);
    const { type, fallback = unwrap(type as never).fallback } = setting ?? ({} as never);
    const flag = Object.keys(SHORT_FLAGS).find((each) => SHORT_FLAGS[each] === name);
    const hasDefault =
      fallback !== undefined && fallback !== null && !(typeof fallback === "object" && !Array.isArray(fallback));
    const shown = hasDefault ? `\`${JSON.stringify(fallback).replaceAll('"', "")}\`` : "–";
    expect(row).toBe(`| \`${name}\` | ${flag ? `\`--${flag}\`` : "–"} | ${shown} | ${type?.description} |`);
  });

  it("shows the chain of stages as it is", () => {
    expect(readme).toContain(dataset.stages.map((stage) => stage.name).join(" -> "));
  });

  it("has an example of every command that people type", () => {
    for (const { name } of commands.filter((command) => command.name !== "demo"))
      expect(readme, name).toMatch(new RegExp(`(flipturn |\`)${name}\\b`));
  });

  it("fits on a few screens", () => {
    expect(readme.split("\n").length).toBeLessThanOrEqual(150);
  });
});

describe("docs/settings.md", () => {
  it("is what `flipturn settings --markdown` prints", async () => {
    const { stdout } = await succeed(["settings", "--markdown"], { cwd: root });
    expect(text("docs", "settings.md").endsWith(`\n\n${stdout}`), "npm run build, then write it anew").toBe(true);
  });
});

describe("docs/artefacts.md", () => {
  const artefacts = dataset.stages.flatMap(({ writes }) => Object.values(writes)).filter(({ isKept }) => isKept);

  it.each(artefacts.map((artefact) => [artefact.name, artefact] as const))("tells what %s is", (name, artefact) => {
    const row = text("docs", "artefacts.md")
      .split("\n")
      .find((line) => line.startsWith(`| \`${name}\` |`));
    expect(row).toContain(`| ${artefact.about} |`);
    if (artefact.per === "run") expect(row).toContain("one file");
  });

  it("names every reason of prepare", () => {
    for (const reason of PREPARE_REASONS) expect(text("docs", "artefacts.md")).toContain(`\`${reason}\``);
  });
});

describe("docs/glossary.md", () => {
  const words = [...text("docs", "glossary.md").matchAll(/^\| ([a-z][\w -]*) \| .+ \|$/gm)]
    .map(([, word]) => word ?? "")
    .slice(1);

  it("has each word once, in order", () => {
    expect(words.length).toBeGreaterThan(40);
    expect(words).toEqual([...new Set(words)].sort());
  });

  it("has a word for every artefact that is kept", () => {
    const known = words.join(" ").replaceAll("-", " ");
    const parts = dataset.stages
      .flatMap(({ writes }) => Object.values(writes))
      .filter(({ isKept, kind }) => isKept && kind === "table")
      .flatMap(({ name }) => name.split("_"));
    const unknown = parts.filter((part) => !known.includes(part.replace(/(ies|s|a)$/, "").slice(0, 5)));
    // Words of everyday: the users, and the counts that were published.
    expect(unknown.filter((part) => !["users", "published", "counts", "threshold"].includes(part))).toEqual([]);
  });
});

describe.each(texts)("%s", (path) => {
  it("links only to what is there", () => {
    const links = [...text(path).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link]) => link ?? "");
    for (const link of links) expect(existsSync(join(root, dirname(path), link)), link).toBe(true);
  });

  it("names only settings and commands that there are", () => {
    const known = new Set(
      settingsOf(dataset).flatMap(({ path: own }) => own.map((_, at) => own.slice(0, at + 1).join("."))),
    );
    const groups = new Set([...known].map((name) => name.split(".")[0]));
    const named = [...text(path).matchAll(/`([a-z]+(?:\.[a-zA-Z]+)+)`/g)].map(([, name]) => name ?? "");
    const isSetting = (name: string) =>
      groups.has(name.split(".")[0] ?? "") && !/\.(ts|md|json|yaml|parquet)$/.test(name);
    for (const name of named.filter(isSetting)) expect(known, name).toContain(name);
    const first = new Set(commands.map(({ name }) => name.split(" ")[0]));
    for (const [, name = ""] of [
      ...text(path).matchAll(/`flipturn ([a-z]+)/g),
      ...text(path).matchAll(/^ {4}flipturn ([a-z]+)/gm),
    ])
      expect(first, name).toContain(name);
  });
});
