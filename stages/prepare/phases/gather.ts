import { InputError } from "../../../pipeline/errors.ts";
import type { Task } from "../../../pipeline/task.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import type { Rejection } from "../../../schemas/rejection.ts";
import { OPTIONAL } from "../../sources/chat.ts";
import { prepared } from "../artefacts.ts";
import { endSignalsOf } from "../end-signals.ts";
import type { PrepareOptions } from "../options.ts";
import { piecesOf } from "../pieces.ts";
import { resolveDuplicateIds } from "../resolve-duplicate-ids.ts";
import { rowFrom, type ScatteredRow } from "../scattered-row.ts";
import { readShard } from "../shuffle.ts";
import { tooManyBad } from "./scatter.ts";

/** Brings a shard together, lets the first of equal ids stay, and writes it sorted by id. Memory: the shard. */
export async function gather(task: Task<PrepareOptions>): Promise<Partial<Tally>> {
  const { plan, options, index } = task;
  const { in: rows, counts } = await task.summaryOf("scatter");
  const bad = counts["rows_failing_schema"] ?? 0;
  if (rows === 0)
    throw new InputError(
      `${plan.inputs.map((input) => input.path).join(", ")}: no rows; expected one conversation a row`,
    );
  if (bad > options.maxBadRows * rows) throw tooManyBad(bad, rows, options, plan.source, await firstBad(task));
  requireColumns(task, counts);
  const scattered: ScatteredRow[] = [];
  for await (const row of rowsOf(task, index)) scattered.push(row);
  const { kept, rejections } = resolveDuplicateIds(scattered, options);
  const conversations = kept.map(({ conversation }) => conversation);
  await task.write(prepared.conversations, conversations);
  await task.write(
    prepared.end_signals,
    kept.map(({ conversation, ended_at }) => endSignalsOf(conversation, ended_at)),
  );
  return { kept: kept.length, rejected: await task.reject(rejections) };
}

/** The rows of a shard, from every piece of the inputs. */
async function* rowsOf(task: Task<PrepareOptions>, shard: number): AsyncGenerator<ScatteredRow> {
  for (const piece of piecesOf(task.plan).keys())
    for (const texts of readShard(await task.file(prepared.scattered, piece), shard)) yield rowFrom(texts);
}

/** Throws InputError if a column that the user named has no value in any row: a misspelt `user` would part one from oneself. */
function requireColumns({ plan, options }: Task<PrepareOptions>, rows: Record<string, number>): void {
  if (plan.source !== "chat") return;
  const missing = OPTIONAL.find((key) => options.columns[key] && !rows[`rows_with_${key}`]);
  if (missing === undefined) return;
  throw new InputError(
    `no row has a value in \`${options.columns[missing]}\`, which --columns names as ${missing}; check the name`,
  );
}

/** Some row that failed its schema, in whichever shard it is. */
async function firstBad(task: Task<PrepareOptions>): Promise<Rejection | undefined> {
  for (const shard of task.shards)
    for await (const row of rowsOf(task, shard))
      if ("rejection" in row && row.rejection.reason === "schema") return row.rejection;
  return undefined;
}
