import { describe, expect, test } from "vitest";
import { wordsOf } from "../../../../pipeline/text/words.ts";
import { Overlaps } from "../../../../stages/metrics/overlap.ts";
import { contentWords, ngrams, STOP_WORDS } from "../../../../stages/metrics/words.ts";

const PREFIX = "You are a user chatting with an assistant language model to";

function overlap(variant: string, intent: string, said: string[], turn: number | null = null) {
  const overlaps = new Overlaps(PREFIX);
  overlaps.add({ intent, said });
  const row = overlaps.scores().find((each) => each.variant === variant && each.turn === turn);
  return row && [row.value, row.count];
}

describe("overlap with the intent", () => {
  const intent = `${PREFIX} plan a garden with tomato plants.`;
  // Content words of the intent: plan garden tomato plants. Of the turns: help plan vegetable garden / thanks.
  const said = ["help me plan a vegetable garden", "thanks"];

  test("divides the shared words by the user's, by the intent's, or by both", () => {
    expect(overlap("per_user_word/1-gram/no_prefix", intent, said)).toEqual([25, 2]);
    expect(overlap("per_intent_word/1-gram/no_prefix", intent, said)).toEqual([25, 2]);
    expect(overlap("jaccard/1-gram/no_prefix", intent, said)?.[0]).toBeCloseTo((100 * (2 / 6)) / 2, 10);
  });

  test("is shown by turn", () => {
    expect(overlap("per_user_word/1-gram/no_prefix", intent, said, 1)).toEqual([50, 1]);
    expect(overlap("per_user_word/1-gram/no_prefix", intent, said, 2)).toEqual([0, 1]);
    expect(overlap("per_user_word/1-gram/no_prefix", intent, said, 3)).toBeUndefined();
  });

  test("keeps or takes off what every intent begins with", () => {
    const chat = ["chatting with a language model"];
    expect(overlap("per_user_word/1-gram/no_prefix", intent, chat)).toEqual([0, 1]);
    expect(overlap("per_user_word/1-gram/with_prefix", intent, chat)).toEqual([100, 1]);
  });

  test("joins n-grams over the stop words that were taken out, up to four", () => {
    const same = ["plan the garden with my tomato plants"];
    for (const n of [1, 2, 3, 4]) expect(overlap(`jaccard/${n}-gram/no_prefix`, intent, same)).toEqual([100, 1]);
    expect(overlap("jaccard/4-gram/no_prefix", intent, ["plan garden tomato"])).toBeUndefined();
  });

  test("finds what a turn without spaces shares with the intent", () => {
    const goal = `${PREFIX} 写关于环境保护的文章`;
    const [value, count] = overlap("per_user_word/1-gram/no_prefix", goal, ["请帮我写一篇关于环境保护的文章"]) ?? [];
    expect(count).toBe(1);
    expect(value).toBeGreaterThan(40);
  });

  test("leaves out turns that are stop words alone, and says nothing where there is no turn", () => {
    expect(overlap("per_user_word/1-gram/no_prefix", intent, ["why not?", "plan"])).toEqual([100, 1]);
    expect(overlap("per_user_word/1-gram/no_prefix", intent, [])).toBeUndefined();
  });
});

describe("words", () => {
  test("that are stop words all survive the way words are cut, so that each can be met", () => {
    for (const word of STOP_WORDS) expect(wordsOf(word)).toEqual([word]);
    expect(contentWords("Can you write this for me")).toEqual(["write"]);
  });

  test("make no n-gram where there are fewer", () => {
    expect([...ngrams(["a", "b", "a", "b"], 2)]).toEqual(["a b", "b a"]);
    expect([...ngrams(["a"], 2)]).toEqual([]);
  });
});
