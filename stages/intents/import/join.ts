import type { Task } from "../../../pipeline/task.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import { deduplicated } from "../../dedup/artefacts.ts";
import { prepared } from "../../prepare/artefacts.ts";
import { conditioned, type Imported } from "../artefacts.ts";
import type { IntentsOptions } from "../options.ts";
import { readIntent } from "../prompt.ts";
import { noIntent, type Provider } from "../provider.ts";
import { importFiles } from "./files.ts";
import { readPublished } from "./read.ts";
import { FATES, ImportTable } from "./table.ts";

/**
 * Joins published intents with the conversations of a run, by id and else by the text of the first user turn, and writes
 * what it finds beside each shard. Returns what became of the rows and how conversations were found.
 */
export async function joinImports(task: Task<IntentsOptions>): Promise<Partial<Tally>> {
  const table = new ImportTable(task.ownPath("import-rows.jsonl.partial"));
  try {
    await readAll(task, table);
    for await (const { conversation, isLeft } of conversations(task)) table.claim(conversation, isLeft);
    table.indexTexts();
    const counts = { imported_by_id: 0, imported_by_text: 0, imported_ambiguous: 0 };
    for (const shard of task.shards) await joinShard(task, table, shard, counts);
    const fates = table.fates();
    return { counts: { ...counts, ...Object.fromEntries(FATES.map((fate) => [`published_${fate}`, fates[fate]])) } };
  } finally {
    table.close();
  }
}

async function readAll(task: Task<IntentsOptions>, table: ImportTable): Promise<void> {
  let rows = 0;
  for (const { path, record } of await importFiles(task)) {
    const before = rows;
    for await (const row of readPublished(path, task.options.importColumns ?? {}, task.signal)) {
      table.add(row);
      if (++rows % 10_000 === 0) task.report(rows, 0, "published rows");
    }
    task.inputs.push({ ...record, rows: rows - before });
  }
}

/** Every conversation of the run so far, those that dedup has dropped marked as such. */
async function* conversations(task: Task<IntentsOptions>, shards: readonly number[] = task.shards) {
  for (const shard of shards) {
    const dropped = await task.dropped([deduplicated.rejections], shard);
    for await (const conversation of task.read(prepared.conversations, ["id", "source_id", "opening"], shard))
      yield { conversation, isLeft: dropped.has(conversation.id) };
  }
}

async function joinShard(
  task: Task<IntentsOptions>,
  table: ImportTable,
  shard: number,
  counts: { imported_by_id: number; imported_by_text: number; imported_ambiguous: number },
): Promise<void> {
  async function* rows(): AsyncGenerator<Imported> {
    for await (const { conversation, isLeft } of conversations(task, [shard])) {
      const found = isLeft ? null : table.find(conversation);
      if (found === null) continue;
      counts[`imported_${found.by === "id" ? "by_id" : found.by === "text" ? "by_text" : "ambiguous"}`]++;
      const said = found.by === "ambiguous" ? { intent: null, model: null } : found;
      yield { conversation_id: conversation.id, intent: said.intent, model: said.model };
    }
  }
  await task.write(conditioned.imported, rows(), shard);
}

/** Intents that somebody published, as `joinImports` has found them for a shard. Memory: those of the shard. */
export async function imported(task: Task<IntentsOptions>): Promise<Provider> {
  const found = new Map<string, Imported>();
  for await (const row of task.read(conditioned.imported)) found.set(row.conversation_id, row);
  const { intentPrefix } = task.options;
  return {
    intentOf({ id }) {
      const row = found.get(id);
      if (!row) return noIntent("no_intent", "imported");
      if (row.intent === null) return noIntent("ambiguous", "imported");
      return { ...noIntent("ok", "imported"), ...readIntent(row.intent, intentPrefix), model: row.model };
    },
  };
}
