import { describeParquet, fileLiteral, query, quote } from "../../pipeline/duckdb.ts";
import { InputError, UsageError } from "../../pipeline/errors.ts";
import { type Line, parseLine, readLines } from "../../pipeline/jsonl.ts";
import { requireReadable } from "../../pipeline/plan.ts";
import { Sample } from "../../schemas/sample.ts";
import { joined, MessagesRow, PromptCompletionRow, render, type Segment } from "../../stages/write/forms.ts";
import { loadTokenizer } from "../../stages/write/tokenizer.ts";
import { hasColour, paint } from "../draw.ts";

/** Which rows to show and how. */
export interface InspectFlags {
  readonly id?: string;
  readonly kind?: string;
  readonly rows: number;
  readonly ids: boolean;
  readonly json?: boolean;
}

type Shown = { id: string; kind: string; split: string | null; prompt: Segment[]; completion: Segment[] };

/** `flipturn inspect`: rows of a file of samples or of a finished dataset, as the model will see them. */
export async function inspect(path: string, flags: InspectFlags): Promise<void> {
  await showSamples(path, flags);
}

/** Prints samples of a file, the target coloured or, without colours, between marks. Throws UsageError if none fits. */
export async function showSamples(path: string, flags: InspectFlags): Promise<void> {
  await requireReadable(path);
  let left = flags.rows;
  for await (const row of rowsOf(path, flags)) {
    const shown = readRow(row, path);
    if (!matches(shown, flags)) continue;
    if (flags.json) console.log(JSON.stringify(await asJson(shown, flags.ids)));
    else await print(shown, flags.ids);
    left--;
    if (left === 0) return;
  }
  if (left === flags.rows)
    throw new UsageError(
      `${path}: no row ${[flags.id && `with id ${flags.id}`, flags.kind && `of kind ${flags.kind}`].filter(Boolean).join(" and ") || "at all"}`,
    );
}

async function asJson({ prompt, completion, ...about }: Shown, ids: boolean): Promise<Record<string, unknown>> {
  const text = { ...about, prompt: joined(prompt), completion: joined(completion) };
  return ids ? { ...text, prompt_ids: await encode(prompt), completion_ids: await encode(completion) } : text;
}

function matches(shown: Shown, flags: InspectFlags): boolean {
  return (
    (flags.kind === undefined || shown.kind === flags.kind) &&
    (flags.id === undefined || shown.id === flags.id || shown.id.includes(flags.id))
  );
}

async function* rowsOf(path: string, flags: InspectFlags): AsyncGenerator<unknown> {
  if (!path.endsWith(".parquet")) {
    for await (const line of readLines(path)) yield read(line, path);
    return;
  }
  const columns = await describeParquet(path);
  if (!columns.has("id"))
    throw new UsageError(`${path}: not a file of samples; its columns are ${[...columns.keys()].join(", ")}`);
  const wanted = flags.id === undefined ? "" : ` WHERE contains(id, ${quote(flags.id)})`;
  yield* query(`SELECT * FROM read_parquet(${fileLiteral(path)})${wanted}`, path);
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

/** A row of any form, rendered: what the model is given and what it must write. */
function readRow(row: unknown, path: string): Shown {
  const sample = Sample.safeParse(row);
  if (sample.success) return { ...head(sample.data), split: sample.data.split, ...render(sample.data) };
  const text = PromptCompletionRow.safeParse(row);
  if (text.success)
    return { ...head(text.data), split: null, prompt: cut(text.data.prompt), completion: cut(text.data.completion) };
  const chat = MessagesRow.safeParse(row);
  if (!chat.success)
    throw new InputError(
      `${path}: not a row of samples, messages or prompt-completion; is it a file that flipturn wrote?`,
    );
  const { messages, kind } = chat.data;
  const intent = messages[0]?.role === "system" ? messages[0].content : null;
  const context = messages.slice(intent === null ? 0 : 1, -1) as Sample["context"];
  return {
    ...head(chat.data),
    split: null,
    ...render({ intent, context, target: messages.at(-1)?.content ?? "", kind }),
  };
}

/** Text that was joined, in pieces again: where its control tokens stand. */
function cut(text: string): Segment[] {
  const parts = text.split(/(<\|(?:start_header_id|end_header_id|eot_id|endconversation)\|>)/);
  return parts.map((part, at) => ({ text: part, control: at % 2 === 1 })).filter((segment) => segment.text !== "");
}

function head({ id, kind }: { id: string; kind: string }): { id: string; kind: string } {
  return { id, kind };
}

async function print({ id, kind, split, prompt, completion }: Shown, ids: boolean): Promise<void> {
  console.log(paint("bold", `${id}  ${kind}${split ? `, ${split}` : ""}`));
  if (hasColour()) console.log(`${paint("dim", joined(prompt))}${paint(["bold", "green"], joined(completion))}`);
  else console.log(`${joined(prompt)}\n--- target (in the loss) ---${joined(completion)}\n--- end of target ---`);
  if (ids) {
    const [context, target] = [await encode(prompt), await encode(completion)];
    console.log(`${paint("dim", `[${context.join(", ")}]`)} ${paint("green", `[${target.join(", ")}]`)}`);
    console.log(`${context.length} tokens of context, ${target.length} of target`);
  }
  console.log();
}

/** Llama 3 token ids of rendered pieces, each piece on its own: text that looks like a control token stays text. */
async function encode(segments: readonly Segment[]): Promise<number[]> {
  llama3 ??= loadTokenizer(null);
  const tokenizer = await llama3;
  return segments.flatMap(({ text, control }) => (control ? [tokenizer.control(text)] : [...tokenizer.encode(text)]));
}

let llama3: ReturnType<typeof loadTokenizer> | undefined;
