import { dirname } from "node:path";
import { z } from "zod";
import { stageNamed } from "../../../pipeline/chain.ts";
import { exitCode, UsageError, worstError } from "../../../pipeline/errors.ts";
import { readPlan, requireSameProgram } from "../../../pipeline/plan.ts";
import { plannedStage, type Run } from "../../../pipeline/run-folder.ts";
import { runTask } from "../../../pipeline/task.ts";
import { openRun } from "../../../stages/index.ts";
import { defineCommand } from "../command.ts";
import { type Io, print, printJson, tell } from "../io.ts";

/** Variables in which schedulers tell a job the number of its element. */
const ELEMENT_VARIABLES = ["SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX"];

const TaskInput = z.strictObject({
  plan: z.string().meta({ value: "file", description: "plan.json of the run" }),
  phase: z.string().optional().describe("phase of a stage, such as dedup.count or render:trl.rows"),
  element: z
    .int()
    .min(0)
    .optional()
    .describe(`which group of tasks of the phase, from 0; default: ${ELEMENT_VARIABLES.join(", ")}`),
  group: z.int().min(1).default(1).describe("tasks in a group: element 3 of groups of 20 does the tasks 60 to 79"),
  afterBarrier: z
    .boolean()
    .default(false)
    .describe("who places tasks keeps their order: phases before this one are not looked at"),
  stage: z.string().optional().meta({ hidden: true, description: "stage of one task" }),
  index: z.int().min(0).optional().meta({ hidden: true, description: "its number within the stage" }),
  json: z.boolean().default(false).describe("print the results as JSON"),
});
type TaskInput = z.infer<typeof TaskInput>;

/** A task by its number within its stage. */
type Place = { stage: string; phase: string; index: number };

/** What became of one; with the error if it failed. */
type Outcome = Place & { state: "done" | "done before" | "failed"; error?: unknown };

/** `flipturn task`: tasks of a plan, for engines that place tasks on machines. */
export const task = defineCommand({
  name: "task",
  summary: "do tasks of a plan, for engines that place tasks on machines",
  input: TaskInput,
  notes:
    "A task that is done is skipped. After a failed one the others of the group are done all the same, and the exit code is that of the worst: 2 wrong use, 3 a limit was reached, 1 failed, 4 what it needs is not there yet.",
  examples: [
    "flipturn task --plan output/wildchat-1m/plan.json --phase dedup.count --element 3 --group 20",
    "sbatch --array=0-2 --wrap 'flipturn task --plan output/wildchat-1m/plan.json --phase dedup.count --group 20'",
  ],
  async run(input, io) {
    const plan = await readPlan(input.plan);
    const run = openRun(plan, dirname(input.plan), io.environment);
    const { stage, phase, tasks } = tasksOf(run, input, io);
    requireSameProgram(plan, plannedStage(plan, stage), stageNamed(run.chain, stage), input.plan);
    const outcomes: Outcome[] = [];
    for (const index of tasks) outcomes.push(await attempt(run, { stage, phase, index }, input.afterBarrier, io));
    if (input.json) printJson(io, outcomes.map(asJson));
    else for (const { index, state } of outcomes) print(io, `${stage}.${phase} ${index}: ${state}`);
    const failed = outcomes.filter(({ state }) => state === "failed");
    const worst = worstError(failed.map(({ error }) => error));
    for (const { index, error } of failed)
      if (error !== worst) tell(io, `flipturn: ${stage}.${phase} ${index}: ${(error as Error).message}`);
    if (worst) throw worst;
  },
});

function asJson({ error, ...outcome }: Outcome): object {
  return error === undefined ? outcome : { ...outcome, code: exitCode(error), message: (error as Error).message };
}

async function attempt(run: Run, place: Place, afterBarrier: boolean, io: Io): Promise<Outcome> {
  try {
    const { skipped } = await runTask(run, place.stage, place.index, { signal: io.signal, afterBarrier });
    return { ...place, state: skipped ? "done before" : "done" };
  } catch (error) {
    if (io.signal.aborted) throw error;
    return { ...place, state: "failed", error };
  }
}

/** The tasks that are asked for, by their numbers within the stage. */
function tasksOf({ plan }: Run, input: TaskInput, io: Io): { stage: string; phase: string; tasks: number[] } {
  if (input.phase === undefined) return oneTask(plan, input);
  const at = input.phase.lastIndexOf(".");
  const [stage, name] = [input.phase.slice(0, at), input.phase.slice(at + 1)];
  if (at < 1) throw new UsageError(`--phase ${input.phase}: expected <stage>.<phase>, such as dedup.count`);
  const { phases } = plannedStage(plan, stage);
  const phase = phases.find((each) => each.name === name);
  if (!phase)
    throw new UsageError(`--phase ${input.phase}: stage ${stage} has ${phases.map((each) => each.name).join(", ")}`);
  const element = input.element ?? elementIn(io.environment.env);
  const begin = element * input.group;
  if (begin >= phase.tasks)
    throw new UsageError(
      `--element ${element}: ${input.phase} has ${phase.tasks} tasks, which are the elements 0 to ${Math.ceil(phase.tasks / input.group) - 1} in groups of ${input.group}`,
    );
  const length = Math.min(input.group, phase.tasks - begin);
  return { stage, phase: name, tasks: Array.from({ length }, (_, index) => phase.first + begin + index) };
}

/** One task by its number within its stage, as `task` first took it. */
function oneTask(plan: Run["plan"], { stage, index }: TaskInput): { stage: string; phase: string; tasks: number[] } {
  if (stage === undefined || index === undefined)
    throw new UsageError("--phase is missing: which tasks? such as --phase dedup.count --element 3 --group 20");
  const { phases } = plannedStage(plan, stage);
  const phase = phases.find(({ first, tasks }) => index >= first && index < first + tasks);
  if (!phase) throw new UsageError(`stage ${stage} has the tasks 0 to ${phases.at(-1)?.first}, not ${index}`);
  return { stage, phase: phase.name, tasks: [index] };
}

function elementIn(env: NodeJS.ProcessEnv): number {
  const name = ELEMENT_VARIABLES.find((each) => env[each] !== undefined && env[each] !== "");
  const text = name === undefined ? undefined : env[name];
  if (text === undefined)
    throw new UsageError(`--element is missing, and none of ${ELEMENT_VARIABLES.join(", ")} is set`);
  if (!/^\d+$/.test(text)) throw new UsageError(`${name}: found "${text}", expected a whole number from 0`);
  return Number(text);
}
