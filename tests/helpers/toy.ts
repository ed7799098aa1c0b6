import { z } from "zod";
import { inProcess } from "../../pipeline/executors/in-process.ts";
import { planStage, type Run } from "../../pipeline/plan.ts";
import { type RunOptions, runStages } from "../../pipeline/run.ts";
import { defineStage, type Stage } from "../../pipeline/stage.ts";
import type { Manifest } from "../../schemas/manifest.ts";
import type { Plan } from "../../schemas/plan.ts";
import { Rejection } from "../../schemas/rejection.ts";

const Letter = z.strictObject({ letter: z.string() });

/**
 * A tiny chain. `paper` names the raw file; `letters` cuts `text` into rows; `capitals` raises them in two phases
 * (`copy` writes an intermediate file, `raise` the artefact), rejects those in `drop` and silently loses those in `lose`;
 * `digits` reads only `paper`. Every task notes itself in `ran`.
 */
function toyStages(ran: string[]): Stage[] {
  const paper = defineStage({
    name: "paper",
    summary: "",
    reads: [],
    unit: "files",
    options: z.strictObject({}),
    phases: [
      {
        name: "lay",
        tasks: () => 1,
        run: async (task) => {
          ran.push("paper");
          task.inputs.push({ path: "paper.txt", rows: null, bytes: 0, sha256: "00" });
          return { taken: 1, in: 1, kept: 1 };
        },
      },
    ],
  });
  const letters = defineStage({
    name: "letters",
    summary: "",
    reads: ["paper"],
    unit: "conversations",
    options: z.strictObject({ text: z.string().default("abcd"), note: z.string().default("") }),
    phases: [
      {
        name: "spell",
        tasks: (plan) => plan.shards,
        run: async (task) => {
          ran.push(`letters ${task.index}`);
          const own = [...task.options.text].filter((_, at) => at % task.plan.shards === task.index);
          const rows = await task.write(
            "letters",
            Letter,
            own.map((letter) => ({ letter })),
          );
          return { taken: task.index === 0 ? 1 : 0, in: rows, kept: rows };
        },
      },
    ],
  });
  const capitals = defineStage({
    name: "capitals",
    summary: "",
    reads: ["letters"],
    unit: "conversations",
    options: z.strictObject({ drop: z.string().default(""), lose: z.string().default("") }),
    isIntermediate: (name) => name.startsWith("copies-"),
    phases: [
      {
        name: "copy",
        tasks: (plan) => plan.shards,
        run: async (task) => {
          ran.push(`capitals copy ${task.index}`);
          await task.write("copies", Letter, task.read("letters", "letters", Letter));
          return {};
        },
      },
      {
        name: "raise",
        tasks: (plan) => plan.shards,
        run: async (task) => {
          ran.push(`capitals raise ${task.index}`);
          task.signal.throwIfAborted();
          const rejections: Rejection[] = [];
          const kept: z.infer<typeof Letter>[] = [];
          let rows = 0;
          for await (const { letter } of task.read("capitals", "copies", Letter)) {
            rows++;
            if (task.options.drop.includes(letter))
              rejections.push({ id: letter, conversation_id: letter, stage: "capitals", reason: "drop", detail: "{}" });
            else if (!task.options.lose.includes(letter)) kept.push({ letter: letter.toUpperCase() });
          }
          await task.write("capitals", Letter, kept);
          await task.write("rejections", Rejection, rejections);
          const rejected: Record<string, number> = rejections.length > 0 ? { drop: rejections.length } : {};
          return { taken: rows, in: rows, kept: kept.length, rejected };
        },
      },
    ],
  });
  const digits = defineStage({
    name: "digits",
    summary: "",
    reads: ["paper"],
    unit: "files",
    options: z.strictObject({}),
    phases: [
      {
        name: "count",
        tasks: () => 1,
        run: async () => {
          ran.push("digits");
          return { taken: 1, in: 1, kept: 1 };
        },
      },
    ],
  });
  return [paper, letters, capitals, digits];
}

/** The toy chain planned in a folder, with options by stage. */
export async function toyRun(
  folder: string,
  ran: string[],
  given: Record<string, Record<string, unknown>> = {},
  shards = 2,
): Promise<Run> {
  const stages = toyStages(ran);
  const input = { path: "paper.txt", bytes: 0, modified_ms: 0, sha256: null, git_oid: null };
  const plan: Plan = {
    format: 1,
    code: "toy",
    source: "toy",
    seed: "0",
    user_key: "seed",
    hub: null,
    inputs: [input],
    shards,
    stages: [],
  };
  const planned = stages.map((stage) =>
    planStage(stage, stage.options.parse(given[stage.name] ?? {}) as Record<string, unknown>, plan),
  );
  return { plan: { ...plan, stages: await Promise.all(planned) }, folder, stages, world: { env: {}, fetch } };
}

/** Runs a toy in this process. */
export async function runToy(
  run: Run,
  options: Omit<RunOptions, "executor" | "main"> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Manifest[]> {
  const executor = inProcess(run, signal);
  return runStages(run, { executor, main: executor, ...options });
}
