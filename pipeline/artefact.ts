import type { z } from "zod";
import { Rejection } from "../schemas/rejection.ts";

/**
 * Something that a stage writes. Whoever reads, writes or queries it names this object and no path: what it is called,
 * what its rows are, how it is cut into files and how long it lives is said once, where the stage declares it.
 */
export interface Artefact {
  /** Name of the stage that writes it, and its own, which its files begin with. */
  readonly stage: string;
  readonly name: string;
  /** What one row or file of it is, in words. */
  readonly about: string;
  /**
   * `table`: rows as Parquet. `bytes`: files in a shape of the stage's own. `files`: files for others, outside the stage's
   * folder. `inputs`: files from outside the run that the stage vouches for.
   */
  readonly kind: "table" | "bytes" | "files" | "inputs";
  /** One file for each shard of the conversations, one for each task that writes it, or one in all. */
  readonly per: "shard" | "task" | "run";
  /** Files of an artefact that is not kept are removed when their stage is done. */
  readonly isKept: boolean;
}

/** Rows of one schema as Parquet. */
export interface Table<Schema extends z.ZodObject = z.ZodObject> extends Artefact {
  readonly kind: "table";
  readonly schema: Schema;
}

/** Files of bytes, read by the stage that writes them and gone when it is done. */
export interface Bytes extends Artefact {
  readonly kind: "bytes";
  readonly extension: string;
}

/** Files for others to read, in a folder of the run beside those of the stages. */
export interface Files extends Artefact {
  readonly kind: "files";
  readonly folder: string;
  /** True for the paths, relative to the artefact's folder, that may be its own: only these are ever removed. */
  readonly owns: (path: string) => boolean;
}

/** Files from outside the run, wherever they lie; they count by name and content. */
export interface Inputs extends Artefact {
  readonly kind: "inputs";
}

/** One row of a table. */
export type RowOf<T extends Table> = z.infer<T["schema"]>;

/** The columns of a table. */
export type ColumnOf<T extends Table> = keyof RowOf<T> & string;

type Undeclared<T extends Artefact> = Omit<T, "stage" | "name">;

/** Rows of a schema, a file a shard; kept. */
export function table<Schema extends z.ZodObject>(schema: Schema, about: string): Undeclared<Table<Schema>> {
  return { kind: "table", schema, about, per: "shard", isKept: true };
}

/** Rows of a schema, all in one file; kept. */
export function singleTable<Schema extends z.ZodObject>(schema: Schema, about: string): Undeclared<Table<Schema>> {
  return { ...table(schema, about), per: "run" };
}

/** Rows that only the stage itself reads; gone when it is done. */
export function passing<T extends Undeclared<Table>>(declared: T): T {
  return { ...declared, isKept: false };
}

/** What a stage dropped, each row with its reason. */
export function rejections(): Undeclared<Table<typeof Rejection>> {
  return table(Rejection, "something that was dropped: id, stage, reason, and what was found as JSON");
}

/** Files of bytes for later phases of the same stage, one a task. */
export function bytes(extension: string, about: string): Undeclared<Bytes> {
  return { kind: "bytes", extension, about, per: "task", isKept: false };
}

/** Files for others, in a folder of the run. */
export function files(folder: string, owns: (path: string) => boolean, about: string): Undeclared<Files> {
  return { kind: "files", folder, owns, about, per: "task", isKept: true };
}

/** Files from outside the run that the stage has looked at. */
export function inputs(about: string): Undeclared<Inputs> {
  return { kind: "inputs", about, per: "task", isKept: true };
}

type AnyUndeclared = Undeclared<Table> | Undeclared<Bytes> | Undeclared<Files> | Undeclared<Inputs>;

/** The artefacts of a stage, by the names that they are declared under. */
export function artefactsOf<Declared extends Record<string, AnyUndeclared>>(
  stage: string,
  declared: Declared,
): { readonly [Name in keyof Declared & string]: Declared[Name] & { readonly stage: string; readonly name: Name } } {
  const named = Object.entries(declared).map(([name, each]) => [name, { ...each, stage, name }]);
  return Object.fromEntries(named);
}

/** Name of one file of an artefact: `conversations-00003-of-00014.parquet`, `counts-00003.runs`. */
export function fileName(artefact: Table | Bytes, index: number, of: number): string {
  if (artefact.kind === "bytes") return `${artefact.name}-${fiveDigits(index)}.${artefact.extension}`;
  return shardName(artefact.name, index, of);
}

/** `<name>-00003-of-00014.parquet`: the name of one of several files. */
export function shardName(name: string, index: number, of: number, extension = "parquet"): string {
  return `${name}-${fiveDigits(index)}-of-${fiveDigits(of)}.${extension}`;
}

/** True for the names that `shardName` gives, with any number of shards. */
export function isShardOf(name: string, extension: string, fileName: string): boolean {
  const [index = "", of = ""] = fileName.slice(name.length + 1, -extension.length - 1).split("-of-");
  return fileName === shardName(name, Number(index), Number(of), extension);
}

/** A number as file names have it, so that a listing is in order. */
export function fiveDigits(number: number): string {
  return String(number).padStart(5, "0");
}

/** The schema of a table with the columns that are asked for. */
export function withColumns<T extends Table, Column extends ColumnOf<T>>(
  { schema }: T,
  columns: readonly Column[] | undefined,
): z.ZodType<Pick<RowOf<T>, Column>> & z.ZodObject {
  const mask = Object.fromEntries((columns ?? []).map((column) => [column, true])) as Record<string, true> &
    Record<number, never>;
  const wanted = columns ? schema.pick(mask) : schema;
  return wanted as unknown as z.ZodType<Pick<RowOf<T>, Column>> & z.ZodObject;
}
