import { z } from "zod";
import type { RawConversation, Source, Unusable } from "./source.ts";
import { Time, utc } from "./time.ts";

/** What PRISM writes where nothing was said. */
const EMPTY = "EMPTY STRING";

const Entry = z.object({
  turn: z.int().min(0),
  role: z.enum(["user", "model"]),
  content: z.string(),
  model_name: z.string().nullish(),
  if_chosen: z.boolean().nullish(),
  within_turn_id: z.int().nullish(),
});
type Entry = z.infer<typeof Entry>;

const Row = z.object({
  conversation_id: z.string().min(1),
  user_id: z.string().nullish(),
  conversation_history: z.array(Entry),
  generated_datetime: Time,
});

/**
 * A row of PRISM's `conversations.jsonl` (Kirk et al. 2024): each round has one user message and up to four candidate
 * answers; the dialogue went on with the chosen one. At later rounds `if_chosen` was set by comparing texts, so that two
 * equal candidates are both true: the first by `within_turn_id` is taken and the round counted as `several_chosen`.
 */
function convert(row: Record<string, unknown>): RawConversation | Unusable {
  const prism = row as z.infer<typeof Row>;
  const turns: { role: string; content: string }[] = [];
  let severalChosen = 0;
  let model: string | null = null;
  for (const [round, entries] of rounds(prism.conversation_history)) {
    for (const entry of entries.filter((each) => each.role === "user"))
      turns.push({ role: "user", content: text(entry) });
    const answers = entries.filter((each) => each.role === "model");
    const chosen = answers
      .filter((each) => each.if_chosen)
      .sort((a, b) => (a.within_turn_id ?? 0) - (b.within_turn_id ?? 0));
    if (chosen.length > 1) severalChosen++;
    const answer = chosen[0];
    if (!answer && answers.length > 0) {
      return {
        reason: "no_chosen_answer",
        source_id: prism.conversation_id,
        detail: { turn: round, candidates: answers.length },
      };
    }
    if (!answer) continue;
    model = answer.model_name ?? model;
    turns.push({ role: "assistant", content: text(answer) });
  }
  return {
    source_id: prism.conversation_id,
    user: prism.user_id ?? null,
    country: null,
    language: null,
    model,
    started_at: utc(prism.generated_datetime),
    turns,
    redacted: null,
    toxic: null,
    counts: { rounds_with_several_chosen: severalChosen },
  };
}

/** The history by round, rounds in ascending order, entries in the order of the file. */
function rounds(history: readonly Entry[]): [number, Entry[]][] {
  const found = new Map<number, Entry[]>();
  for (const entry of history) found.set(entry.turn, [...(found.get(entry.turn) ?? []), entry]);
  return [...found].sort(([a], [b]) => a - b);
}

function text(entry: Entry): string {
  return entry.content === EMPTY ? "" : entry.content;
}

const needs = ["conversation_id", "user_id", "conversation_history", "generated_datetime"];

/** All 8,011 conversations of PRISM. As in the paper it is for evaluation only: nothing deduplicated, all of it `test`. */
export const prism: Source = {
  name: "prism",
  summary: "HannahRoseKirk/prism-alignment, 8,011 conversations for evaluation",
  hub: {
    repo: "HannahRoseKirk/prism-alignment",
    revision: "18ab5cfb37456f4ec8cbc00212ce54cf7b1239f6",
    files: ["conversations.jsonl"],
  },
  license: "cc-by-nc-4.0",
  credit: "PRISM: Kirk et al. 2024, arXiv 2404.16019 (human text CC-BY-4.0, model text CC-BY-NC-4.0)",
  defaults: { dedup: { templates: "keep" }, split: { fixedSplit: "test" } },
  row: () => Row,
  fields: () => ({ id: "conversation_id", personal: ["user_id"] }),
  select: () => ({ needs, sql: needs.map((name) => `"${name}"`).join(", ") }),
  convert,
};
