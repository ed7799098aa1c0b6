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
  name: z.string(),
  options: z.record(z.string(), z.unknown()),
  /** Files that the options name, with their hash when the run was planned. */
  files: z.array(FileRecord),
  /** Phases in order; the tasks of a phase have the indexes `first` … `first + tasks - 1`. */
  phases: z.array(z.strictObject({ name: z.string(), first: z.int(), tasks: z.int() })),
});
export type PlannedStage = z.infer<typeof PlannedStage>;

/** The immutable description of a run. Whoever has it and the inputs can do any task of the run. */
export const Plan = z.strictObject({
  format: z.literal(1),
  /** Version of flipturn and a hash of its code. */
  code: z.string(),
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
