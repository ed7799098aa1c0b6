import { type ColumnOf, type RowOf, type Table, withColumns } from "./artefact.ts";
import { collect } from "./collections.ts";
import { parquet } from "./files/duckdb.ts";
import { readParquet } from "./files/parquet.ts";
import { requireDone } from "./fingerprint.ts";
import { filePath, nameInPlan, type Run } from "./run-folder.ts";

/** Which of several variants of a stage is meant, and when to stop reading. */
export interface TableReading {
  readonly variant?: string | null;
  readonly signal?: AbortSignal;
}

/** Paths of all files of a table of a finished stage, in their order. Throws NotReadyError if the stage is not done. */
export async function tableFiles(run: Run, artefact: Table, { variant = null }: TableReading = {}): Promise<string[]> {
  const planned = nameInPlan(run.plan, artefact.stage, variant);
  await requireDone(run, planned);
  const parts = artefact.per === "run" ? 1 : run.plan.shards;
  return Array.from({ length: parts }, (_, part) => filePath(run, planned, artefact, part));
}

/** A table of a finished stage as SQL. Throws NotReadyError if the stage is not done. */
export async function tableSql(run: Run, artefact: Table, reading: TableReading = {}): Promise<string> {
  return parquet(await tableFiles(run, artefact, reading));
}

/** Rows of a table of a finished stage, with all columns or those that are asked for. Throws NotReadyError if the stage is not done. */
export async function* tableRows<T extends Table, Column extends ColumnOf<T> = ColumnOf<T>>(
  run: Run,
  artefact: T,
  columns?: readonly Column[],
  reading: TableReading = {},
): AsyncGenerator<Pick<RowOf<T>, Column>> {
  const { signal } = reading;
  const paths = await tableFiles(run, artefact, reading);
  yield* readParquet(paths, withColumns(artefact, columns), { ...(signal && { signal }) });
}

/** All rows of a small table of a finished stage. Throws NotReadyError if the stage is not done. */
export async function allRows<T extends Table>(run: Run, artefact: T, reading: TableReading = {}): Promise<RowOf<T>[]> {
  return (await collect(tableRows(run, artefact, undefined, reading))) as RowOf<T>[];
}
