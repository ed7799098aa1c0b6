import { cpSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { Plan } from "../../schemas/plan.ts";
import { execute } from "../helpers/engine.ts";
import { temporary } from "../helpers/folder.ts";
import { allFiles, DEMO, DEMO_SETTINGS, flipturn, stageFolder, succeed, tree } from "./flipturn.ts";

const folder = temporary();
const output = join(folder, "tasks");
const path = join(output, "plan.json");
const here = { cwd: folder };
const settings = ["--output", output, "--shards", "3", "--form", "samples", "--form", "trl"];
const planOf = () => Plan.parse(JSON.parse(readFileSync(path, "utf8")));

function task(phase: string, element: number, ...flags: string[]) {
  return flipturn(["task", "--plan", path, "--phase", phase, "--element", String(element), ...flags], here);
}

beforeAll(async () => {
  await succeed(["plan", "--write", ...DEMO_SETTINGS, "--input", `${DEMO}/*.parquet`, ...settings], here);
});

describe("the tasks of a plan", () => {
  test("begin with nothing but the plan", () => {
    expect(allFiles(output)).toEqual(["plan.json"]);
  });

  test("that come too early end with 4, which says that what they need is not there yet", async () => {
    const early = await task("dedup.count", 0);
    expect([early.code, early.stderr]).toEqual([
      4,
      expect.stringContaining("stage dedup reads what prepare writes, and prepare is not done"),
    ]);
    const last = await task("download.finish", 0);
    expect([last.code, last.stderr]).toEqual([4, expect.stringMatching(/needs .* first; task 0 of download/)]);
  });

  test("that fail leave why, which the next success takes away", async () => {
    const note = join(output, stageFolder("dedup"), "tasks", "00000.failed.json");
    expect(JSON.parse(readFileSync(note, "utf8"))).toMatchObject({ stage: "dedup", phase: "count", index: 0, code: 4 });
    expect((await succeed(["status", "--output", output], here)).stdout).toContain("Failed: task 0 of dedup (count)");
  });

  test("one group after the other give the same tree as `run`, and done twice they say so", async () => {
    for (const { name, phases } of planOf().stages)
      for (const phase of phases)
        for (let element = 0; element * 2 < phase.tasks; element++) {
          const { code, stdout, stderr } = await task(`${name}.${phase.name}`, element, "--group", "2");
          const own = [2 * element, 2 * element + 1].filter((index) => index < phase.tasks);
          const said = own.map((index) => `${name}.${phase.name} ${phase.first + index}: done\n`).join("");
          expect([code, stdout, stderr]).toEqual([0, said, ""]);
        }
    const twice = await task("prepare.scatter", 0, "--json");
    expect(JSON.parse(twice.stdout)).toEqual([{ stage: "prepare", phase: "scatter", index: 0, state: "done before" }]);
    expect(allFiles(output).filter((file) => file.endsWith(".failed.json"))).toEqual([]);

    const whole = join(folder, "whole");
    await succeed(["demo", ...settings, "--output", whole], here);
    expect(tree(output)).toEqual(tree(whole));
    expect((await succeed(["demo", ...settings], here)).stderr.match(/up to date/g)).toHaveLength(10);
  });

  test("know their element from the variables of schedulers, and take the name that they first had", async () => {
    for (const name of ["SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX"]) {
      const args = ["task", "--plan", path, "--phase", "prepare.scatter", "--group", "2"];
      const { stdout } = await succeed(args, { ...here, env: { [name]: "1" } });
      expect(stdout).toBe("prepare.scatter 2: done before\n");
      const odd = await flipturn(args, { ...here, env: { [name]: "one" } });
      expect([odd.code, odd.stderr]).toEqual([2, `flipturn: ${name}: found "one", expected a whole number from 0\n`]);
    }
    const old = await succeed(["task", "--plan", path, "--stage", "prepare", "--index", "0"], here);
    expect(old.stdout).toBe("prepare.scatter 0: done before\n");
  });

  test("go on after one that failed, and the process ends as the worst of them asks", async () => {
    // Two of three shards of intents are gone: of three tasks that read them two cannot be done yet.
    const gone = ["00000", "00002"].map((shard) =>
      join(output, stageFolder("intents"), `intents-${shard}-of-00003.parquet`),
    );
    rmSync(join(output, stageFolder("render"), "tasks"), { recursive: true });
    rmSync(join(output, stageFolder("render"), "done.json"));
    for (const file of gone) rmSync(file);
    const { code, stdout, stderr } = await task("render:samples.rows", 0, "--group", "3");
    expect(code).toBe(4);
    expect(stdout).toBe("render:samples.rows 0: failed\nrender:samples.rows 1: done\nrender:samples.rows 2: failed\n");
    for (const file of gone) expect(stderr).toContain(`${file}: is not there; run stage intents again`);
    await succeed(["demo", ...settings], here);
  });

  test("after a barrier do not look at the phases before them", async () => {
    const copy = join(folder, "barrier");
    cpSync(output, copy, { recursive: true });
    const { phases } = planOf().stages.find(({ name }) => name === "split") ?? { phases: [] };
    const firstOf = (phase: string) => phases.find(({ name }) => name === phase)?.first ?? -1;
    const marker = (index: number) => `0000${index}.json`;
    const split = join(copy, stageFolder("split"));
    for (const name of ["done.json", "manifest.json"]) rmSync(join(split, name));
    for (const name of ["draw.json", marker(firstOf("draw")), marker(firstOf("assign"))])
      rmSync(join(split, "tasks", name));
    const args = ["task", "--plan", join(copy, "plan.json"), "--phase", "split.assign", "--element", "0"];
    const { code, stderr } = await flipturn(args, here);
    expect([code, stderr]).toEqual([4, expect.stringContaining(`needs task ${firstOf("draw")} (draw) first`)]);
    const { stdout } = await succeed([...args, "--after-barrier"], here);
    expect(stdout).toBe(`split.assign ${firstOf("assign")}: done\n`);
  });
});

describe("tasks are refused", () => {
  test.each([
    ["prepair.scatter", 0, "no stage prepair in this plan; it has: download, prepare, dedup"],
    ["prepare.scater", 0, "--phase prepare.scater: stage prepare has scatter, "],
    ["prepare", 0, "--phase prepare: expected <stage>.<phase>, such as dedup.count"],
    ["prepare.scatter", 3, "--element 3: prepare.scatter has 3 tasks, which are the elements 0 to 2 in groups of 1"],
  ])("that are not there: %s %i", async (phase, element, said) => {
    const { code, stderr } = await task(phase, element);
    expect([code, stderr]).toEqual([2, expect.stringContaining(said)]);
  });

  test("where it is not said which", async () => {
    const { code, stderr } = await flipturn(["task", "--plan", path], here);
    expect([code, stderr]).toEqual([2, expect.stringContaining("--phase is missing")]);
    const element = await flipturn(["task", "--plan", path, "--phase", "prepare.scatter"], here);
    expect([element.code, element.stderr]).toEqual([2, expect.stringContaining("--element is missing")]);
  });

  test.each([
    [
      "another version of the code",
      (plan: Plan): Plan => ({
        ...plan,
        code: "0.0.9+0123456789ab",
        stages: plan.stages.map((stage) => ({ ...stage, code: "0123456789ab" })),
      }),
      "stage download was planned with code 0123456789ab (flipturn 0.0.9+0123456789ab), this has ",
    ],
    [
      "another Node",
      (plan: Plan): Plan => ({ ...plan, node: { ...plan.node, major: 18 } }),
      "planned with Node 18 on ",
    ],
    [
      "another kind of machine",
      (plan: Plan): Plan => ({ ...plan, node: { ...plan.node, platform: "plan9-mips" } }),
      "on plan9-mips",
    ],
  ])("of a plan made with %s", async (name, change, said) => {
    const other = join(folder, name.replaceAll(" ", "-"), "plan.json");
    const where = join(other, "..");
    await succeed(["plan", "--write", ...DEMO_SETTINGS, "--input", `${DEMO}/*.parquet`, "--output", where], here);
    writeFileSync(other, JSON.stringify(change(Plan.parse(JSON.parse(readFileSync(other, "utf8"))))));
    const { code, stderr } = await flipturn(
      ["task", "--plan", other, "--phase", "download.fetch", "--element", "0"],
      here,
    );
    expect([code, stderr]).toEqual([2, expect.stringContaining(said)]);
    expect(allFiles(where).filter((file) => !file.endsWith(".failed.json"))).toEqual(["plan.json"]);
  });

  test("whose input is no more what it was when the run was planned", async () => {
    const input = join(folder, "rows.parquet");
    await execute(
      `COPY (SELECT * FROM read_parquet('${DEMO}/conversations-00000.parquet')) TO '${input}' (FORMAT parquet)`,
    );
    const where = join(folder, "changed");
    await succeed(["plan", "--write", ...DEMO_SETTINGS, "--input", input, "--output", where], here);
    const args = ["task", "--plan", join(where, "plan.json"), "--phase", "download.fetch", "--element", "0"];
    utimesSync(input, 1, 1);
    const changed = await flipturn(args, here);
    expect([changed.code, changed.stderr]).toEqual([
      2,
      expect.stringContaining(`${input}: has changed since the run was planned`),
    ]);
    rmSync(input);
    const gone = await flipturn(args, here);
    expect([gone.code, gone.stderr]).toEqual([4, expect.stringContaining("is not there now")]);
  });

  test("nothing of a plan depends on the folder that its tasks are done from", async () => {
    const where = join(folder, "elsewhere");
    await execute(
      `COPY (SELECT * FROM read_parquet('${DEMO}/conversations-00000.parquet')) TO '${join(folder, "here.parquet")}' (FORMAT parquet)`,
    );
    await succeed(["plan", "--write", ...DEMO_SETTINGS, "--input", "here.parquet", "--output", "elsewhere"], here);
    const args = ["task", "--plan", join(where, "plan.json"), "--phase", "download.fetch", "--element", "0"];
    expect((await succeed(args, { cwd: "/" })).stdout).toBe("download.fetch 0: done\n");
  });
});
