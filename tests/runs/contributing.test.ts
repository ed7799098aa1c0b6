import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { select } from "../helpers/engine.ts";
import { temporary } from "../helpers/folder.ts";
import { artefacts, manifest, type Result, ROOT, startProcess, succeed } from "./flipturn.ts";

// The worked examples of CONTRIBUTING.md, done as they stand there: all of them in one copy of the sources, which is then
// built, checked and run.

const folder = temporary();
const copy = join(folder, "flipturn");

/** Blocks of code of a kind, in order. */
function blocks(kind: string): string[] {
  const text = readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(([, block]) => block ?? "");
}

/** Does what a block says: lines with `-` go, lines with `+` come after the one before them. Every other line must be there. */
function apply(block: string): string {
  const [head = "", ...lines] = block.trimEnd().split("\n");
  const path = head.replace("--- ", "");
  const text = readFileSync(join(copy, path), "utf8").split("\n");
  let at = 0;
  for (const line of lines) {
    if (line.startsWith("+")) text.splice(at++, 0, line.slice(1));
    else {
      const found = text.indexOf(line.slice(1), at);
      if (found < 0) throw new Error(`${path} has no line \`${line.slice(1)}\` after its line ${at}`);
      at = found;
      if (line.startsWith("-")) text.splice(at, 1);
      else at++;
    }
  }
  writeFileSync(join(copy, path), text.join("\n"));
  return path;
}

async function flipturn(...args: string[]): Promise<Result> {
  const cli = join(copy, "dist", "scripts", "flipturn.js");
  const result = await startProcess(process.execPath, [cli, ...args], { cwd: folder }).done;
  if (result.code !== 0) throw new Error(`flipturn ${args.join(" ")}: exit ${result.code}\n${result.stderr}`);
  return result;
}

const written: string[] = [];
const plain = join(folder, "plain");

beforeAll(async () => {
  for (const part of [
    "pipeline",
    "stages",
    "schemas",
    "scripts",
    "package.json",
    "tsconfig.json",
    "tsconfig.build.json",
    "biome.json",
  ])
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  for (const block of blocks("ts")) {
    const path = /^\/\/ (\S+)\n/.exec(block)?.[1] ?? "";
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    writeFileSync(join(copy, path), block.slice(block.indexOf("\n") + 1));
    written.push(path);
  }
  for (const block of blocks("diff")) written.push(apply(block));
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const built = await startProcess(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: copy }).done;
  expect([built.code, built.stdout]).toEqual([0, ""]);
  await succeed(["demo", "--output", plain, "--threads", "1"], { cwd: folder });
});

describe("the examples of CONTRIBUTING.md", () => {
  test("touch a file of their own, and one list each", () => {
    expect(written).toHaveLength(10);
    expect(new Set(written).size).toBe(10);
  });

  test("pass the rules of this project", async () => {
    const biome = join(ROOT, "node_modules", "@biomejs", "biome", "bin", "biome");
    const own = written.filter((path) => !path.endsWith("index.ts"));
    const { code, stdout, stderr } = await startProcess(process.execPath, [biome, "lint", ...own], { cwd: copy }).done;
    expect([code, stdout, stderr]).toEqual([0, expect.stringContaining("Checked 5 files"), expect.any(String)]);
  });

  test("a source: its rows become samples", async () => {
    const talks = [
      { table: 1, guest: "Ann", lines: ["a beer please", "Here.", "thanks"] },
      { table: 2, guest: "Bo", lines: ["what is on tap", "Stout."] },
    ];
    writeFileSync(join(folder, "talks.jsonl"), talks.map((talk) => `${JSON.stringify(talk)}\n`).join(""));
    await flipturn("run", "--source", "tavern", "--input", "talks.jsonl", "--intents", "none", "--output", "tavern");
    expect(manifest(join(folder, "tavern"), "prepare")).toMatchObject({ in: 2, kept: 2 });
    const written = await select(
      `SELECT id FROM read_parquet('${join(folder, "tavern", "dataset/samples/data/*.parquet")}')`,
    );
    expect(written.length).toBe(4);
  });

  test("a form: its rows lie beside those of others, and are shown", async () => {
    await flipturn("demo", "--output", "forms", "--form", "pairs", "--form", "samples");
    const file = join(folder, "forms", "dataset", "pairs", "data", "train-00000-of-00001.parquet");
    const rows = await select<{ heard: string; said: string }>(`SELECT heard, said FROM read_parquet('${file}')`);
    expect(rows).toContainEqual({ heard: "Hello! What would you like to talk about?", said: "are you a person" });
    const { stdout } = await flipturn("inspect", file, "--kind", "next");
    expect(stdout).toContain("target (in the loss)");
  });

  test("a metric: it is among the baselines and on the card", async () => {
    const { stdout } = await flipturn("report", "--output", "forms", "--form", "samples", "--json");
    const { baselines } = JSON.parse(stdout) as { baselines: { measure: string; value: number; count: number }[] };
    const found = baselines.filter(({ measure }) => measure === "brevity");
    expect(found.length).toBe(3);
    for (const { value, count } of found) expect([value >= 0, value <= 100, count > 0]).toEqual([true, true, true]);
    const card = readFileSync(join(folder, "forms", "dataset", "samples", "README.md"), "utf8");
    expect(card).toContain("**Brevity** is the share");
    expect(card).toMatch(/\| brevity \| words \| brevity \|/);
  });

  test("a stage: it writes its artefact, and a change of it runs nothing else again", async () => {
    const run = join(folder, "forms");
    const [name = ""] = readdirSync(run).filter((each) => each.endsWith("-lengths"));
    const file = join(run, name, "lengths-00000-of-00001.parquet");
    expect(await select(`SELECT count(*)::INT AS n FROM read_parquet('${file}')`)).toEqual([{ n: 126 }]);
    const forms = ["--form", "pairs", "--form", "samples"];
    const { stderr } = await flipturn("demo", "--output", "forms", ...forms, "--set", "lengths.of=assistant");
    const ran = stderr.split("\n").filter((line) => /\(\d+\.\d s\)$/.test(line));
    expect(ran.map((line) => line.split(" ")[0])).toEqual(["lengths"]);
  });

  test("an executor: it gives the bytes of any other", async () => {
    const own = ["--executor", "backwards", "--set", "backwards.pauseMs=1"];
    await flipturn("demo", "--output", "backwards", ...own);
    const rows = (run: string) =>
      Object.fromEntries(Object.entries(artefacts(run)).filter(([path]) => path.startsWith("dataset/")));
    expect(rows(join(folder, "backwards"))).toEqual(rows(plain));
  });
});
