import { appendFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { temporary } from "../helpers/folder.ts";
import { startWriteHub } from "../servers/hub-write.ts";
import { allFiles, DEMO, DEMO_SETTINGS, type Result, ROOT, startProcess, succeed, tree } from "./flipturn.ts";

// Programs that are not the one under test, but for one change: copies of what is built, each in a folder of its own.

const folder = temporary();

/** A copy of the built package. */
function copy(name: string): string {
  const root = join(folder, name);
  mkdirSync(join(root, "scripts"), { recursive: true });
  for (const part of ["package.json", "dist", join("scripts", "demo")])
    cpSync(join(ROOT, part), join(root, part), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
  return root;
}

/** Runs a copy as a process of its own, which has its code as it is now. */
async function runNow(root: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Result> {
  const cli = join(root, "dist", "scripts", "flipturn.js");
  const result = await startProcess(process.execPath, [cli, ...args], { cwd: folder, env }).done;
  if (result.code !== 0) throw new Error(`flipturn ${args.join(" ")}: exit ${result.code}\n${result.stderr}`);
  return result;
}

/** The stages that a run did, as its lines on stderr say. */
function didRun({ stderr }: Result): string[] {
  const lines = stderr.split("\n").filter((line) => /\(\d+\.\d s\)$/.test(line));
  return lines.map((line) => line.split(" ")[0] ?? "");
}

describe("a comment in the code", () => {
  let root: string;
  const demo = ["demo", "--output", "commented", "--threads", "1"];
  const comment = (...path: string[]) => appendFileSync(join(root, "dist", ...path), "\n// a comment\n");

  beforeAll(async () => {
    root = copy("commenting");
    await runNow(root, demo);
  });

  test("of the last stage leaves a finished run up to date but for that stage", async () => {
    comment("stages", "describe", "card.js");
    expect(didRun(await runNow(root, demo))).toEqual(["describe:samples"]);
    expect(didRun(await runNow(root, demo))).toEqual([]);
  });

  test("of a later stage does nothing to those before it, and the card names the new version", async () => {
    comment("stages", "render", "truncate.js");
    expect(didRun(await runNow(root, demo))).toEqual(["render:samples", "describe:samples"]);
  });

  test("of the command line does nothing at all", async () => {
    comment("scripts", "cli", "terminal.js");
    comment("stages", "report", "page.js");
    expect(didRun(await runNow(root, demo))).toEqual([]);
  });

  test("of an early stage runs that, and what comes after only if it wrote something else", async () => {
    comment("stages", "prepare", "pieces.js");
    expect(didRun(await runNow(root, demo))).toEqual(["prepare", "describe:samples"]);
  });
});

/** An empty stage with options that another stage, and a language model, have too. */
const SIDE = `
import { z } from "zod";
import { defineStage } from "../../pipeline/define-stage.js";
export const side = defineStage({
  name: "side",
  module: import.meta.url,
  summary: "nothing",
  reads: [],
  writes: {},
  unit: "samples",
  options: z.strictObject({
    model: z.string().default("of mine").describe("a model"),
    baseUrl: z.string().nullable().default(null).describe("an address"),
    minCount: z.int().default(3).describe("a count"),
  }),
  phases: [{ name: "nothing", tasks: () => 1, run: async () => ({}) }],
});
`;

/** A copy of the package with the side stage behind a stage of the chain. */
function withSideStage(name: string, behind: string): string {
  const root = copy(name);
  mkdirSync(join(root, "dist", "stages", "side"));
  writeFileSync(join(root, "dist", "stages", "side", "stage.js"), SIDE);
  const index = join(root, "dist", "stages", "index.js");
  const text = readFileSync(index, "utf8");
  const changed = text.replace(new RegExp(`(stages: \\[[^\\]]*\\b${behind})\\b`), "$1, side");
  expect(changed).not.toBe(text);
  writeFileSync(index, `import { side } from "./side/stage.js";\n${changed}`);
  return root;
}

describe.each([
  ["at the end of the chain", "describeStage"],
  ["in the middle of the chain", "dedup"],
])("an empty side stage %s", (name, behind) => {
  const where = name.replaceAll(" ", "-");
  // What only looks at runs has nothing to do with where the stage is: it is tested once.
  const isLast = behind === "describeStage";
  // Names of one length: long paths are cut where they are shown.
  const output = `${where}-side`;
  const plainOutput = `${where}-bare`;
  let root: string;
  const side = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => runNow(root, args, env);

  beforeAll(async () => {
    root = withSideStage(`${where}-package`, behind);
    await side(["demo", "--output", output, "--threads", "1"]);
    await succeed(["demo", "--output", plainOutput, "--threads", "1"], { cwd: folder });
  });

  /** What a command says with the side stage and without it, runs and versions called the same. */
  async function both(...args: string[]): Promise<[string, string]> {
    const stable = ({ stdout }: Result, run: string) =>
      stdout.replaceAll(run, "RUN").replaceAll(/\d+\.\d+\.\d+\+[0-9a-f]{12}/g, "VERSION");
    return [
      stable(await side([...args, "--output", output]), output),
      stable(await succeed([...args, "--output", plainOutput], { cwd: folder }), plainOutput),
    ];
  }

  test("changes nothing of what `demo` and `run` say and write", async () => {
    const [found, expected] = await both("demo", "--threads", "1");
    expect(found).toBe(expected);
    expect(found).toContain("One row as the model reads it");
    // Once is enough of what takes long.
    for (const more of isLast ? [] : [[], ["--to", "split"]]) {
      const [ran, plainRan] = await both(...["run", ...DEMO_SETTINGS, "--input", `${DEMO}/*.parquet`], ...more);
      expect(ran).toBe(plainRan);
      expect(ran).toContain(more.includes("--to") ? "Stopped after" : "Dataset: ");
    }
    const rows = (run: string) =>
      Object.entries(tree(join(folder, run))).filter(
        ([path]) => path.startsWith("dataset/") && !path.endsWith("README.md"),
      );
    expect(rows(output)).toEqual(rows(plainOutput));
    expect(rows(output).length).toBeGreaterThan(3);
    const card = (run: string) => readFileSync(join(folder, run, "dataset", "samples", "README.md"), "utf8");
    const stable = (text: string) => text.replaceAll(/\d+\.\d+\.\d+\+[0-9a-f]{12}|[0-9a-f]{16}/g, "VERSION");
    const recipe = "side:\n  model: of mine\n  minCount: 3\n";
    expect(card(output)).toContain(recipe);
    expect(stable(card(output).replace(recipe, ""))).toBe(stable(card(plainOutput)));
  });

  test.runIf(isLast)("is seen by `status`, and by nothing else", async () => {
    const [found, expected] = await both("status");
    expect(found).toMatch(/^side +done +2\/2/m);
    const words = (text: string) => text.replaceAll(/ +/g, " ").split("\n");
    expect(words(found).filter((line) => !line.startsWith("side"))).toEqual(words(expected));
    const id = "wildchat-1m:00c0d97e456a53369ef2b0bc8ea8c7e3";
    for (const args of [
      ["explain", id],
      ["split", "audit"],
      ["dedup", "sweep"],
    ]) {
      const [with_, without] = await both(...args);
      expect(with_).toBe(without);
    }
    const [report, plainReport] = await both("report", "--json");
    expect({ ...JSON.parse(report), options: "" }).toEqual({ ...JSON.parse(plainReport), options: "" });
  });

  test.runIf(isLast)("does not come between a dataset and the Hub", async () => {
    const hub = await startWriteHub({ token: "hf_x" });
    try {
      const env = { HF_TOKEN: "hf_x", HF_ENDPOINT: hub.url, FLIPTURN_PUBLISH_KEY: "the same in both of these runs" };
      const args = (run: string) => ["publish", "--output", run, "--repo", "me/chats", "--dry-run", "--json"];
      const { stdout } = await side(args(output), env);
      const plain = await succeed(args(plainOutput), { cwd: folder, env });
      // But for the card, which names the version.
      const rows = (text: string) => {
        const { files, ...about } = JSON.parse(text) as { files: { path: string }[] };
        return { ...about, files: files.filter(({ path }) => path !== "README.md") };
      };
      expect(rows(stdout)).toEqual(rows(plain.stdout));
      expect(rows(stdout).files.map(({ path }) => path)).toContain("data/train-00000-of-00001.parquet");
    } finally {
      await hub.close();
    }
  });

  test.runIf(isLast)("has settings of its own, whose names others have too", async () => {
    const set = ["--set", "side.model=another", "--set", "side.minCount=7", "--model", "m", "--min-count", "10"];
    const { stdout } = await side(["demo", "--output", output, "--dry-run", "--json", ...set]);
    const { stages } = JSON.parse(stdout) as { stages: { name: string; options: object }[] };
    const optionsOf = (stage: string) => stages.find((each) => each.name === stage)?.options;
    expect(optionsOf("side")).toEqual({ model: "another", baseUrl: null, minCount: 7 });
    expect(optionsOf("dedup")).toMatchObject({ minCount: 10 });
    const { stdout: listed } = await side(["settings", "side"]);
    expect(listed).toContain("side.baseUrl");
  });

  test("leaves beside its own files those that are there without it, and no other", () => {
    const unnumbered = (run: string) => allFiles(join(folder, run)).map((path) => path.replace(/^\d\d-/, ""));
    const files = unnumbered(output);
    const own = files.filter((path) => path.startsWith("side/"));
    expect(own).toContain("side/manifest.json");
    expect(files.filter((path) => !own.includes(path)).sort()).toEqual(unnumbered(plainOutput).sort());
  });

  test.runIf(!isLast)("goes on with a run that had not got it, which comes to the same rows", async () => {
    const run = `${where}-late`;
    await succeed(["demo", "--output", run, "--threads", "1"], { cwd: folder });
    const before = tree(join(folder, run, "dataset"));
    expect(didRun(await side(["demo", "--output", run, "--threads", "1"]))).toContain("side");
    expect(didRun(await side(["demo", "--output", run, "--threads", "1"]))).toEqual([]);
    const rows = (files: Record<string, unknown>) => Object.entries(files).filter(([path]) => !path.endsWith(".md"));
    expect(rows(tree(join(folder, run, "dataset")))).toEqual(rows(before));
  });
});
