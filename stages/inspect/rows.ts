/** A file of samples or of a dataset -> its rows as the model will see them. */
import { existsSync } from "node:fs";
import { basename, dirname } from "node:path";
import { fileName } from "../../pipeline/artefact.ts";
import { InputError, UsageError } from "../../pipeline/errors.ts";
import { describeParquet, parquet, query, quote } from "../../pipeline/files/duckdb.ts";
import { type Line, parseLine, readLines } from "../../pipeline/files/jsonl.ts";
import { filePath, type Run, resolveGiven } from "../../pipeline/run-folder.ts";
import { variantIn } from "../../pipeline/stage.ts";
import { loadText, type Text } from "../../pipeline/text/load-text.ts";
import type { Segment } from "../../pipeline/text/segment.ts";
import { flipped } from "../flip/artefacts.ts";
import { modelInput } from "../forms/read.ts";
import { conditioned } from "../intents/artefacts.ts";
import { prepared } from "../prepare/artefacts.ts";
import { RenderOptions, textOptions } from "../render/options.ts";

/** Which rows, and with which text where it is not that of the run. */
export interface InspectOptions {
  readonly id?: string;
  readonly kind?: string;
  readonly tokenizer?: string;
  readonly chatTemplate?: string;
}

/** A stretch of a row that counts towards the loss, or one that does not. */
export type Stretch = { text: string; loss: boolean; ids: number[] };

/** A row of a file, in stretches. */
export type InspectedRow = { id: string; kind: string | null; split: string | null; parts: Stretch[] };

/** The rows of a file that are asked for, in order. `run` is the one that the file lies in; null = none. Throws UsageError for a file of something else. */
export async function* inspectedRows(
  path: string,
  run: Run | null,
  options: InspectOptions,
): AsyncGenerator<InspectedRow> {
  const text = await textFor(run, path, options);
  for await (const row of rowsOf(path, run, options)) {
    const head = headOf(row);
    if (matches(head, options)) yield { ...head, parts: partsOf(row, path, text) };
  }
}

/** Chat template and tokenizer: as given, else those of the run that the file is in, else the defaults. */
async function textFor(run: Run | null, path: string, options: InspectOptions): Promise<Text> {
  const rendering = run?.plan.stages.filter(({ options: own }) => "chatTemplate" in own) ?? [];
  const own = rendering.find(({ name }) => path.split(/[\\/]/).includes(variantIn(name) ?? "")) ?? rendering[0];
  const { tokenizer, chatTemplate } = options;
  const wanted = RenderOptions.parse({
    ...own?.options,
    ...(tokenizer && { tokenizer }),
    ...(chatTemplate && { chatTemplate }),
  });
  const resolve = (name: string) =>
    run === null || name === tokenizer || name === chatTemplate ? name : resolveGiven(run, name);
  // Where nothing was counted, something is all the same.
  return loadText(textOptions(wanted.tokenizer === "none" ? { ...wanted, tokenizer: "llama3" } : wanted), resolve);
}

/** Neighbours that are both in the loss, or both not, as one part. */
function partsOf(row: unknown, path: string, { chat, encoder }: Text): Stretch[] {
  const found = modelInput(row, chat);
  if (!found || !encoder) throw new InputError(`${path}: not a row of a dataset; is it a file that flipturn wrote?`);
  const parts: Stretch[] = [];
  const add = (loss: boolean, text: string, more: ArrayLike<number>) => {
    const last = parts.at(-1);
    if (last?.loss !== loss) parts.push({ text, loss, ids: Array.from(more) });
    else {
      last.text += text;
      last.ids.push(...Array.from(more));
    }
  };
  if ("ids" in found) {
    for (const [index, id] of found.ids.entries()) add(found.inLoss[index] ?? false, "", [id]);
    return parts.map((part) => ({ ...part, text: encoder.decode(part.ids) }));
  }
  for (const segment of found as readonly Segment[]) add(segment.loss, segment.text, encoder.ids(segment));
  return parts;
}

function matches({ id, kind }: Pick<InspectedRow, "id" | "kind">, wanted: InspectOptions): boolean {
  return (
    (wanted.kind === undefined || kind === wanted.kind) &&
    (wanted.id === undefined || id === wanted.id || id.includes(wanted.id))
  );
}

async function* rowsOf(path: string, run: Run | null, options: InspectOptions): AsyncGenerator<unknown> {
  if (path.endsWith(".arrow")) yield* (await import("../../pipeline/files/arrow.ts")).readArrow(path);
  else if (path.endsWith(".parquet")) yield* parquetRows(path, run, options);
  else for await (const line of readLines(path)) yield parsed(line, path);
}

async function* parquetRows(path: string, run: Run | null, options: InspectOptions): AsyncGenerator<unknown> {
  const columns = await describeParquet(path);
  const id = columns.has("id") ? "id" : columns.has("ids") ? "ids[1]" : null;
  if (id === null)
    throw new UsageError(`${path}: not a file of samples; its columns are ${[...columns.keys()].join(", ")}`);
  const wanted = options.id === undefined || id !== "id" ? "" : ` WHERE contains(id, ${quote(options.id)})`;
  const from = columns.has("context_turns") ? withText(path, run) : parquet(path);
  yield* query(`SELECT * FROM ${from}${wanted}`, path);
}

/** The samples of `flip` as SQL, with the text that they speak of, which stays in the shards of `prepare` and `intents`. */
function withText(path: string, run: Run | null): string {
  const shards = run?.plan.shards ?? 0;
  const shard = Array.from({ length: shards }, (_, index) => index).find(
    (index) => fileName(flipped.samples, index, shards) === basename(path),
  );
  if (run === null || shard === undefined)
    throw new UsageError(
      `${path}: its text is in the run that it belongs to, and ${dirname(path)} is in none; samples are shown within their run`,
    );
  const [conversations, intents] = [prepared.conversations, conditioned.intents].map((artefact) => {
    const file = filePath(run, artefact.stage, artefact, shard);
    if (existsSync(file)) return parquet(file);
    throw new UsageError(`${path}: its text is in ${file}, which is not there; samples are shown within their run`);
  });
  return `(SELECT s.*, i.intent, c.turns[:s.context_turns] AS context,
      CASE s.kind WHEN 'end' THEN '<|endconversation|>' ELSE c.turns[s.context_turns + 1].content END AS target
    FROM ${parquet(path)} s JOIN ${conversations} c ON c.id = s.conversation_id
    JOIN ${intents} i ON i.conversation_id = s.conversation_id)`;
}

function parsed(line: Line, path: string): unknown {
  try {
    return parseLine(line);
  } catch (cause) {
    throw new InputError(
      `${path}:${line.number}: expected one JSON object on the line, found ${(cause as Error).message}`,
      { cause },
    );
  }
}

function headOf(row: unknown): Omit<InspectedRow, "parts"> {
  const { id, ids, kind, split } = row as { id?: string; ids?: string[]; kind?: string; split?: string };
  return { id: id ?? ids?.join(" ") ?? "", kind: kind ?? null, split: split ?? null };
}
