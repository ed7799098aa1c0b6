import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { NotReadyError } from "../../../pipeline/errors.ts";
import { fingerprint, finishedManifest } from "../../../pipeline/fingerprint.ts";
import { doneMarker, readFailure, writeFailure } from "../../../pipeline/markers.ts";
import type { Run } from "../../../pipeline/run-folder.ts";
import { runTask } from "../../../pipeline/task.ts";
import { useFolder } from "../../helpers/folder.ts";
import { operationsIn } from "../../helpers/operations.ts";
import { runToy, toyRun } from "../../helpers/toy.ts";

const at = useFolder();
const { signal } = new AbortController();

/** Does the tasks of a stage by their numbers, each as a process of its own would. */
async function tasks(run: Run, stage: string, ...indexes: number[]): Promise<boolean[]> {
  const skipped: boolean[] = [];
  for (const index of indexes) skipped.push((await runTask(run, stage, index, { signal })).skipped);
  return skipped;
}

/** A toy whose stages before `capitals` are done. Its tasks: copy 0, 1; raise 2, 3; finish 4. */
async function ready(ran: string[] = []): Promise<Run> {
  const run = await toyRun(at(), ran);
  await runToy(run, { to: "letters" });
  ran.length = 0;
  return run;
}

describe("a task", () => {
  test("is done by its number, and the last one writes the manifest", async () => {
    const run = await ready();
    await tasks(run, "capitals", 0, 1, 2, 3);
    expect(await finishedManifest(run, "capitals")).toBeNull();
    await tasks(run, "capitals", 4);
    expect(await finishedManifest(run, "capitals")).toMatchObject({ in: 4, kept: 4 });
  });

  test("may come in any order within its phase, with the same bytes in the end", async () => {
    const run = await ready();
    await tasks(run, "capitals", 1, 0, 3, 2, 4);
    const reversed = readFileSync(at("03-capitals", "manifest.json"), "utf8");
    await runToy(run, { force: true, from: "capitals", to: "capitals" });
    expect(readFileSync(at("03-capitals", "manifest.json"), "utf8")).toBe(reversed);
  });

  test("is refused when the phase before it is not done; the message says which task is missing", async () => {
    const run = await ready();
    await tasks(run, "capitals", 0);
    await expect(tasks(run, "capitals", 2)).rejects.toThrow(NotReadyError);
    await expect(tasks(run, "capitals", 2)).rejects.toThrow(
      "task 2 of capitals needs tasks 0 to 1 (copy) first; task 1 of capitals (copy) is not done",
    );
  });

  test("that finishes is refused while a task is missing", async () => {
    const run = await ready();
    await tasks(run, "capitals", 0, 1, 3);
    await expect(tasks(run, "capitals", 4)).rejects.toThrow(
      "task 4 of capitals needs tasks 2 to 3 (raise) first; task 2 of capitals (raise) is not done",
    );
  });

  test("is refused when the stage before it is not done", async () => {
    const run = await toyRun(at(), []);
    await expect(tasks(run, "letters", 0)).rejects.toThrow(NotReadyError);
    await expect(tasks(run, "letters", 0)).rejects.toThrow("paper is not done");
  });

  test("that does not exist is refused with the numbers that do", async () => {
    const run = await ready();
    await expect(tasks(run, "capitals", 5)).rejects.toThrow("stage capitals has the tasks 0 to 4, not 5");
    await expect(tasks(run, "nothing", 0)).rejects.toThrow("no stage nothing in this plan");
  });

  test("is skipped the second time, also when the whole stage is done", async () => {
    const ran: string[] = [];
    const run = await ready(ran);
    expect(await tasks(run, "capitals", 0, 0, 1, 2, 3, 4)).toEqual([false, true, false, false, false, false]);
    expect(await tasks(run, "capitals", 0, 1, 2, 3, 4)).toEqual([true, true, true, true, true]);
    expect(ran).toEqual(["capitals copy 0", "capitals copy 1", "capitals raise 0", "capitals raise 1"]);
  });

  test("does no harm when it runs twice at a time", async () => {
    const run = await ready();
    await Promise.all([tasks(run, "capitals", 0), tasks(run, "capitals", 1, 0)]);
    await tasks(run, "capitals", 2, 3, 4);
    expect(await finishedManifest(run, "capitals")).toMatchObject({ in: 4, kept: 4 });
    expect(readdirSync(at("03-capitals")).filter((name) => name.endsWith(".partial"))).toEqual([]);
  });

  test("that fails has no marker, and can be done again", async () => {
    const run = await ready();
    await tasks(run, "capitals", 0, 1);
    await expect(runTask(run, "capitals", 2, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/);
    expect(await doneMarker(run, "capitals", 2, await fingerprint(run, "capitals"))).toBeNull();
    expect(await tasks(run, "capitals", 2)).toEqual([false]);
  });
});

describe("the end of a stage", () => {
  const leftover = () => at("03-capitals", "copies-00000-of-00002.parquet");

  test("is written before anything is swept: what a kill between the two leaves is swept by the next run", async () => {
    const run = await ready();
    await tasks(run, "capitals", 0, 1, 2, 3, 4);
    writeFileSync(leftover(), "what a kill left");
    await runToy(run);
    expect(existsSync(leftover())).toBe(false);
    expect(await finishedManifest(run, "capitals")).not.toBeNull();
  });

  test("swept by its own task too, when that is done once more", async () => {
    const run = await ready();
    await tasks(run, "capitals", 0, 1, 2, 3, 4);
    writeFileSync(leftover(), "what a kill left");
    expect(await tasks(run, "capitals", 4)).toEqual([true]);
    expect(existsSync(leftover())).toBe(false);
  });

  test("writes its manifest, and what says that it is done, before it removes a file", async () => {
    const run = await ready();
    await tasks(run, "capitals", 0, 1, 2, 3);
    const touched = await operationsIn(at("03-capitals"), () => tasks(run, "capitals", 4));
    const removed = touched.lastIndexOf("copies-00000-of-00002.parquet");
    expect(existsSync(leftover())).toBe(false);
    for (const name of ["manifest.json.", "done.json."])
      expect(touched.findIndex((path) => path.startsWith(name))).toBeLessThan(removed);
    expect(touched.findIndex((path) => path.startsWith("done.json."))).toBeGreaterThan(-1);
  });
});

test("a copy of a task that comes late leaves a right marker, and no word of its own failure", async () => {
  const run = await ready();
  await tasks(run, "capitals", 0, 1);
  const marker = at("03-capitals", "tasks", "00000.json");
  const before = readFileSync(marker, "utf8");
  writeFailure(run, { stage: "capitals", phase: "copy", index: 0 }, new Error("the late copy found its file in use"));
  expect(await readFailure(run, "capitals", 0)).not.toBeNull();
  expect(await tasks(run, "capitals", 0)).toEqual([true]);
  expect(readFileSync(marker, "utf8")).toBe(before);
  expect(await readFailure(run, "capitals", 0)).toBeNull();
});

describe("the marker of a task", () => {
  const copied = () => at("03-capitals", "copies-00000-of-00002.parquet");

  async function marked(): Promise<boolean> {
    const run = await toyRun(at(), []);
    return (await doneMarker(run, "capitals", 0, await fingerprint(run, "capitals"))) !== null;
  }

  test("is believed while its output is there", async () => {
    await tasks(await ready(), "capitals", 0);
    expect(await marked()).toBe(true);
  });

  test("is not believed when its output was deleted", async () => {
    await tasks(await ready(), "capitals", 0);
    rmSync(copied());
    expect(await marked()).toBe(false);
  });

  test("is not believed when its output has another size", async () => {
    await tasks(await ready(), "capitals", 0);
    writeFileSync(copied(), "short");
    expect(await marked()).toBe(false);
  });

  test("is not believed by a run with other options", async () => {
    await tasks(await ready(), "capitals", 0);
    const other = await toyRun(at(), [], { given: { capitals: { drop: "a" } } });
    expect(await doneMarker(other, "capitals", 0, await fingerprint(other, "capitals"))).toBeNull();
  });

  test("whose output was deleted makes its task, and only that, run again", async () => {
    const ran: string[] = [];
    const run = await ready(ran);
    await tasks(run, "capitals", 0, 1);
    rmSync(copied());
    ran.length = 0;
    expect(await tasks(run, "capitals", 0, 1)).toEqual([false, true]);
    expect(ran).toEqual(["capitals copy 0"]);
  });
});
