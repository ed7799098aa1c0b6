import type { z } from "zod";
import type { Run } from "../run-folder.ts";
import type { Progress } from "../task.ts";

/** A task by its place in the plan, with the fingerprint of its stage: whoever drives the run has checked what it needs. */
export type TaskRef = { stage: string; index: number; fingerprint: string };

/** Decides where tasks run. Which one it is never changes what is written. */
export interface Executor {
  /**
   * Runs tasks that do not need one another, `width` at a time where the executor has no width of its own.
   * Resolves when all are done, rejects with the first error after the rest stopped.
   */
  run(tasks: readonly TaskRef[], onDone: (task: TaskRef) => void, width?: number): Promise<void>;
  /**
   * Called once, under the run's lock, before anything of the run is removed or written: jobs that an earlier driver has
   * left behind are taken over or cancelled. Absent where jobs end with their driver.
   */
  takeOver?(): Promise<void>;
  close(): Promise<void>;
}

/** What an executor is started with beside its own options. */
export interface ExecutorParts {
  readonly signal: AbortSignal;
  readonly report: (progress: Progress) => void;
}

/** A kind of executor that a run can be given by name. Its options are no part of a plan: they change no output. */
export interface ExecutorKind<Options extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  /** One line for the help text. */
  readonly summary: string;
  readonly options: Options;
  readonly start: (run: Run, options: z.infer<Options>, parts: ExecutorParts) => Executor;
}

/** Checks a kind against its options' type and forgets that type, so that kinds fit in one list. */
export function defineExecutor<Options extends z.ZodObject>(kind: ExecutorKind<Options>): ExecutorKind {
  return kind as unknown as ExecutorKind;
}
