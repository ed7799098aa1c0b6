import { z } from "zod";

/** A file that a stage read or wrote. */
export const FileRecord = z.strictObject({
  /** Relative to the folder of the run (inputs of `download`: as the user gave it). */
  path: z.string(),
  /** Rows in it; null = not a file of rows. */
  rows: z.int().nullable(),
  bytes: z.int(),
  sha256: z.string(),
});
export type FileRecord = z.infer<typeof FileRecord>;

/** A file that a task wrote, and the artefact that it is a part of. */
export const OutputRecord = z.strictObject({
  ...FileRecord.shape,
  artefact: z.string(),
  /** Which part: the shard, or of a file of bytes its number; 0 where the artefact is one file. */
  index: z.int(),
});
export type OutputRecord = z.infer<typeof OutputRecord>;

/** What was counted. `in` = `kept` + all of `rejected`, in the stage's unit. */
export const Tally = z.strictObject({
  /** Rows of the stage before that were looked at, in that stage's unit. */
  taken: z.int(),
  in: z.int(),
  kept: z.int(),
  rejected: z.record(z.string(), z.int()),
  /** Further counts worth knowing, by name. */
  counts: z.record(z.string(), z.int()),
});
export type Tally = z.infer<typeof Tally>;

/** Written last by a task: its presence, with the right fingerprint, means that the task is done. */
export const Marker = z.strictObject({
  stage: z.string(),
  phase: z.string(),
  index: z.int(),
  fingerprint: z.string(),
  tally: Tally,
  inputs: z.array(FileRecord),
  outputs: z.array(OutputRecord),
  /** Time by the clock. */
  seconds: z.number(),
  /** Seconds of core; null = not known, because the task shared its process with others. */
  core_seconds: z.number().nullable(),
  /** Most memory that its process had held by then. */
  peak_mb: z.int(),
  host: z.string(),
});
export type Marker = z.infer<typeof Marker>;

/** What a failed task leaves in place of its marker; gone once the task is done. */
export const Failure = z.strictObject({
  stage: z.string(),
  phase: z.string(),
  index: z.int(),
  /** The exit code that the failure leads to, and what it says. */
  code: z.int(),
  message: z.string(),
  host: z.string(),
  /** The job of a scheduler that it ran in; null = none. */
  job: z.string().nullable(),
  peak_mb: z.int(),
});
export type Failure = z.infer<typeof Failure>;

/** All tasks of a phase are done under a fingerprint; what they counted together. */
export const PhaseSummary = z.strictObject({ fingerprint: z.string(), tally: Tally });
export type PhaseSummary = z.infer<typeof PhaseSummary>;

/** The record of a finished stage; nothing in it depends on the clock, the machine or the number of threads. */
export const Manifest = z.strictObject({
  stage: z.string(),
  /** What `in`, `kept` and `rejected` count: files, conversations or samples. */
  unit: z.string(),
  code: z.string(),
  source: z.string(),
  seed: z.string(),
  /** Those that decide outputs. */
  options: z.record(z.string(), z.unknown()),
  /** The same of the language models that it spoke with, by role. */
  models: z.record(z.string(), z.record(z.string(), z.unknown())),
  /** Hash of all that decides the outputs: code, options, seed and the contents of the inputs. */
  fingerprint: z.string(),
  ...Tally.shape,
  inputs: z.array(FileRecord),
  outputs: z.array(FileRecord),
});
export type Manifest = z.infer<typeof Manifest>;

/**
 * A finished stage in brief, so that a task of a later stage need not read the manifest, which grows with the shards:
 * under which fingerprint, and by artefact what it holds. Written after the manifest.
 */
export const Done = z.strictObject({
  fingerprint: z.string(),
  artefacts: z.record(
    z.string(),
    z.strictObject({
      /** sha256 over names and hashes of its files. */
      digest: z.string(),
      /** Size and rows of each of its parts, by number; rows are null for what has none. */
      bytes: z.array(z.int()),
      rows: z.array(z.int().nullable()),
    }),
  ),
  /** sha256 over options, models and counts, for stages that tell of them. */
  manifest: z.string(),
  unit: z.string(),
  kept: z.int(),
});
export type Done = z.infer<typeof Done>;
