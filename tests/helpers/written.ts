import type { Conversation } from "../../schemas/conversation.ts";
import type { Ending } from "../../schemas/end-label.ts";
import type { Sample } from "../../schemas/sample.ts";
import { FlipOptions, flip } from "../../stages/flip/stage.ts";
import { Output } from "../../stages/render/dataset-writer.ts";
import { loadSettings } from "../../stages/render/settings.ts";
import { WriteOptions } from "../../stages/render/stage.ts";
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

/** The rows that `write` makes of conversations with one intent, its rejections and its counts. */
export function written(options: Partial<WriteOptions>, intent: string | null, ...conversations: Conversation[]) {
  return writtenOf(options, intent, null, conversations);
}

/** The same where every end is as sure as it says, and counts by that; null = all ends count alike. */
export async function writtenOf(
  options: Partial<WriteOptions>,
  intent: string | null,
  ending: Omit<Ending, "conversation_id"> | null,
  conversations: readonly Conversation[],
): Promise<{ rows: WrittenRow[]; reasons: string[]; counts: Record<string, number> }> {
  const rows: WrittenRow[] = [];
  const labels = FlipOptions.parse({ endLabels: ending ? "weighted" : "all" });
  const file = {
    write: async (row: Record<string, unknown>) => void rows.push(row as unknown as WrittenRow),
    commit: async () => ({ rows: rows.length, bytes: 0, sha256: "" }),
    discard: () => {},
  };
  const settings = await loadSettings(WriteOptions.parse(options), ending !== null);
  const output = new Output(["train"], () => file, settings);
  for (const { source_id, started_at, opening, redacted, toxic, ...told } of conversations) {
    const samples = flip(told, { split: "train", ending }, labels).filter((row): row is Sample => "kind" in row);
    await output.add(told, intent, samples);
  }
  await output.commit();
  return { rows, reasons: output.rejections.map(({ reason }) => reason), counts: output.counts };
}
