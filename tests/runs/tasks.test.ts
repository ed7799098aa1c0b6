import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { allFiles, DEMO, DEMO_SETTINGS, flipturn, succeed, temporary, tree } from "./flipturn.ts";

const folder = temporary();

describe("the tasks of a plan", () => {
  const output = join(folder, "tasks");
  const path = join(output, "plan.json");
  const settings = ["--output", output, "--shards", "2"];
  const task = (stage: string, index: number, ...flags: string[]) =>
    flipturn(["task", "--plan", path, "--stage", stage, "--index", String(index), ...flags], { cwd: folder });

  test("one by one, in order, give the same tree as `run`; done twice they say so; out of order they are refused", async () => {
    await succeed(["plan", "--write", ...DEMO_SETTINGS, "--input", `${DEMO}/*.parquet`, ...settings], { cwd: folder });
    expect(allFiles(output)).toEqual(["plan.json"]);
    const plan = JSON.parse(readFileSync(path, "utf8"));

    const early = await task("dedup", 0);
    expect(early.code).toBe(2);
    expect(early.stderr).toContain("stage dedup reads what prepare writes, and prepare is not done");

    for (const stage of plan.stages) {
      const last = stage.phases.at(-1);
      const isTried = stage.name === "prepare" || stage.name === "dedup";
      if (isTried) {
        const finish = await task(stage.name, last.first);
        expect(finish.code, finish.stderr).toBe(2);
        expect(finish.stderr).toMatch(/^flipturn: task \d+ of .* needs .* first; task 0 is not done\n$/);
      }
      for (let index = 0; index < last.first + last.tasks; index++) {
        const { code, stdout, stderr } = await task(stage.name, index);
        expect([code, stdout, stderr]).toEqual([0, `${stage.name} ${index}: done\n`, ""]);
        if (!isTried || index > 0) continue;
        const twice = await task(stage.name, index);
        expect([twice.code, twice.stdout]).toEqual([0, `${stage.name} ${index}: was done before\n`]);
      }
    }
    const twice = await task("prepare", 0, "--json");
    expect(JSON.parse(twice.stdout)).toEqual({ stage: "prepare", index: 0, skipped: true });

    const whole = join(folder, "whole");
    await succeed(["demo", "--output", whole, "--shards", "2"], { cwd: folder });
    expect(tree(output)).toEqual(tree(whole));

    const { stderr } = await succeed(["demo", ...settings], { cwd: folder });
    expect(stderr.match(/up to date/g)).toHaveLength(7);
  }, 400_000);

  test("that are not there are refused with what there is", async () => {
    const beyond = await task("prepare", 99);
    expect([beyond.code, beyond.stderr]).toEqual([2, "flipturn: stage prepare has the tasks 0 to 5, not 99\n"]);
    const unknown = await task("prepair", 0);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain("no stage prepair in this plan; it has: download, prepare, dedup");
  });

  test("of a plan by another version of the code are refused with both versions", async () => {
    const other = join(folder, "other-plan.json");
    const plan = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(other, JSON.stringify({ ...plan, code: "0.0.9+0123456789ab" }));
    const { code, stderr } = await flipturn(["task", "--plan", other, "--stage", "download", "--index", "0"], {
      cwd: folder,
    });
    expect(code).toBe(2);
    expect(stderr).toContain(`${other}: made by flipturn 0.0.9+0123456789ab, this is ${plan.code}`);
    expect(stderr).toContain("make the plan again");
    expect(allFiles(folder).filter((file) => file.startsWith("01-"))).toEqual([]);
  });
});
