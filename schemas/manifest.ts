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
  outputs: z.array(FileRecord),
  seconds: z.number(),
});
export type Marker = z.infer<typeof Marker>;

/** The record of a finished stage; nothing in it depends on the clock, the machine or the number of threads. */
export const Manifest = z.strictObject({
  stage: z.string(),
  /** What `in`, `kept` and `rejected` count: files, conversations or samples. */
  unit: z.string(),
  code: z.string(),
  source: z.string(),
  seed: z.string(),
  options: z.record(z.string(), z.unknown()),
  /** Hash of all that decides the outputs: code, options, seed and the contents of the inputs. */
  fingerprint: z.string(),
  ...Tally.shape,
  inputs: z.array(FileRecord),
  outputs: z.array(FileRecord),
});
export type Manifest = z.infer<typeof Manifest>;
