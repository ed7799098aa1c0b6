import { join } from "node:path";
import { UsageError } from "../../pipeline/errors.ts";
import { fileLiteral, query, quote } from "../../pipeline/files/duckdb.ts";
import { finishedManifest } from "../../pipeline/manifest.ts";
import type { Run } from "../../pipeline/plan.ts";
import { conversationId } from "../../schemas/conversation.ts";
import type { Manifest } from "../../schemas/manifest.ts";
import { findRun } from "./status.ts";
import { paint } from "./terminal.ts";

/** What one stage did with the conversation: its rows, and the rejections that speak of it. */
type Step = { stage: string; state: "kept" | "rejected" | "not done"; rejections: Row[]; rows: Row[] };
type Row = Record<string, unknown>;

/** Artefact, columns worth showing and the column with the conversation's id, by stage. */
const SHOWN: Record<string, { artefact: string; columns: string; key: string }> = {
  prepare: {
    artefact: "conversations",
    columns: "id, user_id, country, language, model, started_at, len(turns) AS turns, opening",
    key: "id",
  },
  intents: { artefact: "intents", columns: "intent, status, origin, model", key: "conversation_id" },
  flip: {
    artefact: "samples",
    columns: "id, split, turn, kind, context_turns",
    key: "conversation_id",
  },
};

/** `flipturn explain`: one conversation's way through every stage, or the reason it left. */
export async function explain(id: string, flags: { output?: string; json?: boolean }): Promise<void> {
  const run = await findRun(flags.output);
  const prepared = await finishedManifest(run, "prepare");
  if (!prepared) throw new UsageError(`${run.folder}: stage prepare is not done; nothing can be explained yet`);
  const conversation = await findConversation(run, prepared, id);
  const steps: Step[] = [];
  for (const { name } of run.plan.stages.slice(1)) {
    const step = await explainStage(run, name, conversation);
    steps.push(step);
    if (step.state !== "kept") break;
  }
  if (flags.json) return console.log(JSON.stringify({ conversation_id: conversation, steps }, null, 2));
  console.log(paint("bold", conversation));
  for (const step of steps) show(step);
}

/** The id as the run has it: in full, without the source before it, or that of one of its samples. */
async function findConversation(run: Run, prepared: Manifest, id: string): Promise<string> {
  const { source } = run.plan;
  const spelled = (text: string) => [text, `${source}:${text}`, conversationId(source, text)];
  for (const each of [...spelled(id), ...spelled(id.replace(/:\d+$/, ""))]) {
    const is = quote(each);
    const kept = await select(run, prepared, "conversations", "id", `id = ${is}`);
    const left = await select(run, prepared, "rejections", "id", `conversation_id = ${is} OR id = ${is}`);
    if (kept.length + left.length > 0) return each;
  }
  throw new UsageError(`${run.folder}: no conversation ${id}; ids look like ${source}:<id of the source>`);
}

async function explainStage(run: Run, stage: string, conversation: string): Promise<Step> {
  const manifest = await finishedManifest(run, stage);
  if (!manifest) return { stage, state: "not done", rejections: [], rows: [] };
  const about = `conversation_id = ${quote(conversation)}`;
  const rejections = await select(
    run,
    manifest,
    "rejections",
    "id, reason, detail",
    `${about} OR (conversation_id IS NULL AND id = ${quote(conversation)})`,
  );
  const shown = SHOWN[stage];
  const rows = shown
    ? await select(run, manifest, shown.artefact, shown.columns, `${shown.key} = ${quote(conversation)}`)
    : [];
  if (stage === "split") rows.push(...(await splitOf(run, manifest, conversation)));
  if (stage === "write") rows.push(...(await writtenTo(run, manifest, conversation)));
  // A stage whose rows are conversations has lost this one; one that makes samples may have lost only some of them.
  const left = rejections.length > 0 && (stage === "dedup" || stage === "intents" || rows.length === 0);
  return { stage, state: left ? "rejected" : "kept", rejections, rows };
}

async function splitOf(run: Run, manifest: Manifest, conversation: string): Promise<Row[]> {
  const prepared = await finishedManifest(run, "prepare");
  const owners = prepared
    ? await select(
        run,
        prepared,
        "conversations",
        "coalesce(user_id, id) AS user_id, country",
        `id = ${quote(conversation)}`,
      )
    : [];
  const owner = owners[0];
  if (!owner) return [];
  const users = await select(
    run,
    manifest,
    "users",
    "split, user_id, country, conversations",
    `user_id = ${quote(String(owner["user_id"]))}`,
  );
  return users.length > 1 ? users.filter((user) => user["country"] === owner["country"]) : users;
}

async function writtenTo(run: Run, manifest: Manifest, conversation: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { path } of manifest.outputs.filter((file) => file.path.includes("/data/"))) {
    const file = join(run.folder, path);
    const reader = path.endsWith(".parquet") ? "read_parquet" : "read_json_auto";
    const sql = `SELECT count(*)::INT AS rows FROM ${reader}(${fileLiteral(file)}) WHERE conversation_id = ${quote(conversation)}`;
    for await (const row of query(sql, file)) if ((row as Row)["rows"] !== 0) rows.push({ file, ...(row as Row) });
  }
  return rows;
}

/** Rows of an artefact of a finished stage, all shards, that fulfil a condition. */
async function select(run: Run, manifest: Manifest, artefact: string, columns: string, where: string): Promise<Row[]> {
  const paths = manifest.outputs
    .filter((file) => file.path.split("/").at(-1)?.startsWith(`${artefact}-`))
    .map((file) => join(run.folder, file.path));
  if (paths.length === 0) return [];
  const rows: Row[] = [];
  const sql = `SELECT ${columns} FROM read_parquet([${paths.map(fileLiteral).join(", ")}]) WHERE ${where}`;
  for await (const row of query(sql, manifest.stage)) rows.push(row as Row);
  return rows;
}

function show({ stage, state, rejections, rows }: Step): void {
  console.log(`${paint(state === "kept" ? "green" : "red", stage.padEnd(9))} ${state}`);
  for (const { id, reason, detail } of rejections) console.log(`            ${reason}  ${id}  ${detail}`);
  for (const row of rows)
    console.log(
      `            ${Object.entries(row)
        .map(([name, value]) => `${name}=${brief(value)}`)
        .join("  ")}`,
    );
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? "";
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}
