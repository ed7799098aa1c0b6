import { loadText } from "../../pipeline/text/load-text.ts";
import type { Conversation } from "../../schemas/conversation.ts";
import type { EndLabel } from "../../schemas/end-label.ts";
import type { Sample } from "../../schemas/sample.ts";
import { flip } from "../../stages/flip/flip.ts";
import { FlipOptions } from "../../stages/flip/options.ts";
import { type FormName, formNamed } from "../../stages/forms/index.ts";
import { DatasetWriter } from "../../stages/render/dataset-writer.ts";
import { formOf, RenderOptions, textOptions } from "../../stages/render/options.ts";
import type { DatasetRow } from "./dataset-row.ts";

/** The columns of rows, of every form; a row has those of its own. */
export interface WrittenRow extends DatasetRow {
  readonly target_turns: number[];
  readonly prompt: string;
  readonly completion: string;
  readonly messages: object[];
  readonly segments: object[];
  readonly input_ids: Int32Array;
  readonly labels: Int32Array;
  readonly loss_mask: Int32Array;
  readonly target_starts: Int32Array;
  readonly target_lengths: Int32Array;
  readonly length: number;
  readonly weight: number;
  readonly target_weights: number[];
  readonly loss_weights: Float64Array;
}

/** Options of `render` where it is planned for one form. */
export type OneFormOptions = Partial<Omit<RenderOptions, "form">> & { readonly form?: FormName };

/** The rows that `render` makes of conversations with one intent, its rejections and its counts. */
export function written(options: OneFormOptions, intent: string | null, ...conversations: Conversation[]) {
  return writtenOf(options, intent, null, conversations);
}

/** The same where every end is as sure as it says, and counts by that; null = all ends count alike. */
export async function writtenOf(
  given: OneFormOptions,
  intent: string | null,
  end: Omit<EndLabel, "conversation_id"> | null,
  conversations: readonly Conversation[],
): Promise<{ rows: WrittenRow[]; reasons: string[]; counts: Record<string, number> }> {
  const rows: WrittenRow[] = [];
  const labels = FlipOptions.parse({ endLabels: end ? "weighted" : "all" });
  const file = {
    write: async (row: Record<string, unknown>) => void rows.push(row as unknown as WrittenRow),
    commit: async () => ({ rows: rows.length, bytes: 0, sha256: "" }),
    discard: () => {},
  };
  const options = RenderOptions.parse(given);
  const text = await loadText(textOptions(options), (path) => path);
  const settings = { ...text, ...options, form: formNamed(formOf(options)), isWeighted: end !== null };
  const writer = new DatasetWriter(["train"], () => file, settings);
  for (const { source_id, started_at, opening, redacted, toxic, ...told } of conversations) {
    const samples = flip(told, { split: "train", end }, labels).filter((row): row is Sample => "kind" in row);
    await writer.add(told, intent, samples);
  }
  await writer.commit();
  return { rows, reasons: writer.rejections.map(({ reason }) => reason), counts: writer.counts };
}
