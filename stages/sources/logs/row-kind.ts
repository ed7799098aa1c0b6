import type { z } from "zod";
import type { Columns } from "../source.ts";

/** A turn as a row of somebody's own log tells it. */
export type LogTurn = { role: string; content: string };

/** The name of a role in somebody's own log -> the role. */
export type RoleOf = (name: unknown) => string;

/** What a row of people's own logs can be, and how its turns are read. One file a kind, or a family of kinds. */
export interface RowKind {
  readonly name: string;
  /** What a row is, in words that follow "a row is". */
  readonly summary: string;
  /** True where the rows of one conversation have its id in common. */
  readonly isInParts: boolean;
  /** The key of the column that tells this kind of row, or its family, from the others. */
  readonly telling: string;
  /** What columns must hold, and what they may beside what any log has: keys of `ChatColumns`. */
  readonly needs: readonly string[];
  readonly may: readonly string[];
  /** Names of columns for what those hold, the most telling first, where they are other than for the other kinds. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
  /** True if a value may stand in the column of this key. */
  readonly isFit?: (key: string, value: unknown) => boolean;
  /** What is looked for inside of a row, in its messages; absent = everything stands in the row itself. */
  readonly inside?: (row: Record<string, unknown>, columns: Columns) => readonly Record<string, unknown>[];
  /** The schema of a projected row; `common` is the shape of the columns that any log may have. */
  readonly schema: (columns: Columns, common: Record<string, z.ZodType>) => z.ZodObject;
  /** What of a row that schema is asked about, beside the columns that any log may have, under the names of the columns. */
  readonly project: (row: unknown, columns: Columns) => Record<string, unknown>;
  /** The turns of such a row. */
  readonly turns: (row: Record<string, unknown>, columns: Columns, roleOf: RoleOf) => LogTurn[];
}
