import { z } from "zod";
import { FileRecord } from "./manifest.ts";

/** One raw file that a run reads: on this machine, or on the Hub. */
export const PlannedInput = z.strictObject({
  /** Path as given by the user, or inside the Hub repository. */
  path: z.string(),
  bytes: z.int(),
  /** Local files: modification time in milliseconds, so that a change is noticed without reading the file. */
  modified_ms: z.number().nullable(),
  /** Hub files: sha256 of the content where the Hub knows it. */
  sha256: z.string().nullable(),
  /** Hub files: id of the git blob. */
  git_oid: z.string().nullable(),
});
export type PlannedInput = z.infer<typeof PlannedInput>;

/** One stage in a plan: its options after defaults and how its tasks are numbered. */
export const PlannedStage = z.strictObject({
  /** Name of the stage, and behind a colon what it was planned for where it is planned several times, such as `render:trl`. */
  name: z.string(),
  /** 12 hex digits over the code that the stage can reach. */
  code: z.string(),
  options: z.record(z.string(), z.unknown()),
  /** Settings of the language models that the stage speaks with under its options, by role. */
  models: z.record(z.string(), z.record(z.string(), z.unknown())),
  /** Files that the options name, with their hash when the run was planned. */
  files: z.array(FileRecord),
  /**
   * Phases in order; the tasks of a phase have the indexes `first` … `first + tasks - 1`. Phases of one step do not need
   * one another; a step begins when all phases of the step before it are done.
   */
  phases: z.array(z.strictObject({ name: z.string(), step: z.int(), first: z.int(), tasks: z.int() })),
});
export type PlannedStage = z.infer<typeof PlannedStage>;

/** What of Node decides outputs, or whether two machines can share a run. */
export const NodeVersion = z.strictObject({
  major: z.int(),
  platform: z.string(),
  /** Version of Unicode that its regular expressions and normalisation know. */
  unicode: z.string(),
});
export type NodeVersion = z.infer<typeof NodeVersion>;

/** The immutable description of a run. Whoever has it and the inputs can do any task of the run. */
export const Plan = z.strictObject({
  format: z.literal(2),
  /** Name of the chain whose stages these are. */
  chain: z.string(),
  /** Version of flipturn and 12 hex digits over the code that the stages can reach. */
  code: z.string(),
  node: NodeVersion,
  /** The folder that relative paths are meant from, relative to that of the run. */
  base: z.string(),
  source: z.string(),
  seed: z.string(),
  /** Where the user key comes from: `seed`, or `sha256:…` of the secret in FLIPTURN_USER_KEY. */
  user_key: z.string(),
  /** The Hub repository and commit that the inputs are in; null = local files. */
  hub: z.strictObject({ repo: z.string(), revision: z.string() }).nullable(),
  inputs: z.array(PlannedInput).min(1),
  /** Shards of the conversations and of all that is aligned with them. */
  shards: z.int().min(1),
  stages: z.array(PlannedStage),
});
export type Plan = z.infer<typeof Plan>;
