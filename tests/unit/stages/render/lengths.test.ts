import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ChatFormat } from "../../../../pipeline/text/chat-template/chat-format.ts";
import { loadText, type Text } from "../../../../pipeline/text/load-text.ts";
import { TextOptions } from "../../../../pipeline/text/text-options.ts";
import type { Turn } from "../../../../schemas/conversation.ts";
import type { Sample } from "../../../../schemas/sample.ts";
import { flip } from "../../../../stages/flip/flip.ts";
import { type RowSettings, rowsOf, truncateAll } from "../../../../stages/render/truncate.ts";
import { texts } from "../../../helpers/texts.ts";

const load = (chatTemplate: string) => loadText(TextOptions.parse({ chatTemplate }), (path) => path);

function turnsOf(contents: readonly string[]): Turn[] {
  return contents.map((content, at) => ({ role: at % 2 === 0 ? "user" : "assistant", content }));
}

function samplesOf(turns: readonly Turn[]): Sample[] {
  const rows = flip({ id: "c", turns: [...turns] }, { split: "train" });
  return rows.filter((row): row is Sample => !("reason" in row));
}

function settings({ chat, encoder }: Text, overflow: RowSettings["overflow"], maxTokens: number | null): RowSettings {
  return { chat, encoder, maxTokens, overflow, layout: "samples" };
}

describe.each(["userlm", "llama3", "chatml"])("lengths in %s", (template) => {
  test("are those of the rows as they would be written whole", async () => {
    const text = await load(template);
    // Where a message may depend on others, each row is rendered and counted by itself.
    const whole = { ...text, chat: { ...text.chat, isLocal: false } };
    const dialogues = fc.array(texts, { minLength: 1, maxLength: 9 });
    const limits = fc.constantFrom(null, 8, 20, 40, 100);
    const overflows = fc.constantFrom("shorten", "drop", "keep", "cut-right" as const);
    const property = fc.property(dialogues, limits, overflows, fc.boolean(), (contents, most, overflow, hasIntent) => {
      const dialogue = { intent: hasIntent ? "be brief" : null, turns: turnsOf(contents) };
      const samples = samplesOf(dialogue.turns);
      const found = truncateAll(dialogue, samples, settings(text, overflow, most));
      const expected = truncateAll(dialogue, samples, settings(whole, overflow, most));
      // A text that cannot fit is not counted to its end.
      const exact = found.map((each, at) => (each.isAtLeast ? expected[at] : each));
      expect(exact).toEqual(expected);
    });
    fc.assert(property, { numRuns: 60, seed: 1 });
  });
});

describe.each([
  ["where messages are written the same whatever stands around them", true],
  ["where each row is rendered by itself, as Jinja templates are", false],
])("the rows of a long conversation, %s,", (_, isLocal) => {
  /** How many messages are written to make all rows of so many turns. */
  async function written(turns: number): Promise<number> {
    const text = await load("userlm");
    let messages = 0;
    const render: ChatFormat["render"] = (each) => {
      messages += each.length;
      return text.chat.render(each);
    };
    const counted = settings({ ...text, chat: { ...text.chat, isLocal, render } }, "shorten", 60);
    const dialogue = { intent: null, turns: turnsOf(Array.from({ length: turns }, (_, at) => `turn ${at}`)) };
    const truncated = truncateAll(dialogue, samplesOf(dialogue.turns), counted);
    for (const { rendered } of rowsOf(dialogue, truncated, counted)) expect(rendered.segments.length).toBeLessThan(60);
    return messages;
  }

  test("cost as much a turn as those of a short one, where they have a longest length", async () => {
    const [few, many] = [await written(200), await written(2000)];
    expect(many / few).toBeLessThan(12);
  });
});

test.each([200, 5000])("of many exchanges as many stay within %i tokens, however they are sought", async (most) => {
  const text = await load("userlm");
  const dialogue = {
    intent: "be brief",
    turns: turnsOf(Array.from({ length: 160 }, (_, at) => "word ".repeat(at % 9))),
  };
  const samples = samplesOf(dialogue.turns);
  const each = { ...text, chat: { ...text.chat, isLocal: false } };
  const found = truncateAll(dialogue, samples, settings(each, "shorten", most));
  expect(found).toEqual(truncateAll(dialogue, samples, settings(text, "shorten", most)));
  expect(new Set(found.map(({ length }) => length)).size).toBe(most === 5000 ? 1 : 2);
});

test("a text that cannot fit is not cut into tokens, and its rejection says how long it is at least", async () => {
  const text = await load("userlm");
  const encoder = text.encoder;
  if (!encoder) throw new Error("no tokenizer");
  let longest = 0;
  const counted: Text = {
    ...text,
    encoder: {
      ...encoder,
      ids(segment) {
        longest = Math.max(longest, segment.text.length);
        return encoder.ids(segment);
      },
    },
  };
  const turns = turnsOf(["x".repeat(1_000_000), "y".repeat(1_000_000), "and now", "good"]);
  const found = truncateAll({ intent: null, turns }, samplesOf(turns), settings(counted, "shorten", 2048));
  expect(found.map(({ length, from }) => [length, from])).toEqual([
    ["impossible", 0],
    ["shortened", 2],
    ["shortened", 2],
  ]);
  expect(found[0]).toMatchObject({ isAtLeast: true });
  expect(found[0]?.tokens).toBeGreaterThan(2048);
  expect(longest).toBeLessThan(100);
});
