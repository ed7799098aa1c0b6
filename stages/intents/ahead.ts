/** A planned run -> what asking a language model for its intents will take, or why that is not known yet. */
import { existsSync } from "node:fs";
import { stageNamed } from "../../pipeline/chain.ts";
import { NotReadyError, UsageError } from "../../pipeline/errors.ts";
import { fingerprint, finishedManifest } from "../../pipeline/fingerprint.ts";
import { lock } from "../../pipeline/lock.ts";
import { savePlan, validateStage } from "../../pipeline/run.ts";
import { plannedStage, type Run } from "../../pipeline/run-folder.ts";
import { type Progress, Task } from "../../pipeline/task.ts";
import { conditioned } from "./artefacts.ts";
import { type Estimate, estimate } from "./estimate.ts";
import { IntentsOptions, isAsked } from "./options.ts";

/** What is to be told, and to whom. */
export interface AheadOptions {
  /** Conversations to ask about first; 0 = send nothing. */
  readonly sample: number;
  readonly signal: AbortSignal;
  readonly report: (progress: Progress) => void;
}

/**
 * What is ahead of a language model, or in words why that is not known yet; null = none will be asked. A sample takes the
 * folder of the run, writes its plan there and is kept. Throws UsageError if a sample is wanted and cannot be sent.
 */
export async function intentsAhead(
  run: Run,
  { sample, signal, report }: AheadOptions,
): Promise<Estimate | string | null> {
  const { stage } = conditioned.intents;
  const { provider } = IntentsOptions.parse(plannedStage(run.plan, stage).options);
  if (sample > 0 && !isAsked(provider)) throw new UsageError(`--sample: --intents ${provider} asks no language model`);
  if (!isAsked(provider) || (sample === 0 && (await finishedManifest(run, stage)))) return null;
  const own = existsSync(run.folder) ? await fingerprintIfReady(run, stage) : null;
  if (own === null) {
    const hint = `intents: \`flipturn run\` with the same flags and --to ${stageNamed(run.chain, stage).takes} costs nothing; after it, plan`;
    if (sample === 0) return `${hint} says how many tokens and dollars the intents will take`;
    throw new UsageError(
      `--sample: what comes before the intents is not done in ${run.folder}; ${hint} can send a pilot`,
    );
  }
  if (sample === 0) return estimate(taskOf(run, own, signal, report), { sample, report: countTo(report) });
  await validateStage(run, stage);
  const held = await lock(run.folder, run.environment, signal);
  try {
    savePlan(run.folder, run.plan);
    return await estimate(taskOf(run, own, signal, report), { sample, report: countTo(report) });
  } finally {
    held.release();
  }
}

async function fingerprintIfReady(run: Run, stage: string): Promise<string | null> {
  return fingerprint(run, stage).catch((error) => {
    if (error instanceof NotReadyError) return null;
    throw error;
  });
}

const PLACE = { stage: conditioned.intents.stage, phase: "ask", index: 0 };

function taskOf(run: Run, own: string, signal: AbortSignal, report: AheadOptions["report"]): Task<IntentsOptions> {
  return new Task<IntentsOptions>(run, PLACE, { fingerprint: own, signal, report });
}

function countTo(report: AheadOptions["report"]) {
  return (done: number, total: number, note?: string) =>
    report({ ...PLACE, done, total, unit: "conversations", ...(note !== undefined && { note }) });
}
