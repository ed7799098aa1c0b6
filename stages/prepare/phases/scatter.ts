import { InputError, NotReadyError, UsageError } from "../../../pipeline/errors.ts";
import { sizeOf } from "../../../pipeline/files/atomic-file.ts";
import { keyed, shardOf } from "../../../pipeline/hash.ts";
import { requireAsPlanned, userKeyName } from "../../../pipeline/plan.ts";
import { inputName } from "../../../pipeline/run-folder.ts";
import type { Task } from "../../../pipeline/task.ts";
import { controlTokens } from "../../../pipeline/text/control-tokens.ts";
import { isEmpty } from "../../../pipeline/text/white-space.ts";
import type { Conversation } from "../../../schemas/conversation.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import type { Rejection } from "../../../schemas/rejection.ts";
import { inputPath } from "../../download/artefacts.ts";
import { sourceNamed } from "../../sources/index.ts";
import type { RawConversation, Unusable } from "../../sources/source.ts";
import { prepared } from "../artefacts.ts";
import { rejectedUnread } from "../check-conversation.ts";
import type { PrepareOptions } from "../options.ts";
import { type Piece, piecesOf } from "../pieces.ts";
import { recordOf, rejectionOfBadRow } from "../record-of.ts";
import { type RawRow, readRows } from "../rows.ts";
import { textsOf } from "../scattered-row.ts";
import { ShardWriter } from "../shuffle.ts";
import { requireVouched } from "./verify.ts";

/** So many rows at the beginning none of which is one of the source's: the wrong source was named. */
const ALL_BAD = 1000;

/** Reads a piece of a raw file, judges every row and puts it into the shard that its id belongs to. */
export async function scatter(task: Task<PrepareOptions>): Promise<Partial<Tally>> {
  const { plan, options, index, signal } = task;
  const source = sourceNamed(plan.source);
  const { input, part } = pieceOf(task);
  const userKey = userKeyOf(task);
  const path = await requireInput(task, input);
  const counts: Record<string, number> = {};
  const count = (name: string, by = 1) => {
    if (by > 0) counts[name] = (counts[name] ?? 0) + by;
  };
  const writer = new ShardWriter(plan.shards);
  let rows = 0;
  async function* blocks() {
    const reading = { ...options, unread: rejectedUnread(options), part };
    for await (const found of readRows(path, inputName(plan, input), source, reading, signal)) {
      rows++;
      const record =
        "bad" in found
          ? { rejection: rejectionOfBadRow(found.bad, source.name) }
          : recordOf(found.conversation, source.name, options, userKey);
      for (const name of present(found)) count(`rows_with_${name}`);
      if ("bad" in found) count("rows_failing_schema", found.bad.reason === "schema" ? 1 : 0);
      else if ("conversation" in record) describe(found.conversation, record.conversation, count);
      const key =
        "conversation" in record ? record.conversation.id : (record.rejection.conversation_id ?? record.rejection.id);
      yield* writer.add(shardOf(key, plan.shards), textsOf(record));
      if (rows === ALL_BAD && counts["rows_failing_schema"] === ALL_BAD)
        throw tooManyBad(ALL_BAD, ALL_BAD, options, source.name, "rejection" in record ? record.rejection : undefined);
      if (rows % 10_000 === 0) task.report(rows, 0, "rows");
    }
    yield* writer.end();
  }
  try {
    await task.writeBytes(prepared.scattered, blocks(), { index, rows: () => rows });
  } catch (error) {
    // What cannot be read may be another file by now, which is the better thing to say.
    if (error instanceof InputError) await requireVouched(task, input);
    throw error;
  }
  return { taken: part.index === 0 ? 1 : 0, in: rows, counts };
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

/** Which chat template and tokenizer will be used is not known here. */
const CONTROLS = controlTokens();

/** Counts what is worth knowing about a conversation that stays. */
function describe(
  raw: RawConversation | Unusable,
  conversation: Conversation,
  count: (name: string, by?: number) => void,
): void {
  count("empty_user_turns", conversation.turns.filter((turn) => turn.role === "user" && isEmpty(turn)).length);
  count("conversations_ending_with_user", conversation.turns.at(-1)?.role === "user" ? 1 : 0);
  count("conversations_of_unknown_language", conversation.language === null ? 1 : 0);
  count("conversations_without_user", conversation.user_id === null ? 1 : 0);
  count(
    "conversations_with_control_tokens",
    conversation.turns.some((turn) => CONTROLS.count(turn.content) > 0) ? 1 : 0,
  );
  if (!("turns" in raw)) return;
  count("conversations_with_broken_unicode", raw.turns.some((turn) => !turn.content.isWellFormed()) ? 1 : 0);
  for (const [name, by] of Object.entries(raw.counts ?? {})) count(name, by);
}

/** The key of the user hash: a secret from the environment, or derived from the seed so that runs repeat. */
function userKeyOf({ environment, plan }: Task<PrepareOptions>): string {
  const secret = environment.env["FLIPTURN_USER_KEY"];
  if (userKeyName(secret) !== plan.user_key)
    throw new UsageError("FLIPTURN_USER_KEY is not what it was when the plan was made; set it to the same secret");
  return secret || keyed(plan.seed, "user key");
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
      (source === "chat" ? " Check the names in --columns; each line is one object." : " Check --source.") +
      " --set prepare.maxBadRows=<share> allows more.",
  );
}
