import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { tokenizerFor } from "../../../../pipeline/models/count-tokens.ts";
import type { Turn } from "../../../../schemas/conversation.ts";
import { drawPilot, promptCounter } from "../../../../stages/intents/estimate.ts";
import { fillPrompt, loadPrompt, type Prompt } from "../../../../stages/intents/prompt.ts";
import { texts } from "../../../helpers/texts.ts";

const { count } = await tokenizerFor("gpt-4o");

describe("tokens", () => {
  test("of a filled prompt are the same counted by parts as counted whole, whatever was said", () => {
    const turn = fc.record({ role: fc.constantFrom<Turn["role"]>("user", "assistant"), content: texts });
    for (const prompt of [loadPrompt(null), { text: "Look:\n[CONVERSATION] \n\nSay it.", version: "" } as Prompt]) {
      const byParts = promptCounter(prompt, count);
      expect(byParts).not.toBe(count);
      fc.assert(
        fc.property(fc.array(turn, { minLength: 1, maxLength: 4 }), (turns) => {
          const filled = fillPrompt(prompt, { turns });
          expect(byParts(filled)).toBe(count(filled));
        }),
      );
    }
  });

  test("of a template where parts would not add up are counted whole", () => {
    expect(promptCounter({ text: "Look: [CONVERSATION]!", version: "" }, count)).toBe(count);
  });
});

test("a pilot is drawn by the seed alone, whatever the order of the conversations", async () => {
  const all = Array.from({ length: 200 }, (_, at) => ({ id: `c${at}`, turns: [] }));
  const drawn = async (list: typeof all, seed: string) =>
    (
      await drawPilot(
        (async function* () {
          yield* list;
        })(),
        10,
        seed,
      )
    ).map(({ id }) => id);
  expect(await drawn(all, "1")).toHaveLength(10);
  expect(await drawn([...all].reverse(), "1")).toEqual(await drawn(all, "1"));
  expect(await drawn(all, "2")).not.toEqual(await drawn(all, "1"));
  expect(await drawn(all.slice(0, 3), "1")).toHaveLength(3);
});
