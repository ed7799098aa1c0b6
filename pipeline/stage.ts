import type { z } from "zod";
import type { Tally } from "../schemas/manifest.ts";
import type { Plan } from "../schemas/plan.ts";
import type { World } from "./plan.ts";
import type { Task } from "./task.ts";

/** Part of a stage: tasks that do not need one another. A phase starts when the one before it is done. */
interface Phase<Options> {
  readonly name: string;
  /** Number of tasks, from the plan alone: one a shard, one a hash range, one in all. */
  readonly tasks: (plan: Plan) => number;
  /** Does one task. Must be deterministic and may be run twice. Returns what it counted; what is left out is zero. */
  readonly run: (task: Task<Options>) => Promise<Partial<Tally>>;
  /** Number of tasks that wait for the world side by side in the main process, whatever the executor; else it places them. */
  readonly inMain?: (plan: Plan) => number | undefined;
}

/** One step of the chain: which artefacts it reads, what it decides, and its work cut into tasks. */
export interface Stage<Options extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  /** One line for the help text. */
  readonly summary: string;
  /** Stages whose artefacts it reads; the last is the one whose kept rows it takes. */
  readonly reads: readonly string[];
  /** True: it also tells of the options and counts of the stages it reads, so that a change of those alone runs it again. */
  readonly readsManifests?: boolean;
  /** What `in`, `kept` and `rejected` count. */
  readonly unit: "files" | "conversations" | "samples";
  readonly options: Options;
  /** Options that change no output, such as how many requests are sent at a time: a change of them runs nothing again. */
  readonly unhashed?: readonly (keyof z.infer<Options> & string)[];
  readonly phases: readonly Phase<z.infer<Options>>[];
  /**
   * Throws UsageError if something that the options ask for is missing, or does not go with what the stages before do.
   * Asked before a run begins any work.
   */
  readonly require?: (options: z.infer<Options>, world: World, plan: Plan) => void | Promise<void>;
  /** The options with what moves in them, such as a branch of a Hub dataset, as what it stands for now; asked when a run is planned. */
  readonly pin?: (options: z.infer<Options>, world: World) => Promise<z.infer<Options>>;
  /** Files outside the run that the options name; they are hashed when the run is planned. */
  readonly files?: (options: z.infer<Options>) => readonly string[];
  /** Folders in the stage's own that outlive a change of options: what was paid for or took long to fetch. */
  readonly lasting?: readonly string[];
  /** Folder of the run, outside the stage's own, that holds its outputs, and which files in it are the stage's to remove. */
  readonly publishes?: { readonly folder: string; readonly owns: RegExp };
  /** Tells intermediate files, which are removed when the stage is done. */
  readonly isIntermediate?: (fileName: string) => boolean;
}

/** Checks a stage against its options' type and forgets that type, so that stages fit in one list. */
export function defineStage<Options extends z.ZodObject>(stage: Stage<Options>): Stage {
  return stage as unknown as Stage;
}
