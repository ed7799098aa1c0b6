import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { InputError, UsageError } from "../../pipeline/errors.ts";
import { describeParquet, fileLiteral, query, quote } from "../../pipeline/files/duckdb.ts";
import { type Line, parseLine, readLines } from "../../pipeline/files/jsonl.ts";
import { readPlan, requireReadable } from "../../pipeline/plan.ts";
import { joined, type Segment } from "../../pipeline/text/segment.ts";
import { seen } from "../../stages/forms/read.ts";
import { loadSettings, type Settings } from "../../stages/render/settings.ts";
import { WriteOptions } from "../../stages/render/stage.ts";
import { hasColour, paint } from "./terminal.ts";

/** Which rows to show and how. */
export interface InspectFlags {
  readonly id?: string;
  readonly kind?: string;
  readonly rows: number;
  readonly ids: boolean;
  readonly json?: boolean;
  readonly tokenizer?: string;
  readonly chatTemplate?: string;
}

/** A stretch of a row that counts towards the loss, or one that does not. */
type Part = { text: string; loss: boolean; ids: number[] };
type Shown = { id: string; kind: string | null; split: string | null; parts: Part[] };

/** `flipturn inspect`: rows of a file of samples or of a finished dataset, as the model will see them. */
export async function inspect(path: string, flags: InspectFlags): Promise<void> {
  await showSamples(path, flags);
}

/** Prints rows of a file, the targets coloured or, without colours, between marks. Throws UsageError if none fits. */
export async function showSamples(path: string, flags: InspectFlags): Promise<void> {
  await requireReadable(path);
  const settings = await settingsFor(path, flags);
  let left = flags.rows;
  for await (const row of rowsOf(path, flags)) {
    const about = headOf(row);
    if (!matches(about, flags)) continue;
    const shown = { ...about, parts: partsOf(row, path, settings) };
    if (flags.json) console.log(JSON.stringify(asJson(shown, flags.ids)));
    else print(shown, flags.ids);
    left--;
    if (left === 0) return;
  }
  if (left === flags.rows)
    throw new UsageError(
      `${path}: no row ${[flags.id && `with id ${flags.id}`, flags.kind && `of kind ${flags.kind}`].filter(Boolean).join(" and ") || "at all"}`,
    );
}

/** Chat template and tokenizer: as given, else those of the run that the file is in, else the defaults. */
async function settingsFor(path: string, flags: InspectFlags): Promise<Settings> {
  const plan = [1, 2, 3].map((up) => join(path, ...Array<string>(up).fill(".."), "plan.json")).find(existsSync);
  const planned = plan && (await readPlan(plan)).stages.find((stage) => stage.name === "write")?.options;
  const options = WriteOptions.parse({
    ...planned,
    ...(flags.tokenizer && { tokenizer: flags.tokenizer }),
    ...(flags.chatTemplate && { chatTemplate: flags.chatTemplate }),
  });
  return loadSettings(options.tokenizer === "none" ? { ...options, tokenizer: "llama3", form: "samples" } : options);
}

/** Neighbours that are both in the loss, or both not, as one part. */
function partsOf(row: unknown, path: string, settings: Settings): Part[] {
  const found = seen(row, settings.chat);
  const { encoder } = settings;
  if (!found || !encoder) throw new InputError(`${path}: not a row of a dataset; is it a file that flipturn wrote?`);
  const parts: Part[] = [];
  const add = (loss: boolean, text: string, more: ArrayLike<number>) => {
    const last = parts.at(-1);
    if (last?.loss !== loss) parts.push({ text, loss, ids: Array.from(more) });
    else {
      last.text += text;
      last.ids.push(...Array.from(more));
    }
  };
  if ("ids" in found) {
    for (const [at, id] of found.ids.entries()) add(found.inLoss[at] ?? false, "", [id]);
    return parts.map((part) => ({ ...part, text: encoder.decode(part.ids) }));
  }
  for (const segment of found as readonly Segment[]) add(segment.loss, segment.text, encoder.ids(segment));
  return parts;
}

function asJson({ parts, ...about }: Shown, ids: boolean): Record<string, unknown> {
  const of = (loss: boolean) => parts.filter((part) => part.loss === loss);
  const several = {
    ...about,
    parts: parts.map(({ text, loss, ids: own }) => ({ text, loss, ...(ids && { ids: own }) })),
  };
  if (of(true).length !== 1) return several;
  const side = (loss: boolean) => joined(of(loss).map(({ text }) => ({ text, control: false, loss })));
  const text = { ...about, prompt: side(false), completion: side(true) };
  const idsOf = (loss: boolean) => of(loss).flatMap((part) => part.ids);
  return ids ? { ...text, prompt_ids: idsOf(false), completion_ids: idsOf(true) } : text;
}

function matches(about: Pick<Shown, "id" | "kind">, flags: InspectFlags): boolean {
  return (
    (flags.kind === undefined || about.kind === flags.kind) &&
    (flags.id === undefined || about.id === flags.id || about.id.includes(flags.id))
  );
}

async function* rowsOf(path: string, flags: InspectFlags): AsyncGenerator<unknown> {
  if (path.endsWith(".arrow")) {
    yield* (await import("../../pipeline/files/arrow.ts")).readArrow(path);
  } else if (path.endsWith(".parquet")) {
    yield* parquetRows(path, flags);
  } else {
    for await (const line of readLines(path)) yield read(line, path);
  }
}

async function* parquetRows(path: string, flags: InspectFlags): AsyncGenerator<unknown> {
  const columns = await describeParquet(path);
  const id = columns.has("id") ? "id" : columns.has("ids") ? "ids[1]" : null;
  if (id === null)
    throw new UsageError(`${path}: not a file of samples; its columns are ${[...columns.keys()].join(", ")}`);
  const wanted = flags.id === undefined || id !== "id" ? "" : ` WHERE contains(id, ${quote(flags.id)})`;
  const from = columns.has("context_turns") ? await withText(path) : `read_parquet(${fileLiteral(path)})`;
  yield* query(`SELECT * FROM ${from}${wanted}`, path);
}

/** The samples of `flip` as SQL, with the text that they speak of, which stays in the shards of `prepare` and `intents`. */
async function withText(path: string): Promise<string> {
  const run = dirname(dirname(path));
  const shard = /-(\d{5}-of-\d{5}\.parquet)$/.exec(path)?.[1];
  const beside = (stage: string, artefact: string) => join(run, stage, `${artefact}-${shard}`);
  const [conversations, intents] = [beside("02-prepare", "conversations"), beside("05-intents", "intents")];
  for (const file of [conversations, intents])
    if (!existsSync(file))
      throw new UsageError(`${path}: its text is in ${file}, which is not there; samples are shown within their run`);
  return `(SELECT s.*, i.intent, c.turns[:s.context_turns] AS context,
      CASE s.kind WHEN 'end' THEN '<|endconversation|>' ELSE c.turns[s.context_turns + 1].content END AS target
    FROM read_parquet(${fileLiteral(path)}) s
    JOIN read_parquet(${fileLiteral(conversations)}) c ON c.id = s.conversation_id
    JOIN read_parquet(${fileLiteral(intents)}) i ON i.conversation_id = s.conversation_id)`;
}

function read(line: Line, path: string): unknown {
  try {
    return parseLine(line);
  } catch (cause) {
    throw new InputError(
      `${path}:${line.number}: expected one JSON object on the line, found ${(cause as Error).message}`,
      { cause },
    );
  }
}

function headOf(row: unknown): Omit<Shown, "parts"> {
  const { id, ids, kind, split } = row as { id?: string; ids?: string[]; kind?: string; split?: string };
  return { id: id ?? ids?.join(" ") ?? "", kind: kind ?? null, split: split ?? null };
}

function print({ id, kind, split, parts }: Shown, ids: boolean): void {
  console.log(paint("bold", [id, [kind, split].filter(Boolean).join(", ")].join("  ")));
  for (const { text, loss } of parts) {
    if (hasColour()) process.stdout.write(loss ? paint(["bold", "green"], text) : paint("dim", text));
    else process.stdout.write(loss ? `\n--- target (in the loss) ---${text}\n--- end of target ---\n` : text);
  }
  console.log();
  if (ids)
    console.log(parts.map(({ ids: own, loss }) => paint(loss ? "green" : "dim", `[${own.join(", ")}]`)).join(" "));
  console.log(paint("dim", lossLine(parts)));
  console.log();
}

/** What of a row counts towards the loss, in words. */
function lossLine(parts: readonly Part[]): string {
  const targets = parts.filter(({ loss }) => loss);
  const count = (list: readonly Part[]) => list.reduce((sum, { ids }) => sum + ids.length, 0);
  const all = `in the loss: ${count(targets)} of ${count(parts)} tokens`;
  const [only] = targets;
  if (targets.length !== 1 || !only) return `${all}, those of ${targets.length} targets`;
  const { text } = only;
  return `${all}, ${JSON.stringify(text.length <= 60 ? text : `${text.slice(0, 30)} … ${text.slice(-30)}`)}`;
}
