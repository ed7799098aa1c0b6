import { z } from "zod";
import { NotReadyError } from "../../../pipeline/errors.ts";
import { fingerprint, finishedManifest } from "../../../pipeline/fingerprint.ts";
import { doneMarker, readFailure } from "../../../pipeline/markers.ts";
import { duration } from "../../../pipeline/models/progress.ts";
import type { Run } from "../../../pipeline/run-folder.ts";
import { requireUndamaged } from "../../../pipeline/verify.ts";
import type { Failure } from "../../../schemas/manifest.ts";
import type { PlannedStage } from "../../../schemas/plan.ts";
import { conditioned } from "../../../stages/intents/artefacts.ts";
import { type Asking, readAsking } from "../../../stages/intents/costs.ts";
import { defineCommand } from "../command.ts";
import { type Io, print, printJson } from "../io.ts";
import { findRun, OfRun } from "../runs.ts";
import { count, table } from "../terminal.ts";

/** `flipturn status`: where a run stands, stage by stage. */
export const status = defineCommand({
  name: "status",
  summary: "show where a run stands",
  input: z.strictObject({
    ...OfRun,
    verify: z.boolean().default(false).describe("look at every file by its sha256 too; exit 1 if one is damaged"),
  }),
  examples: ["flipturn status --output output/wildchat-1m"],
  async run({ output, json, verify }, io) {
    const run = await findRun(output, io);
    const found = [];
    for (const stage of run.plan.stages) found.push(await stateOf(run, stage));
    if (json) printJson(io, found);
    else show(run, found, io);
    const stages = run.plan.stages.map(({ name }) => name);
    if (verify) await requireUndamaged(run, stages, io.signal);
  },
});

/** The stages as a table, and what tasks failed with. */
function show(run: Run, found: readonly Awaited<ReturnType<typeof stateOf>>[], io: Io): void {
  const { source, seed, shards } = run.plan;
  print(io, `${run.folder}: ${source}, seed ${seed}, ${count(shards)} shards\n`);
  const rows = found.map(({ stage, state, tasks, tasksDone, kept, unit }) => [
    stage,
    state,
    `${tasksDone}/${tasks}`,
    kept === null ? "" : `${count(kept)} ${unit}`,
  ]);
  print(io, table([["stage", "state", "tasks", "kept"], ...rows], [2]));
  for (const { stage, state, asking } of found)
    if (asking !== null && state !== "done") print(io, `\n${stage}: ${askingText(asking, Date.now())}`);
  for (const { stage, failed } of found)
    for (const { phase, index, message, host } of failed)
      print(io, `\nFailed: task ${index} of ${stage} (${phase}) on ${host}: ${message}`);
}

/** How far asking a language model has come, in words. */
function askingText({ answers, under_way, usd, written_ms }: Asking, now: number): string {
  const parts = [
    `${count(answers)} answers`,
    under_way > 0 && `${count(under_way)} requests under way`,
    usd > 0 && `$${usd.toFixed(2)} spent or set aside`,
    `last word ${duration(Math.max(0, now - written_ms) / 1000)} ago`,
  ];
  return parts.filter((part) => part !== false).join(", ");
}

/** Where one stage stands: done, begun, waiting for another, or to do. */
async function stateOf(run: Run, { name: stage, phases }: PlannedStage) {
  const tasks = phases.reduce((sum, phase) => sum + phase.tasks, 0);
  const manifest = await finishedManifest(run, stage);
  if (manifest) {
    const { unit, in: all, kept, rejected } = manifest;
    return { stage, state: "done", tasks, tasksDone: tasks, unit, in: all, kept, rejected, failed: [], asking: null };
  }
  const own = await fingerprint(run, stage).catch((error) => {
    if (error instanceof NotReadyError) return null;
    throw error;
  });
  const failed: Failure[] = [];
  let tasksDone = 0;
  for (let index = 0; index < tasks; index++) {
    if (own !== null && (await doneMarker(run, stage, index, own))) tasksDone++;
    const failure = await readFailure(run, stage, index);
    if (failure) failed.push(failure);
  }
  const asking = stage === conditioned.intents.stage ? readAsking(run) : null;
  const state = tasksDone > 0 || asking !== null ? "begun" : own === null ? "waiting" : "to do";
  return { stage, state, tasks, tasksDone, unit: null, in: null, kept: null, rejected: null, failed, asking };
}
