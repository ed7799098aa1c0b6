/**
 * Raw rows of one source -> conversations in the common shape, each kept or rejected with one reason.
 *
 * Two phases. `scatter` reads a piece of a raw file, judges every row and puts it into the shard that its id belongs to;
 * `gather` brings a shard together, lets the first of equal ids stay, and writes it sorted by id. So the artefact is the
 * same whatever files the rows came in and in whatever order, and later stages work on shards of equal size.
 */
import { z } from "zod";
import { InputError, UsageError } from "../../pipeline/errors.ts";
import { keyed, shardOf } from "../../pipeline/hash.ts";
import { addTallies } from "../../pipeline/manifest.ts";
import { inputName, inputPath, userKeyName } from "../../pipeline/plan.ts";
import { defineStage } from "../../pipeline/stage.ts";
import type { Task } from "../../pipeline/task.ts";
import { controlTokens } from "../../pipeline/text/control-tokens.ts";
import { Conversation, conversationId, isEmpty } from "../../schemas/conversation.ts";
import { Closing } from "../../schemas/end-signals.ts";
import type { Tally } from "../../schemas/manifest.ts";
import type { Rejection } from "../../schemas/rejection.ts";
import { ChatColumns, OPTIONAL } from "../sources/chat.ts";
import { sourceNamed } from "../sources/index.ts";
import type { RawConversation, Unusable } from "../sources/source.ts";
import { judge, rejectedUnread } from "./check-conversation.ts";
import { closingOf } from "./end-signals.ts";
import { type Piece, piecesOf } from "./pieces.ts";
import { packed, type Row, rejection, settle, unpacked } from "./resolve-duplicate-ids.ts";
import { type BadRow, type Found, readRows } from "./rows.ts";
import { readShard, ShardWriter } from "./shuffle.ts";

export const PrepareOptions = z.strictObject({
  language: z
    .string()
    .min(1)
    .default("English")
    .describe("language of the conversations to keep, as the source names it, or `any`"),
  unknownLanguage: z
    .enum(["keep", "drop"])
    .default("keep")
    .describe("conversations whose language the source does not say"),
  toxic: z.enum(["drop", "keep"]).default("drop").describe("conversations that the source flags as toxic"),
  redacted: z
    .enum(["keep", "drop"])
    .default("keep")
    .describe("conversations from which the source removed personal data"),
  roles: z
    .enum(["reject", "repair"])
    .default("reject")
    .describe(
      "system turns and broken alternation: reject, or leave out system turns and leading assistant turns and join neighbours of one role with a blank line",
    ),
  repeats: z
    .enum(["drop", "keep"])
    .default("drop")
    .describe("rows whose id was seen before (WildChat: the same content): keep the earliest, or all under new ids"),
  paths: z
    .enum(["best", "leaves"])
    .default("best")
    .describe("source `oasst2`: the best-ranked path of each message tree, or one path for each of its leaves"),
  maxBadRows: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe("share of rows that may fail their schema before the run stops"),
  columns: ChatColumns.prefault({}).describe(
    "source `chat`: which column holds what, such as id=conversation_id,user=who",
  ),
});
export type PrepareOptions = z.infer<typeof PrepareOptions>;

/** Turns rows of one source into records: the pure part of `scatter`. `userKey` is the key that user ids are hashed with. */
export function recordOf(
  raw: RawConversation | Unusable,
  source: string,
  options: PrepareOptions,
  userKey: string,
): Row {
  const id = conversationId(source, raw.source_id);
  const reject = (reason: string, detail: object) => ({ r: rejection(id, id, reason, detail) });
  if ("reason" in raw) return reject(raw.reason, raw.detail);
  const verdict = judge(raw, options);
  if ("reason" in verdict) return reject(verdict.reason, verdict.detail);
  const { source_id, country, language, model, started_at, redacted, toxic } = raw;
  const user_id = raw.user ? keyed(userKey, raw.user).slice(0, 32) : null;
  const opening = verdict.turns[0]?.content ?? "";
  return {
    c: {
      id,
      source,
      source_id,
      user_id,
      country: country || null,
      language,
      model,
      started_at,
      opening,
      turns: verdict.turns,
      redacted,
      toxic,
    },
    ended_at: raw.ended_at ?? null,
  };
}

function badRow(bad: BadRow, source: string): Rejection {
  const { file, row, source_id, ...found } = bad;
  const conversation = source_id === null ? null : conversationId(source, source_id);
  return rejection(`${file}:${row}`, conversation, "schema", { file, row, ...found });
}

async function scatter(task: Task<PrepareOptions>): Promise<Partial<Tally>> {
  const { plan, options, index, run } = task;
  const source = sourceNamed(plan.source);
  const { input, part } = pieceOf(task);
  const userKey = userKeyOf(task);
  const counts: Record<string, number> = {};
  const count = (name: string, by = 1) => {
    if (by > 0) counts[name] = (counts[name] ?? 0) + by;
  };
  const writer = new ShardWriter(plan.shards);
  let rows = 0;
  async function* blocks() {
    const reading = { ...options, unread: rejectedUnread(options), part };
    for await (const found of readRows(inputPath(run, input), inputName(plan, input), source, reading, task.signal)) {
      rows++;
      const record =
        "bad" in found
          ? { r: badRow(found.bad, source.name) }
          : recordOf(found.conversation, source.name, options, userKey);
      for (const name of present(found)) count(`rows_with_${name}`);
      if ("bad" in found) count("rows_failing_schema");
      else if ("c" in record) describe(found.conversation, record.c, count);
      const key = "c" in record ? record.c.id : (record.r.conversation_id ?? record.r.id);
      yield* writer.add(shardOf(key, plan.shards), packed(record));
      if (rows === 1000 && counts["rows_failing_schema"] === 1000)
        throw tooManyBad(1000, 1000, options, source.name, "r" in record ? record.r : undefined);
      if (rows % 10_000 === 0) task.report(rows, 0, "rows");
    }
    yield* writer.end();
  }
  await task.writeBytes(task.path(scattered(index)), blocks(), () => rows);
  return { taken: part.index === 0 ? 1 : 0, in: rows, counts };
}

/** The piece that a task of `scatter` reads. */
function pieceOf({ plan, index }: Task<PrepareOptions>): Piece {
  const piece = piecesOf(plan)[index];
  if (!piece) throw new RangeError(`no piece ${index}`);
  return piece;
}

function present(found: Found): readonly string[] {
  return "conversation" in found && "turns" in found.conversation ? (found.conversation.present ?? []) : [];
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

function scattered(index: number): string {
  return `scattered-${String(index).padStart(5, "0")}.blocks`;
}

/** The key of the user hash: a secret from the environment, or derived from the seed so that runs repeat. */
function userKeyOf(task: Task<PrepareOptions>): string {
  const secret = task.world.env["FLIPTURN_USER_KEY"];
  if (userKeyName(secret) !== task.plan.user_key) {
    throw new UsageError("FLIPTURN_USER_KEY is not what it was when the plan was made; set it to the same secret");
  }
  return secret || keyed(task.plan.seed, "user key");
}

async function gather(task: Task<PrepareOptions>): Promise<Partial<Tally>> {
  const { plan, options, index } = task;
  const before = await task.results("scatter");
  const { in: rows, counts } = addTallies(before.map((marker) => marker.tally));
  const bad = counts["rows_failing_schema"] ?? 0;
  if (rows === 0)
    throw new InputError(
      `${plan.inputs.map((input) => input.path).join(", ")}: no rows; expected one conversation a row`,
    );
  if (bad > options.maxBadRows * rows) throw tooManyBad(bad, rows, options, plan.source, firstBad(task));
  requireColumns(task, counts);
  const records: Row[] = [];
  for (const piece of piecesOf(plan).keys()) {
    for (const record of readShard(task.path(scattered(piece)), index)) records.push(unpacked(record));
  }
  const { conversations, ends, rejections } = settle(records, options);
  const kept = await task.write("conversations", Conversation, conversations);
  const closings = conversations.map((conversation, at) => closingOf(conversation, ends[at] ?? null));
  await task.write("closings", Closing, closings);
  const rejected = await task.writeRejections(rejections);
  return { kept, rejected };
}

/** Some row that failed its schema, in whichever shard it is. */
function firstBad(task: Task<PrepareOptions>): Rejection | undefined {
  for (const piece of piecesOf(task.plan).keys()) {
    for (let shard = 0; shard < task.plan.shards; shard++) {
      for (const record of readShard(task.path(scattered(piece)), shard)) {
        const row = unpacked(record);
        if ("r" in row && row.r.reason === "schema") return row.r;
      }
    }
  }
  return undefined;
}

function tooManyBad(
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
      " --max-bad-rows allows more.",
  );
}

export const prepare = defineStage({
  name: "prepare",
  summary: "one source's rows -> conversations; language, toxicity, roles, repeats",
  reads: ["download"],
  unit: "conversations",
  options: PrepareOptions,
  isIntermediate: (name) => name.startsWith("scattered-"),
  phases: [
    { name: "scatter", tasks: (plan) => piecesOf(plan).length, run: scatter },
    { name: "gather", tasks: (plan) => plan.shards, run: gather },
  ],
});
