import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { select } from "../helpers/engine.ts";
import { temporary } from "../helpers/folder.ts";
import { allFiles, artefacts, DEMO, DEMO_SETTINGS, succeed, tree } from "./flipturn.ts";

// What a path is called must not count: engines take `key=value` for a column, brackets and stars for patterns, `%` and
// quotes for what they mean elsewhere.

const folder = temporary();
const ODD = join("id=7", "language=German", "split=hash", `it's "quoted" [0-9] {a,b} 100% #1 é`);
const settings = [...DEMO_SETTINGS, "--split-by", "groups", "--shards", "2", "--form", "samples", "--form", "tokens"];

/** A run whose input lies in a folder, and that writes into another; both are made. */
async function runIn(input: string, output: string, ...more: string[]): Promise<string> {
  mkdirSync(input, { recursive: true });
  const parquet = join(input, "rows.parquet");
  cpSync(join(DEMO, "conversations-00000.parquet"), parquet);
  const jsonl = join(input, "rows.jsonl");
  const rows = await select(`SELECT * FROM read_parquet('${DEMO}/conversations-0000[12].parquet')`);
  writeFileSync(jsonl, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  await succeed(["run", ...settings, "--input", parquet, jsonl, "--output", output, "--threads", "1", ...more], {
    cwd: folder,
  });
  return output;
}

const odd = join(folder, ODD, "run");
let plain: string;

beforeAll(async () => {
  plain = await runIn(join(folder, "input"), join(folder, "plain"));
  await runIn(join(folder, ODD, "input"), odd);
});

test.each([["~"], ["file:"]])("a folder called %s is one like others", async (name) => {
  const own = { cwd: join(folder, "own", String(name.length)) };
  mkdirSync(join(own.cwd, name), { recursive: true });
  cpSync(join(DEMO, "conversations-00000.parquet"), join(own.cwd, name, "rows.parquet"));
  const args = ["run", ...settings, `--input=${name}/rows.parquet`, `--output=${name}/run`, "--threads", "1"];
  const { stdout } = await succeed(args, own);
  expect(stdout).toContain(`Dataset: ${name}/run/dataset/samples`);
  expect((await succeed(["status", `--output=${name}/run`], own)).stdout).toContain("prepare");
  expect(allFiles(join(own.cwd, name, "run"))).toContain("plan.json");
});

test("a plan holds by every name of its folder, links on the way too", async () => {
  const [real, link] = [join(folder, "deep", "er", "real"), join(folder, "link")];
  mkdirSync(real, { recursive: true });
  symlinkSync(real, link);
  cpSync(join(DEMO, "conversations-00000.parquet"), join(folder, "linked.parquet"));
  await succeed(["plan", "--write", ...settings, "--input", "linked.parquet", "--output", "link/run"], { cwd: folder });
  for (const [at, element] of [link, real].entries()) {
    const args = ["task", "--plan", join(element, "run", "plan.json"), "--phase", "download.fetch", "--element", "0"];
    expect((await succeed(args, { cwd: folder })).stdout).toBe(`download.fetch 0: done${at === 0 ? "" : " before"}\n`);
  }
  const scatter = ["task", "--plan", join(real, "run", "plan.json"), "--phase", "download.finish", "--element", "0"];
  await succeed(scatter, { cwd: folder });
  const args = ["task", "--plan", join(real, "run", "plan.json"), "--phase", "prepare.scatter", "--element", "0"];
  expect((await succeed(args, { cwd: folder })).stdout).toBe("prepare.scatter 0: done\n");
});

describe("a run in folders with odd names", () => {
  test("gives the bytes of one in plain folders", () => {
    expect(Object.keys(artefacts(odd)).length).toBeGreaterThan(25);
    expect(artefacts(odd)).toEqual(artefacts(plain));
    const dataset = (run: string) => tree(join(run, "dataset"));
    expect(dataset(odd)).toEqual(dataset(plain));
  });

  test("is up to date when it is run again", async () => {
    const { stderr } = await succeed(
      ["run", ...settings, "--threads", "1", "--output", odd, "--input"].concat(
        ["rows.parquet", "rows.jsonl"].map((name) => join(folder, ODD, "input", name)),
      ),
      { cwd: folder },
    );
    expect(stderr.match(/up to date/g)).toHaveLength(10);
  });

  test.each([
    ["status"],
    ["explain", "wildchat-1m:00c0d97e456a53369ef2b0bc8ea8c7e3", "--json"],
    ["report", "--form", "samples", "--json"],
    ["dedup", "sweep"],
    ["dedup", "review", "--file", "REVIEW"],
    ["split", "audit"],
    ["split", "sweep", "--seeds", "3"],
    ["intents", "review"],
    ["decontaminate", "--against", "EVALUATION"],
  ])("says what one in plain folders says: %s %s", async (...args) => {
    const said = async (run: string) => {
      const [review, evaluation] = [join(run, "templates.yaml"), join(run, "evaluation.jsonl")];
      writeFileSync(evaluation, '{"question": "why are my tomato leaves curling"}\n');
      const own = args.map((each) => ({ REVIEW: review, EVALUATION: evaluation })[each] ?? each);
      const { stdout } = await succeed([...own, "--output", run], { cwd: folder });
      const written = args.includes("REVIEW") ? readFileSync(review, "utf8") : "";
      // In JSON the quotes of the folder's name are escaped, and long paths are cut.
      const spelled = [run, JSON.stringify(run).slice(1, -1), JSON.stringify(JSON.stringify(run)).slice(3, -3)];
      const stable = spelled.reduce((text, each) => text.replaceAll(each, "RUN"), stdout);
      return `${stable}${written}`.replaceAll(/ +/g, " ");
    };
    expect(await said(odd)).toBe(await said(plain));
  });

  test("shows its files, and those of others that lie there", async () => {
    for (const file of ["data/train-00000-of-00002.parquet", "data/test-00000-of-00002.parquet"])
      for (const form of ["samples", "tokens"]) {
        const shown = async (run: string) =>
          (await succeed(["inspect", join(run, "dataset", form, file), "--ids"], { cwd: folder })).stdout;
        expect(await shown(odd)).toBe(await shown(plain));
      }
    const files = (run: string) =>
      ["train", "test"].map((split) => join(run, "dataset", "samples", "data", `${split}-00000-of-00002.parquet`));
    const audited = async (run: string) =>
      (await succeed(["split", "audit", ...files(run), "--min-count", "10"], { cwd: folder })).stdout;
    expect(await audited(odd)).toBe(await audited(plain));
  });

  test("has no file that the other has not", () => {
    expect(allFiles(odd)).toEqual(allFiles(plain));
  });
});
