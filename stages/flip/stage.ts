/**
 * Conversations, users and intents -> samples ("Flipping the Dialogue", section 2.1): a conversation with K user turns
 * becomes K + 1 samples. Sample k predicts user turn k from the intent and all turns before it; the last one predicts
 * `<|endconversation|>` after the last assistant turn. What cannot be a sample is a rejection: a user turn with nothing
 * in it, the end of a conversation that stops on a user turn, since that would teach leaving without an answer, and on
 * request an end that is doubtful: a log may stop where the user did not, see `stages/dedup/end-confidence.ts`.
 * A sample says where its turns stand; their text stays where `prepare` wrote it.
 */

import { defineStage } from "../../pipeline/define-stage.ts";
import { query } from "../../pipeline/files/duckdb.ts";
import type { Task } from "../../pipeline/task.ts";
import { firstTyped } from "../../pipeline/text/white-space.ts";
import type { EndLabel } from "../../schemas/end-label.ts";
import type { Tally } from "../../schemas/manifest.ts";
import type { Rejection } from "../../schemas/rejection.ts";
import type { Sample } from "../../schemas/sample.ts";
import type { Split } from "../../schemas/user.ts";
import { deduplicated } from "../dedup/artefacts.ts";
import { conditioned } from "../intents/artefacts.ts";
import { prepared } from "../prepare/artefacts.ts";
import { assigned } from "../split/artefacts.ts";
import { flipped } from "./artefacts.ts";
import { flip, type Outline } from "./flip.ts";
import { FlipOptions } from "./options.ts";

/** Flips the conversations of a shard that no stage has dropped. */
async function flipShard(task: Task<FlipOptions>): Promise<Partial<Tally>> {
  const dropped = await task.dropped([deduplicated.rejections, conditioned.rejections]);
  const splits = await readSplits(task);
  const ends = await readEnds(task);
  const rejections: Rejection[] = [];
  const counts: Record<string, number> = {};
  let taken = 0;
  async function* samples(): AsyncGenerator<Sample> {
    for await (const conversation of outlines(task)) {
      if (dropped.has(conversation.id)) continue;
      const split = splits.get(conversation.id);
      if (split === undefined) throw new Error(`${conversation.id}: has no split`);
      const end = ends?.get(conversation.id);
      if (ends && !end) throw new Error(`${conversation.id}: has no end label`);
      taken++;
      for (const row of flip(conversation, { split, end: end ?? null }, task.options)) {
        if ("reason" in row) rejections.push(row);
        else {
          for (const name of [`samples_${split}`, `samples_${row.kind}`]) counts[name] = (counts[name] ?? 0) + 1;
          yield row;
        }
      }
    }
  }
  const kept = await task.write(flipped.samples, samples());
  const rejected = await task.reject(rejections);
  return { taken, in: kept + rejections.length, kept, rejected, counts };
}

/** The conversations of the shard, of each text only its first character that is no white space: the engine leaves the rest behind. */
async function* outlines(task: Task<FlipOptions>): AsyncGenerator<Outline> {
  const outline = `list_transform(turns, lambda t: {'role': t.role, 'content': ${firstTyped("t.content")}})`;
  const sql = `SELECT id, ${outline} AS turns FROM ${await task.table(prepared.conversations)}`;
  for await (const row of query(sql, prepared.conversations.name, task.signal)) yield row as Outline;
}

/** The split of each conversation of the shard. */
async function readSplits(task: Task<FlipOptions>): Promise<Map<string, Split>> {
  const splits = new Map<string, Split>();
  for await (const { conversation_id, split } of task.read(assigned.split_assignments))
    splits.set(conversation_id, split);
  return splits;
}

/** How sure the end of each conversation of the shard is; null = all ends count alike, so nobody asks. */
async function readEnds(task: Task<FlipOptions>): Promise<Map<string, EndLabel> | null> {
  if (task.options.endLabels === "all") return null;
  const ends = new Map<string, EndLabel>();
  for await (const label of task.read(deduplicated.end_labels)) ends.set(label.conversation_id, label);
  return ends;
}

/** The stage `flip`, as the head of this file tells. */
export const flipStage = defineStage({
  name: "flip",
  module: import.meta.url,
  summary: "K user turns -> K + 1 samples, each to be predicted from the intent and the turns before it",
  takes: "intents",
  reads: [
    prepared.conversations,
    deduplicated.rejections,
    deduplicated.end_labels,
    assigned.split_assignments,
    conditioned.rejections,
  ],
  writes: flipped,
  advice: {
    empty_target: "--set flip.emptyTargets=keep",
    ends_with_user: "--set flip.endAfterUser=keep",
    doubtful_end: "--end-labels all",
  },
  unit: "samples",
  options: FlipOptions,
  phases: [{ name: "flip", tasks: (plan) => plan.shards, run: flipShard }],
});
