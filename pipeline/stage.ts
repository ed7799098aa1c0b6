import type { z } from "zod";
import type { Manifest, Tally } from "../schemas/manifest.ts";
import type { Plan } from "../schemas/plan.ts";
import type { Artefact, Table } from "./artefact.ts";
import type { Environment } from "./environment.ts";
import type { ServerOptions } from "./models/server-options.ts";

/**
 * Part of a stage: tasks that do not need one another. A phase starts when the one before it is done, unless told. `Given`
 * is what its work is given, which is told in `define-stage.ts`.
 */
interface Phase<Options, Given> {
  readonly name: string;
  /** True: it does not need the phase before it, so that both run at a time. */
  readonly beside?: boolean;
  /** True: it looks at the outcome of the phase before as a whole, and is done again if any task of that one is. */
  readonly repeats?: boolean;
  /** Number of tasks, from the plan and the stage's options alone: one a shard, one a hash range, one in all. */
  readonly tasks: (plan: Plan, options: Options) => number;
  /** Does one task. Must be deterministic and may be run twice. Returns what it counted; what is left out is zero. */
  readonly run: (given: Given) => Promise<Partial<Tally>>;
  /**
   * For tasks that wait for the world: how many of them side by side in the process that drives the run, whatever the
   * executor; undefined = the executor places them.
   */
  readonly onDriver?: (plan: Plan, options: Options) => number | undefined;
}

/** One step of a chain: which artefacts it reads and writes, what it decides, and its work cut into tasks. */
export interface Stage<Options extends z.ZodObject = z.ZodObject, Given = unknown> {
  readonly name: string;
  /** `import.meta.url` of the file that defines it: its outputs depend on the code that can be reached from there. */
  readonly module: string;
  /** One line for the help text. */
  readonly summary: string;
  /** The stage whose kept rows it takes; absent = it takes none, so that nothing is checked. */
  readonly takes?: string;
  /** Artefacts of other stages that it reads. */
  readonly reads: readonly Artefact[];
  /** Stages whose options and counts it tells of, so that a change of those alone runs it again. */
  readonly tellsOf?: readonly string[];
  /** Its outputs name the version of the code, so that a change in any stage of the chain runs it again. */
  readonly namesCode?: boolean;
  /** Its artefacts. `rejections` are what it dropped. */
  readonly writes: Readonly<Record<string, Artefact>> & { readonly rejections?: Table };
  /** Which settings would let rows stay that left, by the reason; reasons that no setting changes are not here. */
  readonly advice?: Readonly<Record<string, string>>;
  /** What `in`, `kept` and `rejected` count. */
  readonly unit: "files" | "conversations" | "samples" | "requests";
  readonly options: Options;
  readonly phases: readonly Phase<z.infer<Options>, Given>[];
  /** The roles of the language models that it speaks with, each with its own defaults; its settings stand under `models`. */
  readonly models?: Readonly<Record<string, Partial<ServerOptions>>>;
  /** True if it speaks with them under these options; absent = it always does. */
  readonly asks?: (options: z.infer<Options>) => boolean;
  /** What the stage is planned once for each of, such as the forms of the dataset; with the options of each. */
  readonly variants?: (
    options: z.infer<Options>,
  ) => readonly { readonly name: string; readonly options: z.infer<Options> }[];
  /** The stage whose variants are its own too. */
  readonly sharesVariantsOf?: string;
  /**
   * Throws UsageError if something that the options ask for is missing, or does not go with what the stages before do.
   * Asked before a run begins any work.
   */
  readonly validate?: (options: z.infer<Options>, about: Validation) => void | Promise<void>;
  /** The options with what moves in them, such as a branch of a Hub dataset, as what it stands for now; asked when a run is planned. */
  readonly pin?: (options: z.infer<Options>, environment: Environment) => Promise<z.infer<Options>>;
  /** Files outside the run that the options name; they are hashed when the run is planned. */
  readonly files?: (options: z.infer<Options>) => readonly string[];
  /** What people should know of a finished stage beside its counts of rows, in sentences; said at the end of a run. */
  readonly notes?: (manifest: Manifest) => readonly string[];
  /** Folders in the stage's own that outlive a change of options: what was paid for or took long to fetch. */
  readonly keeps?: readonly string[];
}

/** What a stage may look at when it is asked whether its options can be met. */
export interface Validation {
  readonly plan: Plan;
  readonly environment: Environment;
  /** Settings of its language models by role. */
  readonly models: Readonly<Record<string, Record<string, unknown>>>;
  /** A path that the options name as it is found from here. */
  readonly resolve: (path: string) => string;
}

/** The stage's own name in a name of a plan: `render` in `render:trl`. */
export function stageIn(planned: string): string {
  return planned.split(":")[0] as string;
}

/** What a stage was planned for in a name of a plan: `trl` in `render:trl`; null = it is planned once. */
export function variantIn(planned: string): string | null {
  return planned.split(":")[1] ?? null;
}
