import { basename, join } from "node:path";
import { writeText } from "../../pipeline/files/atomic-file.ts";
import { readParquet } from "../../pipeline/files/parquet.ts";
import { fetchAddress, hubAddress } from "../../pipeline/hub/address.ts";
import { hubNet } from "../../pipeline/hub/http.ts";
import { compare } from "../../pipeline/order.ts";
import { requireReadable } from "../../pipeline/plan.ts";
import type { Contamination } from "../../schemas/contamination.ts";
import { Conversation } from "../../schemas/conversation.ts";
import { Evaluation, findInTurns } from "../../stages/dedup/overlap/find.ts";
import { readItems } from "../../stages/dedup/overlap/items.ts";
import { artefactFiles, requireDone } from "./artefacts.ts";
import { findRun } from "./status.ts";
import { count, table } from "./terminal.ts";

/** What is compared with what, and where the result goes. */
export interface DecontaminateFlags {
  readonly against: readonly string[];
  readonly column?: string;
  readonly drop?: boolean;
  readonly file?: string;
  readonly output?: string;
  readonly json?: boolean;
}

/** A file of an evaluation set: where it lies, and what its items are called after. */
type EvaluationFile = { path: string; name: string };

/** `flipturn decontaminate`: finds text of evaluation sets in what users say, and writes which conversations hold which items. */
export async function decontaminate(flags: DecontaminateFlags, signal: AbortSignal): Promise<void> {
  const run = await findRun(flags.output);
  const prepared = await requireDone(run, "prepare");
  const files = await evaluationFiles(flags.against, join(run.folder, "evaluation"), signal);
  const evaluation = new Evaluation();
  const items = new Map<string, number>();
  for (const { path, name } of files) {
    const before = evaluation.size;
    for await (const item of readItems(path, name, flags.column?.split(",") ?? [], signal)) evaluation.add(item);
    items.set(name, evaluation.size - before);
  }
  const found: Contamination[] = [];
  const schema = Conversation.pick({ id: true, turns: true });
  for await (const conversation of readParquet(artefactFiles(run, prepared, "conversations"), schema, { signal }))
    found.push(...findInTurns(evaluation, conversation, flags.drop ? "drop" : "flag"));
  found.sort((a, b) => compare(a.conversation_id, b.conversation_id) || a.turn - b.turn || compare(a.item, b.item));
  const file = flags.file ?? join(run.folder, "contaminated.jsonl");
  writeText(file, found.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const summary = files.map(({ name }) => summaryOf(name, items.get(name) ?? 0, found));
  if (flags.json) return console.log(JSON.stringify({ file, found: found.length, sets: summary }, null, 2));
  show(summary, found, { file, drop: flags.drop === true });
}

function summaryOf(name: string, items: number, found: readonly Contamination[]) {
  const own = found.filter((row) => row.item.slice(0, row.item.lastIndexOf(":")) === name);
  const conversations = new Set(own.map((row) => row.conversation_id)).size;
  const exact = own.filter((row) => row.match === "exact").length;
  return {
    name,
    items,
    items_found: new Set(own.map((row) => row.item)).size,
    conversations,
    exact,
    overlaps: own.length - exact,
  };
}

function show(
  summary: readonly ReturnType<typeof summaryOf>[],
  found: readonly Contamination[],
  { file, drop }: { file: string; drop: boolean },
): void {
  const rows = summary.map((each) => [
    each.name,
    ...[each.items, each.items_found, each.conversations, each.exact, each.overlaps].map(count),
  ]);
  console.log(
    table([["evaluation set", "items", "found", "conversations", "exact", "13-gram"], ...rows], [1, 2, 3, 4, 5]),
  );
  for (const { conversation_id, item, match, turn, text } of found.slice(0, 5))
    console.log(`\n${conversation_id} turn ${turn}, ${match} of ${item}:\n  ${text}`);
  console.log(`\n${file}: ${count(found.length)} rows`);
  console.log(
    drop
      ? `Run again with --contaminated ${file}: these conversations leave, each with its item named.`
      : `Run again with --contaminated ${file} to note them as traits; with --drop they leave, each with its item named.`,
  );
}

/** Local files as they are; files of the Hub (`hf://datasets/owner/name@revision/path`) fetched into `folder`. */
async function evaluationFiles(
  against: readonly string[],
  folder: string,
  signal: AbortSignal,
): Promise<EvaluationFile[]> {
  const files: EvaluationFile[] = [];
  for (const each of against) {
    const address = hubAddress(each, "--against");
    if (address === null) {
      await requireReadable(each);
      files.push({ path: each, name: basename(each) });
    } else {
      for (const { path, file } of await fetchAddress(address, folder, hubNet(process.env, { signal })))
        files.push({ path, name: `${address.repo}/${file.path}` });
    }
  }
  const names = files.map((file) => file.name);
  return files.map((file) =>
    names.filter((name) => name === file.name).length > 1 ? { ...file, name: file.path } : file,
  );
}
