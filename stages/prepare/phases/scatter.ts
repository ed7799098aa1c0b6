import { InputError, NotReadyError } from "../../../pipeline/errors.ts";
import { sizeOf } from "../../../pipeline/files/atomic-file.ts";
import { shardOf } from "../../../pipeline/hash.ts";
import { requireAsPlanned } from "../../../pipeline/plan.ts";
import { inputName } from "../../../pipeline/run-folder.ts";
import type { Task } from "../../../pipeline/task.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import type { Rejection } from "../../../schemas/rejection.ts";
import { inputPath } from "../../download/artefacts.ts";
import { sourceNamed } from "../../sources/index.ts";
import { conversationId, type Source } from "../../sources/source.ts";
import { prepared } from "../artefacts.ts";
import { rejectedUnread } from "../check-conversation.ts";
import { counter, countsOf } from "../counts-of.ts";
import type { PrepareOptions } from "../options.ts";
import { type Piece, piecesOf } from "../pieces.ts";
import { recordOf, rejectionOfBadRow } from "../record-of.ts";
import { type RawRow, readRows } from "../rows.ts";
import { type ScatteredRow, textsOf } from "../scattered-row.ts";
import { ShardWriter } from "../shuffle.ts";
import { userKeyOf } from "../user-key.ts";
import { requireVouched } from "./verify.ts";

/** So many rows at the beginning none of which is one of the source's: the wrong source was named. */
const ALL_BAD = 1000;

/** Reads a piece of a raw file, or some small files, judges every row and puts it into the shard that its id belongs to. */
export async function scatter(task: Task<PrepareOptions>): Promise<Partial<Tally>> {
  const { plan, options, index, signal } = task;
  const source = sourceFor(task);
  const { inputs, part } = pieceOf(task);
  const userKey = userKeyOf(task);
  const { counts, count } = counter();
  const writer = new ShardWriter(plan.shards);
  let rows = 0;
  let alone = 0;
  const recordFor = (found: RawRow): ScatteredRow => {
    if ("bad" in found) return { rejection: rejectionOfBadRow(found.bad, source.name) };
    if (source.isInParts && "turns" in found.conversation) return { part: found.conversation };
    return recordOf(found.conversation, source.name, options, userKey);
  };
  const { paths, maxRowBytes } = options;
  const reading = { paths, maxRowBytes, unread: rejectedUnread(options), part };
  async function* blocks(input: number) {
    const path = await requireInput(task, input);
    for await (const found of readRows(path, inputName(plan, input), source, reading, signal)) {
      rows++;
      const record = recordFor(found);
      for (const name of present(found)) count(`rows_with_${name}`);
      if ("bad" in found) count("rows_failing_schema", found.bad.reason === "schema" ? 1 : 0);
      else if ("conversation" in record) countsOf(found.conversation, record.conversation, count);
      if ("rejection" in record && record.rejection.conversation_id === null) alone++;
      yield* writer.add(shardOf(keyOf(record, source.name), plan.shards), textsOf(record));
      if (rows === ALL_BAD && counts["rows_failing_schema"] === ALL_BAD)
        throw tooManyBad(ALL_BAD, ALL_BAD, options, source.name, "rejection" in record ? record.rejection : undefined);
      if (rows % 10_000 === 0) task.report(rows, 0, "rows");
    }
  }
  async function* allBlocks() {
    for (const input of inputs) yield* vouching(task, input, blocks(input));
    yield* writer.end();
  }
  await task.writeBytes(prepared.scattered, allBlocks(), { index, rows: () => rows });
  const taken = part.index === 0 ? inputs.length : 0;
  // Where rows are parts of conversations, only `gather` can count those.
  if (!source.isInParts) return { taken, in: rows, counts };
  count("rows", rows);
  return { taken, in: alone, counts };
}

/** What is made of an input; where it cannot be read, it may be another file by now, which is the better thing to say. */
async function* vouching<T>(task: Task<PrepareOptions>, input: number, made: AsyncGenerator<T>): AsyncGenerator<T> {
  try {
    yield* made;
  } catch (error) {
    if (error instanceof InputError) await requireVouched(task, input);
    throw error;
  }
}

/** The source of a plan, as its settings say that its rows are read. */
export function sourceFor({ plan, options }: Task<PrepareOptions>): Source {
  const source = sourceNamed(plan.source);
  return source.withSettings?.(options) ?? source;
}

/** What decides the shard of a record: the id of its conversation, where that is known. */
function keyOf(record: ScatteredRow, source: string): string {
  if ("part" in record) return conversationId(source, record.part.source_id);
  return "conversation" in record ? record.conversation.id : (record.rejection.conversation_id ?? record.rejection.id);
}

/** The piece that a task reads. */
function pieceOf({ plan, index }: Task<PrepareOptions>): Piece {
  const piece = piecesOf(plan)[index];
  if (!piece) throw new RangeError(`no piece ${index}`);
  return piece;
}

/** Path of an input that has the size and time that it had when the run was planned, or fetched; `verify` looks at its content. */
async function requireInput({ run, plan }: Task<PrepareOptions>, index: number): Promise<string> {
  const path = inputPath(run, index);
  const input = plan.inputs[index];
  if (!input) throw new RangeError(`no input ${index}`);
  if (!plan.hub) await requireAsPlanned(path, input);
  else if ((await sizeOf(path)) !== input.bytes)
    throw new NotReadyError(`${path}: is not there as it was fetched; run stage download again`);
  return path;
}

function present(found: RawRow): readonly string[] {
  return "conversation" in found && "turns" in found.conversation ? (found.conversation.present ?? []) : [];
}

/** The error for more rows that fail their schema than are allowed. */
export function tooManyBad(
  bad: number,
  rows: number,
  options: PrepareOptions,
  source: string,
  example: Rejection | undefined,
): InputError {
  const share = ((100 * bad) / rows).toFixed(1);
  const first = example ? ` For instance ${example.id}: ${example.detail}.` : "";
  return new InputError(
    `${bad} of ${rows} rows (${share} %) do not look like rows of ${source}, more than the ${100 * options.maxBadRows} % allowed.${first}` +
      (source === "chat" ? " Check the names in --columns." : " Check --source.") +
      " --set prepare.maxBadRows=<share> allows more.",
  );
}
