import { InputError } from "../../../pipeline/errors.ts";
import type { Task } from "../../../pipeline/task.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import type { Rejection } from "../../../schemas/rejection.ts";
import { OPTIONAL } from "../../sources/chat.ts";
import { prepared } from "../artefacts.ts";
import { counter, countsOf } from "../counts-of.ts";
import { endSignalsOf } from "../end-signals.ts";
import { joinParts } from "../join-parts.ts";
import type { PrepareOptions } from "../options.ts";
import { piecesOf } from "../pieces.ts";
import { recordOf } from "../record-of.ts";
import { resolveDuplicateIds } from "../resolve-duplicate-ids.ts";
import { type JudgedRow, rowFrom, type ScatteredRow } from "../scattered-row.ts";
import { readShard } from "../shuffle.ts";
import { userKeyOf } from "../user-key.ts";
import { sourceFor, tooManyBad } from "./scatter.ts";

/** Brings a shard together, lets the first of equal ids stay, and writes it sorted by id. Memory: the shard. */
export async function gather(task: Task<PrepareOptions>): Promise<Partial<Tally>> {
  const { plan, options } = task;
  const scatter = await task.summaryOf("scatter");
  const rows = scatter.counts["rows"] ?? scatter.in;
  const bad = scatter.counts["rows_failing_schema"] ?? 0;
  if (rows === 0) {
    const [first, ...more] = plan.inputs.map(({ path }) => path);
    const files = more.length < 5 ? [first, ...more].join(", ") : `${first} and ${more.length} more`;
    throw new InputError(`${files}: no rows; expected one conversation, or a part of one, a row`);
  }
  if (bad > options.maxBadRows * rows) throw tooManyBad(bad, rows, options, plan.source, await firstBad(task));
  requireColumns(task, scatter.counts);
  const { judged, ...tally } = await judge(task);
  const { kept, rejections } = resolveDuplicateIds(judged, options);
  const conversations = kept.map(({ conversation }) => conversation);
  await task.write(prepared.conversations, conversations);
  await task.write(
    prepared.end_signals,
    kept.map(({ conversation, ended_at }) => endSignalsOf(conversation, ended_at)),
  );
  return { ...tally, kept: kept.length, rejected: await task.reject(rejections) };
}

/** The rows of a shard, judged by \`scatter\`, or here where conversations had to be brought together first. */
async function judge(
  task: Task<PrepareOptions>,
): Promise<{ judged: JudgedRow[]; in?: number; counts?: Tally["counts"] }> {
  const rows: ScatteredRow[] = [];
  for await (const row of rowsOf(task, task.index)) rows.push(row);
  const { name, isInParts } = sourceFor(task);
  if (!isInParts) return { judged: rows.filter((row) => !("part" in row)) as JudgedRow[] };
  const { counts, count } = counter();
  const userKey = userKeyOf(task);
  const judged = joinParts(rows, name).map((row) => {
    if ("rejection" in row) return row;
    const record = recordOf(row.conversation, name, task.options, userKey);
    if ("conversation" in record) countsOf(row.conversation, record.conversation, count);
    return record;
  });
  const alone = judged.filter((row) => "rejection" in row && row.rejection.conversation_id === null);
  return { judged, in: judged.length - alone.length, counts };
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
