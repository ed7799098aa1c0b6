import { z } from "zod";
import { UsageError } from "../../../pipeline/errors.ts";
import { requireReadable } from "../../../pipeline/plan.ts";
import { joined } from "../../../pipeline/text/segment.ts";
import { type InspectedRow, inspectedRows, type Stretch } from "../../../stages/inspect/rows.ts";
import { defineCommand } from "../command.ts";
import { type Io, print } from "../io.ts";
import { runAround } from "../runs.ts";
import { hasColour, paint } from "../terminal.ts";

const InspectInput = z.strictObject({
  file: z.string().describe("Parquet, JSONL or Arrow file of samples or of a finished dataset"),
  id: z.string().optional().describe("rows whose id is or contains this"),
  kind: z.string().optional().describe("rows of this kind: first, next or end"),
  rows: z.int().min(1).default(1).describe("how many rows"),
  ids: z.boolean().default(false).describe("show token ids too"),
  tokenizer: z.string().optional().describe("llama3 or a tokenizer.json; default: the run's"),
  chatTemplate: z.string().optional().describe("userlm, llama3, chatml or a Jinja file; default: the run's"),
  json: z.boolean().default(false).describe("print rows as JSON, one a line"),
});
/** Which rows to show and how. */
export type InspectInput = z.infer<typeof InspectInput>;

/** `flipturn inspect`: rows of a file of samples or of a finished dataset, as the model will see them. */
export const inspect = defineCommand({
  name: "inspect",
  summary: "show rows as the model will see them, the target coloured",
  input: InspectInput,
  positional: "file",
  examples: ["flipturn inspect output/demo/dataset/samples/data/train-00000-of-00001.parquet --kind end --ids"],
  run: ({ file, ...wanted }, io) => showRows(file, wanted, io),
});

/** Prints rows of a file, the targets coloured or, without colours, between marks. Throws UsageError if none fits. */
export async function showRows(path: string, wanted: Omit<InspectInput, "file">, io: Io): Promise<void> {
  await requireReadable(path);
  const { id, kind, tokenizer, chatTemplate, rows, ids, json } = wanted;
  const options = {
    ...(id !== undefined && { id }),
    ...(kind !== undefined && { kind }),
    ...(tokenizer !== undefined && { tokenizer }),
    ...(chatTemplate !== undefined && { chatTemplate }),
  };
  let left = rows;
  for await (const row of inspectedRows(path, await runAround(path, io), options)) {
    if (json) print(io, JSON.stringify(asJson(row, ids)));
    else show(row, ids, io);
    left--;
    if (left === 0) return;
  }
  const asked = [id && `with id ${id}`, kind && `of kind ${kind}`].filter(Boolean).join(" and ") || "at all";
  if (left === rows) throw new UsageError(`${path}: no row ${asked}`);
}

function asJson({ parts, ...about }: InspectedRow, ids: boolean): Record<string, unknown> {
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

function show({ id, kind, split, parts }: InspectedRow, ids: boolean, io: Io): void {
  print(io, paint(io, "bold", [id, [kind, split].filter(Boolean).join(", ")].join("  ")));
  for (const { text, loss } of parts) {
    if (hasColour(io)) io.stdout.write(paint(io, loss ? ["bold", "green"] : "dim", text));
    else io.stdout.write(loss ? `\n--- target (in the loss) ---${text}\n--- end of target ---\n` : text);
  }
  print(io, "");
  if (ids)
    print(io, parts.map(({ ids: own, loss }) => paint(io, loss ? "green" : "dim", `[${own.join(", ")}]`)).join(" "));
  print(io, `${paint(io, "dim", lossLine(parts))}\n`);
}

/** What of a row counts towards the loss, in words. */
function lossLine(parts: readonly Stretch[]): string {
  const targets = parts.filter(({ loss }) => loss);
  const tokens = (list: readonly Stretch[]) => list.reduce((sum, { ids }) => sum + ids.length, 0);
  const all = `in the loss: ${tokens(targets)} of ${tokens(parts)} tokens`;
  const [only] = targets;
  if (targets.length !== 1 || !only) return `${all}, those of ${targets.length} targets`;
  const { text } = only;
  return `${all}, ${JSON.stringify(text.length <= 60 ? text : `${text.slice(0, 30)} … ${text.slice(-30)}`)}`;
}
