import { z } from "zod";
import { artefactsOf, inputs, passing, rejections, table } from "../../pipeline/artefact.ts";
import { type Chain, defineChain } from "../../pipeline/chain.ts";
import { defineStage } from "../../pipeline/define-stage.ts";
import { realEnvironment } from "../../pipeline/environment.ts";
import { inProcess } from "../../pipeline/executors/in-process.ts";
import { planChain } from "../../pipeline/plan.ts";
import { type RunOptions, runStages } from "../../pipeline/run.ts";
import type { Run } from "../../pipeline/run-folder.ts";
import type { Stage } from "../../pipeline/stage.ts";
import type { Manifest } from "../../schemas/manifest.ts";
import type { Rejection } from "../../schemas/rejection.ts";

const Letter = z.strictObject({ letter: z.string() });

/** What the stage `paper` of the toy looks at. */
const laid = artefactsOf("paper", { sheets: inputs("the raw file") });

/** What the stage `letters` of the toy writes. */
const spelled = artefactsOf("letters", { letters: table(Letter, "a letter") });

/** What the stage `capitals` of the toy writes. */
const raised = artefactsOf("capitals", {
  copies: passing(table(Letter, "a letter on its way")),
  capitals: table(Letter, "a letter, raised"),
  rejections: rejections(),
});

/**
 * The stages of a tiny chain. `paper` names the raw file; `letters` cuts `text` into rows; `capitals` raises them in two
 * phases (`copy` writes a file that goes again, `raise` the artefact), rejects those in `drop` and silently loses those in
 * `lose`; `digits` reads only `paper`. Every task notes itself in `ran`.
 */
export function toyStages(ran: string[]): Stage[] {
  const paper = defineStage({
    name: "paper",
    module: import.meta.url,
    summary: "",
    reads: [],
    writes: laid,
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
    module: import.meta.url,
    summary: "",
    takes: "paper",
    reads: [laid.sheets],
    writes: spelled,
    unit: "conversations",
    options: z.strictObject({ text: z.string().default("abcd"), note: z.string().default("") }),
    phases: [
      {
        name: "spell",
        tasks: (plan) => plan.shards,
        run: async (task) => {
          ran.push(`letters ${task.index}`);
          const own = [...task.options.text].filter((_, index) => index % task.plan.shards === task.index);
          const rows = await task.write(
            spelled.letters,
            own.map((letter) => ({ letter })),
          );
          return { taken: task.index === 0 ? 1 : 0, in: rows, kept: rows };
        },
      },
    ],
  });
  const capitals = defineStage({
    name: "capitals",
    module: import.meta.url,
    summary: "",
    takes: "letters",
    reads: [spelled.letters],
    writes: raised,
    unit: "conversations",
    options: z.strictObject({ drop: z.string().default(""), lose: z.string().default("") }),
    phases: [
      {
        name: "copy",
        tasks: (plan) => plan.shards,
        run: async (task) => {
          ran.push(`capitals copy ${task.index}`);
          await task.write(raised.copies, task.read(spelled.letters));
          return {};
        },
      },
      {
        name: "raise",
        tasks: (plan) => plan.shards,
        run: async (task) => {
          ran.push(`capitals raise ${task.index}`);
          task.signal.throwIfAborted();
          const dropped: Rejection[] = [];
          const kept: z.infer<typeof Letter>[] = [];
          let rows = 0;
          for await (const { letter } of task.read(raised.copies)) {
            rows++;
            if (task.options.drop.includes(letter))
              dropped.push({ id: letter, conversation_id: letter, stage: "capitals", reason: "drop", detail: "{}" });
            else if (!task.options.lose.includes(letter)) kept.push({ letter: letter.toUpperCase() });
          }
          await task.write(raised.capitals, kept);
          return { taken: rows, in: rows, kept: kept.length, rejected: await task.reject(dropped) };
        },
      },
    ],
  });
  const digits = defineStage({
    name: "digits",
    module: import.meta.url,
    summary: "",
    takes: "paper",
    reads: [laid.sheets],
    writes: {},
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

/** What a toy is made of, where it is not the usual. */
export interface Toy {
  /** Options by stage. */
  readonly given?: Readonly<Record<string, Record<string, unknown>>>;
  readonly shards?: number;
  readonly stages?: readonly Stage[];
}

/** The toy chain planned in a folder. */
export async function toyRun(
  folder: string,
  ran: string[],
  { given = {}, shards = 2, stages = toyStages(ran) }: Toy = {},
): Promise<Run> {
  const chain: Chain = defineChain({ name: "toy", summary: "", module: import.meta.url, stages });
  const head = {
    base: ".",
    source: "toy",
    seed: "0",
    user_key: "seed",
    hub: null,
    inputs: [{ path: "paper.txt", bytes: 0, modified_ms: 0, sha256: null, git_oid: null }],
    shards,
  };
  const options = new Map(
    stages.map((stage) => [stage.name, stage.options.parse(given[stage.name] ?? {}) as Record<string, unknown>]),
  );
  const plan = await planChain(chain, head, { options, models: {} });
  return { plan, folder, chain, environment: realEnvironment({ env: {} }) };
}

/** Runs a toy in this process. */
export async function runToy(
  run: Run,
  options: Omit<RunOptions, "executor" | "driver"> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Manifest[]> {
  const executor = inProcess.start(run, {}, { signal, report: () => {} });
  return runStages(run, { executor, driver: executor, ...options });
}
