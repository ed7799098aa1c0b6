/** A run -> one conversation's way through every stage, or the reason it left. */
import { join, relative } from "node:path";
import type { Table } from "../../pipeline/artefact.ts";
import { UsageError } from "../../pipeline/errors.ts";
import { query, quote } from "../../pipeline/files/duckdb.ts";
import { countRowsOf, splitOfFile } from "../../pipeline/files/row-files.ts";
import { finishedManifest, requireDone } from "../../pipeline/fingerprint.ts";
import { tableSql } from "../../pipeline/finished-run.ts";
import { filesFolder, type Run } from "../../pipeline/run-folder.ts";
import { type Stage, stageIn, variantIn } from "../../pipeline/stage.ts";
import type { Manifest } from "../../schemas/manifest.ts";
import { Split } from "../../schemas/user.ts";
import { flipped } from "../flip/artefacts.ts";
import { conditioned } from "../intents/artefacts.ts";
import { prepared } from "../prepare/artefacts.ts";
import { rendered, rowsWritten } from "../render/artefacts.ts";
import { conversationId } from "../sources/source.ts";
import { assigned } from "../split/artefacts.ts";

/** A row of an artefact, with the columns that are worth showing. */
type Row = Record<string, unknown>;

/** What one stage did with the conversation: its rows, and the rejections that speak of it. */
export interface ExplainedStage {
  readonly stage: string;
  readonly state: "kept" | "rejected" | "not done";
  readonly rejections: readonly Row[];
  readonly rows: readonly Row[];
}

/** Tables with rows about one conversation: the columns worth showing, and the one with its id. */
const SHOWN: readonly { table: Table; columns: string; key: string }[] = [
  {
    table: prepared.conversations,
    columns: "id, user_id, country, language, model, started_at, len(turns) AS turns, opening",
    key: "id",
  },
  { table: conditioned.intents, columns: "intent, status, origin, model", key: "conversation_id" },
  { table: flipped.samples, columns: "id, split, turn, kind, context_turns", key: "conversation_id" },
];

/**
 * What every stage did with a conversation, up to the one where it left. `id` may be in full, without the source before it,
 * or that of one of its samples. Throws UsageError if the run has no such conversation, NotReadyError before `prepare` is done.
 */
export async function explain(run: Run, id: string): Promise<{ conversation_id: string; steps: ExplainedStage[] }> {
  await requireDone(run, prepared.conversations.stage);
  const conversation_id = await findConversation(run, id);
  const steps: ExplainedStage[] = [];
  for (const { name } of run.plan.stages) {
    if (stageOf(run, name).takes === undefined) continue; // it keeps and drops no rows of others
    // What one form did with it says nothing of the others.
    const isOver = steps.some(
      ({ stage, state }) => state !== "kept" && [null, variantIn(name)].includes(variantIn(stage)),
    );
    if (!isOver) steps.push(await explainStage(run, name, conversation_id));
  }
  return { conversation_id, steps };
}

/** The id as the run has it. */
async function findConversation(run: Run, id: string): Promise<string> {
  const { source } = run.plan;
  const spelled = (text: string) => [text, `${source}:${text}`, conversationId(source, text)];
  const { conversations, rejections } = prepared;
  for (const each of [...spelled(id), ...spelled(id.replace(/:\d+$/, ""))]) {
    const is = quote(each);
    const kept = await select(`SELECT id FROM ${await tableSql(run, conversations)} WHERE id = ${is}`);
    const left = await select(
      `SELECT id FROM ${await tableSql(run, rejections)} WHERE conversation_id = ${is} OR id = ${is}`,
    );
    if (kept.length + left.length > 0) return each;
  }
  throw new UsageError(`${run.folder}: no conversation ${id}; ids look like ${source}:<id of the source>`);
}

async function explainStage(run: Run, planned: string, conversation: string): Promise<ExplainedStage> {
  const manifest = await finishedManifest(run, planned);
  if (!manifest) return { stage: planned, state: "not done", rejections: [], rows: [] };
  const stage = stageOf(run, planned);
  const rejections = await rejectionsOf(run, planned, stage, conversation);
  const rows = await rowsOf(run, manifest, stage, conversation);
  // One that makes samples of conversations may have rejected only some of them.
  const isFilter = stageOf(run, stage.takes ?? "")?.unit === stage.unit;
  const isLeft = rejections.length > 0 && (isFilter || rows.length === 0);
  return { stage: planned, state: isLeft ? "rejected" : "kept", rejections, rows };
}

function stageOf(run: Run, planned: string): Stage {
  return run.chain.stages.find(({ name }) => name === stageIn(planned)) as Stage;
}

async function rejectionsOf(run: Run, planned: string, { writes }: Stage, conversation: string): Promise<Row[]> {
  if (!writes.rejections) return [];
  const is = quote(conversation);
  return select(
    `SELECT id, reason, detail FROM ${await tableSql(run, writes.rejections, { variant: variantIn(planned) })}
      WHERE conversation_id = ${is} OR (conversation_id IS NULL AND id = ${is})`,
  );
}

async function rowsOf(run: Run, manifest: Manifest, { writes }: Stage, conversation: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { table, columns, key } of SHOWN)
    if (writes[table.name] === table)
      rows.push(
        ...(await select(`SELECT ${columns} FROM ${await tableSql(run, table)} WHERE ${key} = ${quote(conversation)}`)),
      );
  if (writes[assigned.users.name] === assigned.users) rows.push(...(await userOf(run, conversation)));
  if (writes[rendered.dataset.name] === rendered.dataset) rows.push(...(await writtenTo(run, manifest, conversation)));
  return rows;
}

/** The user whose conversation it is; where one has several countries, in that of the conversation. */
async function userOf(run: Run, conversation: string): Promise<Row[]> {
  const sql = `SELECT u.split, u.user_id, u.country, u.conversations, u.country IS NOT DISTINCT FROM c.country AS is_own
    FROM ${await tableSql(run, assigned.users)} u
    JOIN ${await tableSql(run, prepared.conversations)} c ON u.user_id = coalesce(c.user_id, c.id)
    WHERE c.id = ${quote(conversation)}`;
  const users = (await select(sql)).map(({ is_own, ...user }) => ({ user, isOwn: is_own === true }));
  return (users.length > 1 ? users.filter(({ isOwn }) => isOwn) : users).map(({ user }) => user);
}

/** The files of the dataset that have rows of the conversation. */
async function writtenTo(run: Run, manifest: Manifest, conversation: string): Promise<Row[]> {
  const folder = filesFolder(run, manifest.stage, rendered.dataset);
  const rows: Row[] = [];
  const { files } = rowsWritten(manifest, relative(run.folder, folder));
  for (const { path } of files.filter((each) => splitOfFile(each.path, Split.options))) {
    const file = join(folder, path);
    const count = await countRowsOf(file, conversation);
    if (count > 0) rows.push({ file, rows: count });
  }
  return rows;
}

async function select(sql: string): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const row of query(sql, "explain")) rows.push(row as Row);
  return rows;
}
