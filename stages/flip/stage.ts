/**
 * Conversations, users and intents -> samples ("Flipping the Dialogue", section 2.1): a conversation with K user turns
 * becomes K + 1 samples. Sample k predicts user turn k from the intent and all turns before it; the last one predicts
 * `<|endconversation|>` after the last assistant turn. What cannot be a sample is a rejection: a user turn with nothing
 * in it, the end of a conversation that stops on a user turn, since that would teach leaving without an answer, and on
 * request an end that is doubtful: a log may stop where the user did not, see `stages/dedup/ending.ts`.
 * A sample says where its turns stand; their text stays where `prepare` wrote it.
 */
import { z } from "zod";
import { parquet, query } from "../../pipeline/files/duckdb.ts";
import { defineStage } from "../../pipeline/stage.ts";
import type { Task } from "../../pipeline/task.ts";
import { Conversation, firstTyped, isEmpty } from "../../schemas/conversation.ts";
import { Ending, EndLabels, endWeight } from "../../schemas/end-label.ts";
import type { Tally } from "../../schemas/manifest.ts";
import type { Rejection } from "../../schemas/rejection.ts";
import { Sample } from "../../schemas/sample.ts";
import { Placed } from "../../schemas/split-assignment.ts";
import type { Split } from "../../schemas/user.ts";

export const FlipOptions = z.strictObject({
  emptyTargets: z
    .enum(["drop", "keep"])
    .default("drop")
    .describe("user turns in which nothing was typed, as targets; they stay in the context of later ones"),
  endAfterUser: z
    .enum(["drop", "keep"])
    .default("drop")
    .describe("the end of a conversation that stops on a user turn: `keep` teaches leaving without an answer"),
  endLabels: EndLabels.default("all").describe(
    "the ends of conversations: all, as published; those with an end_confidence of at least 0.5; or all with it as their weight in the loss",
  ),
});
export type FlipOptions = z.infer<typeof FlipOptions>;

/** What flipping looks at: of each text, whether anything was typed. */
const Flipped = Conversation.pick({ id: true, turns: true });

/** What else is known of a conversation: its split, and how sure its end is (null = that was not asked for). */
type Known = { readonly split: Split; readonly ending?: Omit<Ending, "conversation_id"> | null };

/** The K + 1 samples of a conversation with K user turns, in order; in place of one that cannot be, its rejection. */
export function flip(
  { id: conversation_id, turns }: z.infer<typeof Flipped>,
  { split, ending = null }: Known,
  options: FlipOptions = FlipOptions.parse({}),
): (Sample | Rejection)[] {
  const places = turns.flatMap(({ role }, at) => (role === "user" ? [at] : []));
  const number = places.length;
  const reject = (turn: number, reason: string, found: object = {}): Rejection => {
    const detail = JSON.stringify({ turn, turns: number, ...found });
    return { id: `${conversation_id}:${turn}`, conversation_id, stage: "flip", reason, detail };
  };
  const sample = (turn: number, kind: Sample["kind"], context_turns: number, weight = 1): Sample => {
    return {
      id: `${conversation_id}:${turn}`,
      conversation_id,
      split,
      turn,
      turns: number,
      kind,
      context_turns,
      weight,
    };
  };
  const flipped = places.map((at, place) => {
    const turn = turns[at];
    const isTarget = turn && (options.emptyTargets === "keep" || !isEmpty(turn));
    return isTarget ? sample(place + 1, place === 0 ? "first" : "next", at) : reject(place + 1, "empty_target");
  });
  const end = (): Sample | Rejection => {
    if (turns.at(-1)?.role === "user" && options.endAfterUser === "drop") return reject(number + 1, "ends_with_user");
    const weight = ending ? endWeight(ending, options.endLabels) : 1;
    if (ending && weight === 0) {
      const { end_confidence, end_reasons } = ending;
      return reject(number + 1, "doubtful_end", { end_confidence, end_reasons });
    }
    return sample(number + 1, "end", turns.length, weight);
  };
  return [...flipped, end()];
}

async function flipShard(task: Task<FlipOptions>): Promise<Partial<Tally>> {
  const dropped = await task.dropped(["dedup", "intents"]);
  const splits = await readSplits(task);
  const endings = await readEndings(task);
  const rejections: Rejection[] = [];
  const counts: Record<string, number> = {};
  let taken = 0;
  async function* samples(): AsyncGenerator<Sample> {
    for await (const conversation of outlines(task)) {
      if (dropped.has(conversation.id)) continue;
      const split = splits.get(conversation.id);
      if (split === undefined) throw new Error(`${conversation.id}: has no split`);
      const ending = endings?.get(conversation.id);
      if (endings && !ending) throw new Error(`${conversation.id}: has no ending`);
      taken++;
      for (const row of flip(conversation, { split, ending: ending ?? null }, task.options)) {
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

/** The conversations of the shard, of each text only its first character that is no white space: the engine leaves the rest behind. */
async function* outlines(task: Task<FlipOptions>): AsyncGenerator<z.infer<typeof Flipped>> {
  const path = task.shard("prepare", "conversations");
  const outline = `list_transform(turns, lambda t: {'role': t.role, 'content': ${firstTyped("t.content")}})`;
  for await (const row of query(`SELECT id, ${outline} AS turns FROM ${parquet(path)}`, path, task.signal))
    yield row as z.infer<typeof Flipped>;
}

/** The split of each conversation of the shard. */
async function readSplits(task: Task<FlipOptions>): Promise<Map<string, Split>> {
  const splits = new Map<string, Split>();
  for await (const { conversation_id, split } of task.read("split", "placed", Placed))
    splits.set(conversation_id, split);
  return splits;
}

/** How sure the end of each conversation of the shard is; null = all ends count alike, so nobody asks. */
async function readEndings(task: Task<FlipOptions>): Promise<Map<string, Ending> | null> {
  if (task.options.endLabels === "all") return null;
  const endings = new Map<string, Ending>();
  for await (const ending of task.read("dedup", "endings", Ending)) endings.set(ending.conversation_id, ending);
  return endings;
}

export const flipStage = defineStage({
  name: "flip",
  summary: "K user turns -> K + 1 samples, each to be predicted from the intent and the turns before it",
  reads: ["prepare", "dedup", "split", "intents"],
  unit: "samples",
  options: FlipOptions,
  phases: [{ name: "flip", tasks: (plan) => plan.shards, run: flipShard }],
});
