import { rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fingerprint } from "../../../pipeline/fingerprint.ts";
import { doneMarker } from "../../../pipeline/markers.ts";
import type { Run } from "../../../pipeline/run-folder.ts";
import { runTask } from "../../../pipeline/task.ts";
import { useFolder } from "../../helpers/folder.ts";
import { operationsIn } from "../../helpers/operations.ts";
import { runToy, toyRun, toyStages } from "../../helpers/toy.ts";

const at = useFolder();
const { signal } = new AbortController();

/** A toy whose last stage is `capitals`, which has not begun. */
async function ready(shards: number): Promise<Run> {
  const stages = toyStages([]).slice(0, 3);
  const run = await toyRun(at(), [], { shards, stages, given: { letters: { text: "abcdefghij" } } });
  await runToy(run, { to: "letters" });
  return run;
}

/** What it costs to find out whether a task may run, beside its own inputs and outputs. */
async function costOf(run: Run, index: number): Promise<number> {
  const touched = await operationsIn(run.folder, () => runTask(run, "capitals", index, { signal }));
  return touched.filter((path) => !path.includes(".parquet")).length;
}

describe.each([8, 24])("with %i shards", (shards) => {
  test("a task looks at no more files than with any other number", async () => {
    const run = await ready(shards);
    for (let index = 0; index < shards; index++) expect(await costOf(run, index)).toBeLessThanOrEqual(60);
    await costOf(run, shards); // the first of its phase adds up what the phase before it did
    for (const index of [shards, shards + 1, 2 * shards - 1]) expect(await costOf(run, index)).toBeLessThanOrEqual(60);
  });
});

test("who keeps the order of tasks spares even the first of a phase the look at the phase before", async () => {
  const run = await ready(24);
  for (let index = 0; index < 24; index++) await runTask(run, "capitals", index, { signal });
  const touched = await operationsIn(at(), () => runTask(run, "capitals", 24, { signal, afterBarrier: true }));
  expect(touched.filter((path) => !path.includes(".parquet")).length).toBeLessThanOrEqual(60);
});

test("a task looks at the files that it reads, and says which is gone", async () => {
  const run = await ready(2);
  rmSync(at("02-letters", "letters-00001-of-00002.parquet"));
  await runTask(run, "capitals", 0, { signal });
  await expect(runTask(run, "capitals", 1, { signal })).rejects.toThrow("letters-00001-of-00002.parquet: is not there");
  expect(await doneMarker(run, "capitals", 1, await fingerprint(run, "capitals"))).toBeNull();
});
