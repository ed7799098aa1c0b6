import { isEmpty } from "../../pipeline/text/white-space.ts";
import type { Conversation } from "../../schemas/conversation.ts";
import type { EndLabel, EndLabels } from "../../schemas/end-label.ts";
import type { Rejection } from "../../schemas/rejection.ts";
import type { Sample } from "../../schemas/sample.ts";
import type { Split } from "../../schemas/user.ts";
import { flipped } from "./artefacts.ts";
import { CONFIDENT, FlipOptions } from "./options.ts";

/** A conversation as flipping looks at it: of each text, whether anything was typed. */
export type Outline = Pick<Conversation, "id" | "turns">;

/** What else is known of a conversation: its split, and how sure its end is (null = that was not asked for). */
export type SplitAndEnd = { readonly split: Split; readonly end?: Omit<EndLabel, "conversation_id"> | null };

/** The K + 1 samples of a conversation with K user turns, in order; in place of one that cannot be, its rejection. */
export function flip(
  { id: conversation_id, turns }: Outline,
  { split, end = null }: SplitAndEnd,
  options: FlipOptions = FlipOptions.parse({}),
): (Sample | Rejection)[] {
  const places = turns.flatMap(({ role }, place) => (role === "user" ? [place] : []));
  const number = places.length;
  const reject = (turn: number, reason: string, found: object = {}): Rejection => {
    const detail = JSON.stringify({ turn, turns: number, ...found });
    return { id: `${conversation_id}:${turn}`, conversation_id, stage: flipped.samples.stage, reason, detail };
  };
  const sample = (turn: number, kind: Sample["kind"], context_turns: number, weight = 1): Sample => {
    const id = `${conversation_id}:${turn}`;
    return { id, conversation_id, split, turn, turns: number, kind, context_turns, weight };
  };
  const targets = places.map((place, index) => {
    const turn = turns[place];
    const isTarget = turn && (options.emptyTargets === "keep" || !isEmpty(turn));
    return isTarget ? sample(index + 1, index === 0 ? "first" : "next", place) : reject(index + 1, "empty_target");
  });
  const last = (): Sample | Rejection => {
    if (turns.at(-1)?.role === "user" && options.endAfterUser === "drop") return reject(number + 1, "ends_with_user");
    const weight = end ? endWeight(end, options.endLabels) : 1;
    if (end && weight === 0) {
      const { end_confidence, end_reasons } = end;
      return reject(number + 1, "doubtful_end", { end_confidence, end_reasons });
    }
    return sample(number + 1, "end", turns.length, weight);
  };
  return [...targets, last()];
}

/** The weight of a conversation's end sample in the loss; 0 = it gets none. */
function endWeight({ end_confidence }: Pick<EndLabel, "end_confidence">, labels: EndLabels): number {
  if (labels === "all") return 1;
  if (labels === "weighted") return end_confidence;
  return end_confidence >= CONFIDENT ? 1 : 0;
}
