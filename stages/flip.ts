/**
 * Conversations, users and intents -> samples ("Flipping the Dialogue", section 2.1): a conversation with K user turns
 * becomes K + 1 samples. Sample k predicts user turn k from the intent and all turns before it; the last one predicts
 * `<|endconversation|>` after the last assistant turn. What cannot be a sample is a rejection: a user turn with nothing
 * in it, and the end of a conversation that stops on a user turn, since that would teach leaving without an answer.
 */
import { z } from "zod";
import { defineStage } from "../pipeline/stage.ts";
import type { Task } from "../pipeline/task.ts";
import { Conversation, isEmpty } from "../schemas/conversation.ts";
import { Intent } from "../schemas/intent.ts";
import type { Tally } from "../schemas/manifest.ts";
import { Placed } from "../schemas/placed.ts";
import type { Rejection } from "../schemas/rejection.ts";
import { END, Sample } from "../schemas/sample.ts";
import type { Split } from "../schemas/user.ts";

const FlipOptions = z.strictObject({});
type FlipOptions = z.infer<typeof FlipOptions>;

/**
 * The K + 1 samples of a conversation with K user turns, in order; in place of one that cannot be, its rejection.
 * `intent` null = the ablation without intents.
 */
export function flip(conversation: Conversation, intent: string | null, split: Split): (Sample | Rejection)[] {
  const { id: conversation_id, source, turns, language, country, model, user_id } = conversation;
  const places = turns.flatMap((turn, at) => (turn.role === "user" ? [at] : []));
  const about = { conversation_id, source, split };
  const origin = { language, country, model, user_id };
  const reject = (turn: number, reason: string): Rejection => {
    return {
      id: `${conversation_id}:${turn}`,
      conversation_id,
      stage: "flip",
      reason,
      detail: JSON.stringify({ turn, turns: places.length }),
    };
  };
  const sample = (turn: number, kind: Sample["kind"], context: Sample["context"], target: string): Sample => {
    return {
      id: `${conversation_id}:${turn}`,
      ...about,
      turn,
      turns: places.length,
      kind,
      intent,
      context,
      target,
      ...origin,
    };
  };
  const flipped = places.map((at, number) => {
    const turn = turns[at];
    if (!turn || isEmpty(turn)) return reject(number + 1, "empty_target");
    return sample(number + 1, number === 0 ? "first" : "next", turns.slice(0, at), turn.content);
  });
  const end = places.length + 1;
  const last = turns.at(-1)?.role === "user" ? reject(end, "ends_with_user") : sample(end, "end", turns, END);
  return [...flipped, last];
}

async function flipShard(task: Task<FlipOptions>): Promise<Partial<Tally>> {
  const dropped = await task.dropped(["dedup", "intents"]);
  const splits = await readSplits(task);
  const intents = new Map<string, string | null>();
  for await (const { conversation_id, intent } of task.read(
    "intents",
    "intents",
    Intent.pick({ conversation_id: true, intent: true }),
  )) {
    intents.set(conversation_id, intent);
  }
  const rejections: Rejection[] = [];
  const counts: Record<string, number> = {};
  let taken = 0;
  async function* samples(): AsyncGenerator<Sample> {
    for await (const conversation of task.read("prepare", "conversations", Conversation)) {
      if (dropped.has(conversation.id)) continue;
      const split = splits.get(conversation.id);
      const intent = intents.get(conversation.id);
      if (split === undefined || intent === undefined)
        throw new Error(`${conversation.id}: has no ${split ? "intent" : "split"}`);
      taken++;
      for (const row of flip(conversation, intent, split)) {
        if ("reason" in row) rejections.push(row);
        else {
          for (const name of [`samples_${split}`, `samples_${row.kind}`]) counts[name] = (counts[name] ?? 0) + 1;
          yield row;
        }
      }
    }
  }
  const kept = await task.write("samples", Sample, samples());
  const rejected = await task.writeRejections(rejections);
  return { taken, in: kept + rejections.length, kept, rejected, counts };
}

/** The split of each conversation of the shard. */
async function readSplits(task: Task<FlipOptions>): Promise<Map<string, Split>> {
  const splits = new Map<string, Split>();
  for await (const { conversation_id, split } of task.read("split", "placed", Placed))
    splits.set(conversation_id, split);
  return splits;
}

export const flipStage = defineStage({
  name: "flip",
  summary: "K user turns -> K + 1 samples, each to be predicted from the intent and the turns before it",
  reads: ["prepare", "dedup", "split", "intents"],
  unit: "samples",
  options: FlipOptions,
  phases: [{ name: "flip", tasks: (plan) => plan.shards, run: flipShard }],
});
