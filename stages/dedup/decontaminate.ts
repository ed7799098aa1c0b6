/** A run and evaluation sets -> the conversations whose user turns hold text of these. */
import { basename, join } from "node:path";
import { writeText } from "../../pipeline/files/atomic-file.ts";
import { tableRows } from "../../pipeline/finished-run.ts";
import { fetchAddress, hubAddress } from "../../pipeline/hub/address.ts";
import { hubNet } from "../../pipeline/hub/http.ts";
import { compare } from "../../pipeline/order.ts";
import { requireReadable } from "../../pipeline/plan.ts";
import type { Run } from "../../pipeline/run-folder.ts";
import type { Contamination } from "../../schemas/contamination.ts";
import { prepared } from "../prepare/artefacts.ts";
import { Evaluation, findInTurns } from "./overlap/find.ts";
import { readItems } from "./overlap/items.ts";

/** What is compared, and what is to become of the conversations that are found. */
export interface DecontaminateOptions {
  /** Files, or `hf://datasets/…`. */
  readonly against: readonly string[];
  /** Columns to compare; none = the first known one that is there. */
  readonly columns: readonly string[];
  readonly verdict: Contamination["verdict"];
  /** Items of fewer words are not looked for. */
  readonly leastWords: number;
  /** Where the result goes. */
  readonly file: string;
}

/** What was found of one evaluation set. */
export interface FoundOfSet {
  readonly name: string;
  readonly items: number;
  /** Items that had too few words to be looked for. */
  readonly short: number;
  readonly items_found: number;
  readonly conversations: number;
  readonly exact: number;
  readonly overlaps: number;
}

/** Finds text of evaluation sets in what users say, and writes which conversations hold which items. */
export async function decontaminate(
  run: Run,
  { against, columns, verdict, leastWords, file }: DecontaminateOptions,
  signal: AbortSignal,
): Promise<{ found: Contamination[]; sets: FoundOfSet[] }> {
  const files = await evaluationFiles(run, against, signal);
  const evaluation = new Evaluation(leastWords);
  const counts = new Map<string, Items>();
  for (const { path, name } of files) {
    const own = { items: 0, short: 0 };
    for await (const item of readItems(path, name, columns, signal)) own[evaluation.add(item) ? "items" : "short"]++;
    counts.set(name, own);
  }
  const found: Contamination[] = [];
  for await (const conversation of tableRows(run, prepared.conversations, ["id", "turns"], { signal }))
    found.push(...findInTurns(evaluation, conversation, verdict));
  found.sort((a, b) => compare(a.conversation_id, b.conversation_id) || a.turn - b.turn || compare(a.item, b.item));
  writeText(file, found.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return { found, sets: files.map(({ name }) => summaryOf(name, counts.get(name) as Items, found)) };
}

type Items = Pick<FoundOfSet, "items" | "short">;

function summaryOf(name: string, counts: Items, found: readonly Contamination[]): FoundOfSet {
  const own = found.filter((row) => row.item.slice(0, row.item.lastIndexOf(":")) === name);
  const exact = own.filter((row) => row.match === "exact").length;
  return {
    name,
    ...counts,
    items_found: new Set(own.map((row) => row.item)).size,
    conversations: new Set(own.map((row) => row.conversation_id)).size,
    exact,
    overlaps: own.length - exact,
  };
}

/** A file of an evaluation set: where it lies, and what its items are called after. */
type EvaluationFile = { path: string; name: string };

/** Local files as they are; files of the Hub (`hf://datasets/owner/name@revision/path`) fetched into the folder of the run. */
async function evaluationFiles(run: Run, against: readonly string[], signal: AbortSignal): Promise<EvaluationFile[]> {
  const files: EvaluationFile[] = [];
  for (const each of against) {
    const address = hubAddress(each, "--against");
    if (address === null) {
      await requireReadable(each);
      files.push({ path: each, name: basename(each) });
      continue;
    }
    const { env, fetch } = run.environment;
    const net = hubNet(env, { fetch, signal });
    for (const { path, file } of await fetchAddress(address, join(run.folder, "evaluation"), net))
      files.push({ path, name: `${address.repo}/${file.path}` });
  }
  const names = files.map((file) => file.name);
  return files.map((file) =>
    names.filter((name) => name === file.name).length > 1 ? { ...file, name: file.path } : file,
  );
}
