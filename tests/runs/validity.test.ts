import { describe, expect, test } from "vitest";
import type { Artefact, Table } from "../../pipeline/artefact.ts";
import { defineChain } from "../../pipeline/chain.ts";
import { resolveConfig } from "../../pipeline/config.ts";
import { realEnvironment } from "../../pipeline/environment.ts";
import { datasetFile } from "../../pipeline/files/row-files.ts";
import { planChain } from "../../pipeline/plan.ts";
import { plannedStage, type Run } from "../../pipeline/run-folder.ts";
import { type Stage, stageIn } from "../../pipeline/stage.ts";
import { runTask, type Task } from "../../pipeline/task.ts";
import { dataset } from "../../stages/index.ts";
import { rendered } from "../../stages/render/artefacts.ts";
import { useFolder } from "../helpers/folder.ts";
import { operationsIn } from "../helpers/operations.ts";
import { runToy } from "../helpers/toy.ts";

const at = useFolder();
const { signal } = new AbortController();

/** The stages whose tasks are looked at. */
const LAST = dataset.stages.slice(-2);
const needed = new Set(LAST.flatMap(({ reads }) => reads));

/**
 * A stage of the dataset chain with all that it declares, whose tasks open what it reads and write empty what is read of
 * it. Those before the last two do all in one task, for speed: what they cost is not asked.
 */
function emptied(stage: Stage): Stage {
  const isLast = LAST.includes(stage);
  const isSharded = isLast && stage.phases.some(({ tasks }) => tasks({ shards: 2, inputs: [] } as never, {}) > 1);
  const run = async (given: unknown) => {
    const task = given as Task<unknown>;
    if (isLast) await readAll(task, stage);
    for (const artefact of Object.values(stage.writes))
      for (const shard of isSharded ? [task.index] : task.shards) await writeEmpty(task, artefact, shard);
    return {};
  };
  const phase = { name: "bare", tasks: ({ shards }: { shards: number }) => (isSharded ? shards : 1), run };
  const { validate: _, files: __, ...rest } = stage;
  return { ...rest, phases: [phase] } as unknown as Stage;
}

async function readAll(task: Task<unknown>, { reads, tellsOf = [] }: Stage): Promise<void> {
  for (const artefact of reads) if (artefact.kind === "table") await task.file(artefact as Table);
  for (const each of tellsOf) await task.manifestOf(each);
}

async function writeEmpty(task: Task<unknown>, artefact: Artefact, shard: number): Promise<void> {
  if (!needed.has(artefact)) return;
  if (artefact === rendered.dataset)
    await task.writeOutside(rendered.dataset, datasetFile("jsonl", "train", shard, task.plan.shards), "");
  else if (artefact.kind === "table" && (artefact.per === "shard" || shard === 0))
    await task.write(artefact as Table, [], shard);
}

async function emptyRun(shards: number): Promise<Run> {
  const chain = defineChain({ ...dataset, module: import.meta.url, stages: dataset.stages.map(emptied) });
  const { options, models } = resolveConfig({ source: "wildchat-1m", intents: { provider: "none" } }, chain);
  const input = { path: "none.parquet", bytes: 0, modified_ms: 0, sha256: null, git_oid: null };
  const head = { base: ".", source: "wildchat-1m", seed: "0", user_key: "seed", hub: null, inputs: [input], shards };
  const plan = await planChain(chain, head, { options, models });
  return { plan, folder: at(), chain, environment: realEnvironment({ env: {} }) };
}

describe.each([8, 256])("with %i shards", (shards) => {
  test("a task of the last two stages looks at no more than sixty files beside those that it reads and writes", async () => {
    const run = await emptyRun(shards);
    const [rows, about] = run.plan.stages.slice(-2).map(({ name }) => name) as [string, string];
    expect([rows, about].map(stageIn)).toEqual(["render", "describe"]);
    await runToy(run, { to: "flip" });
    const costs: Record<string, number> = {};
    for (const stage of [rows, about]) {
      const { phases } = plannedStage(run.plan, stage);
      const tasks = phases.at(-1)?.first ?? 0;
      for (let index = 0; index < tasks; index++) {
        // The first look at all that went before, the last finish it: all others are alike, of which some are enough.
        const isCounted = index < 4 || index >= tasks - 4;
        const work = () => runTask(run, stage, index, { signal });
        if (!isCounted) {
          await work();
          continue;
        }
        const touched = await operationsIn(run.folder, work);
        const beside = touched.filter((path) => !/\.(parquet|jsonl|blocks|keys)/.test(path));
        costs[stage] = Math.max(costs[stage] ?? 0, beside.length);
      }
      await runTask(run, stage, tasks, { signal });
    }
    for (const cost of Object.values(costs)) {
      expect(cost).toBeGreaterThan(5);
      expect(cost).toBeLessThanOrEqual(60);
    }
  });
});
