import { dirname } from "node:path";
import { UsageError } from "../../pipeline/errors.ts";
import { codeVersion, readPlan } from "../../pipeline/plan.ts";
import { runTask } from "../../pipeline/task.ts";
import { realWorld, stages } from "../../stages/index.ts";

/** `flipturn task`: one task of a plan, for engines that place tasks on machines. */
export async function task(
  flags: { plan: string; stage: string; index: number; json?: boolean },
  signal: AbortSignal,
): Promise<void> {
  const plan = await readPlan(flags.plan);
  const code = codeVersion();
  if (plan.code !== code)
    throw new UsageError(
      `${flags.plan}: made by flipturn ${plan.code}, this is ${code}; make the plan again with this version`,
    );
  const run = { plan, folder: dirname(flags.plan), stages, world: realWorld() };
  const { skipped } = await runTask(run, flags.stage, flags.index, { signal });
  if (flags.json) console.log(JSON.stringify({ stage: flags.stage, index: flags.index, skipped }));
  else console.log(`${flags.stage} ${flags.index}: ${skipped ? "was done before" : "done"}`);
}
