import type { Provenance } from "../forms/dataset-columns.ts";
import type { DatasetRow } from "./truncate.ts";

/** The values of the dataset's columns but for those of the form. The id of a row of several targets names its first and last target: `<conversation>:1-4`. */
export function provenanceOf(
  { truncated }: DatasetRow,
  from: Provenance,
  counts: { context: number; target: number } | null,
): object {
  const { sample: last } = truncated.at(-1) ?? truncated[0];
  const { sample: first, from: dropped_turns } = truncated[0];
  // Column by column: spreading two objects into one took a fifteenth of the stage.
  return {
    id: first === last ? last.id : `${first.id}-${last.turn}`,
    conversation_id: last.conversation_id,
    source: from.source,
    split: last.split,
    turn: last.turn,
    turns: last.turns,
    kind: last.kind,
    weight: last.weight,
    target_turns: truncated.map((each) => each.sample.turn),
    target_weights: weightsOf(truncated),
    language: from.language,
    country: from.country,
    model: from.model,
    user_id: from.user_id,
    context_tokens: counts?.context ?? null,
    target_tokens: counts?.target ?? null,
    dropped_turns,
  };
}

/** What the loss of each target of a row is multiplied by. */
export function weightsOf(truncated: DatasetRow["truncated"]): number[] {
  return truncated.map(({ sample }) => sample.weight);
}
