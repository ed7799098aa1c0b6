import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { stageNamed } from "../../../pipeline/chain.ts";
import { NotReadyError } from "../../../pipeline/errors.ts";
import { fingerprint, finishedManifest } from "../../../pipeline/fingerprint.ts";
import type { Run } from "../../../pipeline/run-folder.ts";
import { addTallies, noTally } from "../../../pipeline/tally.ts";
import type { Plan } from "../../../schemas/plan.ts";
import { useFolder } from "../../helpers/folder.ts";
import { runToy, toyRun } from "../../helpers/toy.ts";

const at = useFolder();

describe("tallies", () => {
  test("of nothing are zero", () => {
    expect(addTallies([])).toEqual(noTally());
  });

  test("add up, what is left out is zero, and names come out in order", () => {
    const sum = addTallies([
      { taken: 2, in: 2, kept: 1, rejected: { toxic: 1 }, counts: { b: 1 } },
      { in: 1, rejected: { language: 1 }, counts: { a: 2, b: 3 } },
      {},
    ]);
    expect(sum).toEqual({ taken: 2, in: 3, kept: 1, rejected: { language: 1, toxic: 1 }, counts: { a: 2, b: 4 } });
    expect(JSON.stringify(sum.counts)).toBe('{"a":2,"b":4}');
  });
});

describe("a finished stage", () => {
  test("has a manifest with counts, options and the hash of every output", async () => {
    const run = await toyRun(at(), [], { given: { capitals: { drop: "bd" } } });
    await runToy(run);
    const manifest = await finishedManifest(run, "capitals");
    expect(manifest).toMatchObject({
      stage: "capitals",
      unit: "conversations",
      options: { drop: "bd", lose: "" },
      taken: 4,
      in: 4,
      kept: 2,
      rejected: { drop: 2 },
    });
    expect(manifest?.outputs.map(({ path, rows }) => `${path} ${rows}`)).toEqual([
      "03-capitals/capitals-00000-of-00002.parquet 2",
      "03-capitals/capitals-00001-of-00002.parquet 0",
      "03-capitals/rejections-00000-of-00002.parquet 0",
      "03-capitals/rejections-00001-of-00002.parquet 2",
    ]);
    expect(manifest?.inputs.map(({ path }) => path)).toEqual([
      "02-letters/letters-00000-of-00002.parquet",
      "02-letters/letters-00001-of-00002.parquet",
    ]);
  });

  test("has a manifest of the same bytes wherever and whenever it runs", async () => {
    const manifests = [];
    for (const name of ["one", "two"]) {
      await runToy(await toyRun(at(name), []));
      manifests.push(readFileSync(at(name, "03-capitals", "manifest.json"), "utf8"));
    }
    expect(manifests[0]).toBe(manifests[1]);
    expect(manifests[0]).not.toContain(at());
  });

  test("leaves no intermediate files, and none that do not belong", async () => {
    const run = await toyRun(at(), []);
    await runToy(run, { to: "letters" });
    await runToy(run);
    expect(readdirSync(at("03-capitals")).sort()).toEqual([
      "capitals-00000-of-00002.parquet",
      "capitals-00001-of-00002.parquet",
      "done.json",
      "manifest.json",
      "rejections-00000-of-00002.parquet",
      "rejections-00001-of-00002.parquet",
      "tasks",
      "timings.json",
    ]);
  });

  test("leaves no intermediate files either when a part of it had to be done again", async () => {
    const run = await toyRun(at(), []);
    await runToy(run);
    rmSync(at("03-capitals", "capitals-00000-of-00002.parquet"));
    await runToy(run);
    expect(readdirSync(at("03-capitals")).filter((name) => name.startsWith("copies-"))).toEqual([]);
  });

  test("is done again when its manifest was removed", async () => {
    const run = await toyRun(at(), []);
    await runToy(run);
    const before = readFileSync(at("03-capitals", "manifest.json"), "utf8");
    rmSync(at("03-capitals", "manifest.json"));
    await runToy(run);
    expect(readFileSync(at("03-capitals", "manifest.json"), "utf8")).toBe(before);
  });

  test("is not believed when an output is gone or has another size", async () => {
    const run = await toyRun(at(), []);
    await runToy(run);
    const path = at("02-letters", "letters-00001-of-00002.parquet");
    const whole = readFileSync(path);
    expect(await finishedManifest(run, "letters")).not.toBeNull();
    writeFileSync(path, whole.subarray(1));
    expect(await finishedManifest(run, "letters")).toBeNull();
    rmSync(path);
    expect(await finishedManifest(run, "letters")).toBeNull();
    writeFileSync(path, whole);
    expect(await finishedManifest(run, "letters")).not.toBeNull();
  });
});

describe("a stage that loses a row", () => {
  test("fails with its name and the counts, and is not done", async () => {
    const run = await toyRun(at(), [], { given: { capitals: { lose: "b", drop: "c" } } });
    await expect(runToy(run)).rejects.toThrow(
      "capitals: 4 conversations in, but 2 kept and 1 rejected: a row was lost or doubled",
    );
    expect(existsSync(at("03-capitals", "manifest.json"))).toBe(false);
    expect(await finishedManifest(run, "capitals")).toBeNull();
  });

  test("fails too if it took fewer rows than the stage before kept", async () => {
    const run = await toyRun(at(), []);
    const capitals = stageNamed(run.chain, "capitals");
    const [copy, raise] = capitals.phases;
    if (!copy || !raise) throw new Error("capitals has two phases");
    const forgetful = { ...capitals, phases: [copy, { ...raise, run: async () => ({ taken: 1, in: 1, kept: 1 }) }] };
    const stages = run.chain.stages.map((stage) => (stage === capitals ? forgetful : stage));
    await expect(runToy({ ...run, chain: { ...run.chain, stages } })).rejects.toThrow(
      "capitals: took 2 conversations, but letters kept 4: a row was lost or doubled",
    );
  });
});

describe("the fingerprint of a stage", () => {
  test("changes with what decides its outputs, and with nothing else", async () => {
    const run = await toyRun(at(), []);
    await runToy(run);
    const own = await fingerprint(run, "letters");
    const of = ({ plan }: Pick<Run, "plan">) => fingerprint({ ...run, plan }, "letters").catch(() => "refused");
    const { plan } = run;
    expect(await of({ plan: structuredClone(plan) })).toBe(own);
    expect(await of(await toyRun(at(), [], { given: { letters: { note: "new" } } }))).not.toBe(own);
    const { unicode: _, ...node } = plan.node;
    const changes: Partial<Plan>[] = [
      { seed: "1" },
      { source: "b" },
      { user_key: "sha256:1" },
      { shards: 3 },
      { node: { ...node, unicode: "1" } },
    ];
    for (const change of changes)
      expect(await of({ plan: { ...plan, ...change } }), JSON.stringify(change)).not.toBe(own);
  });

  test("changes with the code that the stage can reach, and not with that of other stages", async () => {
    const run = await toyRun(at(), []);
    await runToy(run);
    const own = await fingerprint(run, "letters");
    const recoded = (name: string) => {
      const stages = run.plan.stages.map((stage) => (stage.name === name ? { ...stage, code: "other" } : stage));
      return fingerprint({ ...run, plan: { ...run.plan, code: "other", stages } }, "letters");
    };
    expect(await recoded("capitals")).toBe(own);
    expect(await recoded("letters")).not.toBe(own);
    await expect(recoded("paper")).rejects.toThrow("paper is not done");
  });

  test("cannot be taken before what it reads is done; the message names both", async () => {
    const run = await toyRun(at(), []);
    await expect(fingerprint(run, "letters")).rejects.toThrow(NotReadyError);
    await expect(fingerprint(run, "letters")).rejects.toThrow(
      "stage letters reads what paper writes, and paper is not done",
    );
  });
});

test("a stage that does not exist is refused with those that do", async () => {
  const run = await toyRun(at(), []);
  expect(() => stageNamed(run.chain, "capital")).toThrow(
    "no stage capital; stages are paper, letters, capitals, digits",
  );
});
