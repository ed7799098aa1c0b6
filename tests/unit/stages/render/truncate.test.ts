import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Conversation } from "../../../../schemas/conversation.ts";
import { conversation } from "../../../helpers/conversation.ts";
import { texts } from "../../../helpers/texts.ts";
import { type WrittenRow, written } from "../../../helpers/written.ts";

/** Every target of rows with all that stands before it, as text to compare. */
function targets(rows: readonly WrittenRow[]): string[] {
  return rows.flatMap((row) => {
    const { input_ids, target_starts, target_lengths } = row;
    const ids = Array.from(input_ids);
    return Array.from(target_starts, (start, at) => {
      const end = start + (target_lengths[at] ?? 0);
      return `${ids.slice(0, start)} -> ${ids.slice(start, end)}`;
    });
  });
}

const long = (words: number) => Array.from({ length: words }, () => "word").join(" ");
/** Every turn has 20 words, so that an exchange has 50 tokens: 2 · (20 + 5). */
const LONG = conversation(
  ...Array.from({ length: 8 }, (_, at) => `${at % 2 === 0 ? "user" : "assistant"}: ${at} ${long(19)}`),
);
const shape = (row: WrittenRow) => [row["turn"], row["dropped_turns"], row["length"]];

describe("rows longer than maxTokens", () => {
  test("leave out the oldest whole exchanges, and no more than they must", async () => {
    const { rows, reasons } = await written({ form: "tokens", maxTokens: 100 }, "be", LONG);
    expect(reasons).toEqual([]);
    const kept = rows.map(({ dropped_turns, turn }) => [turn, dropped_turns]);
    for (const [row, [turn = 0, dropped = 0]] of rows.map((each, at) => [each, kept[at] ?? []] as const)) {
      expect(row["length"]).toBeLessThanOrEqual(100);
      expect(dropped % 2).toBe(0);
      // With one exchange more it would be too long.
      if (dropped > 0) expect(row["length"] + 50).toBeGreaterThan(100);
      expect(dropped).toBeLessThanOrEqual(2 * (turn - 1));
    }
    expect(kept.at(-1)?.[1]).toBeGreaterThan(0);
  });

  test("keep intent and target, and a target that does not fit with them is a rejection", async () => {
    const one = conversation("user: hi", "assistant: ok", `user: ${long(200)}`, "assistant: ok");
    const { rows, reasons, counts } = await written({ form: "samples", maxTokens: 100 }, "be", one);
    expect(rows.map((row) => row["target"])).toEqual(["hi", "<|endconversation|>"]);
    expect(rows.at(-1)?.["intent"]).toBe("be");
    expect(rows.at(-1)?.["context"]).toEqual([]);
    expect(reasons).toEqual(["target_too_long"]);
    expect(counts).toMatchObject({
      train_turn_1_untouched: 1,
      train_turn_2_impossible: 1,
      train_turn_end_shortened: 1,
    });
  });

  test("are dropped, cut or kept if that is asked for", async () => {
    const all = (overflow: "drop" | "cut-right" | "keep") =>
      written({ form: "tokens", maxTokens: 100, overflow }, "be", LONG);
    const dropped = await all("drop");
    expect(dropped.rows.length + dropped.reasons.length).toBe(5);
    expect(new Set(dropped.reasons)).toEqual(new Set(["too_long"]));
    expect(dropped.rows.every((row) => row["dropped_turns"] === 0)).toBe(true);
    const kept = await all("keep");
    expect(kept.rows.map((row) => row["dropped_turns"])).toEqual([0, 0, 0, 0, 0]);
    expect(kept.rows.at(-1)?.["length"]).toBeGreaterThan(100);
    const cut = await all("cut-right");
    expect(cut.rows.every((row) => row["length"] <= 100)).toBe(true);
    expect(cut.counts["targets_lost"]).toBeGreaterThan(0);
    expect(Array.from(cut.rows.at(-1)?.["labels"] ?? [])).toEqual(new Array(100).fill(-100));
  });

  test("are all taken as they are where nothing is counted", async () => {
    const { rows } = await written({ form: "trl", tokenizer: "none", maxTokens: 5 }, "be", LONG);
    expect(rows.map((row) => [row["dropped_turns"], row["context_tokens"]])).toEqual(new Array(5).fill([0, null]));
  });

  test("the counts of a sample are those of its token row", async () => {
    const samples = (await written({ maxTokens: 120 }, "be", LONG)).rows;
    const tokens = (await written({ form: "tokens", maxTokens: 120 }, "be", LONG)).rows;
    for (const [at, row] of samples.entries()) {
      const labels = tokens[at]?.labels ?? [];
      const inLoss = Array.from(labels).filter((label) => label !== -100).length;
      expect([row["target_tokens"], row["context_tokens"]]).toEqual([inLoss, labels.length - inLoss]);
    }
  });
});

describe("rows of whole conversations", () => {
  const turns = fc.array(fc.oneof(texts, fc.constantFrom("", " ", "a b c")), { minLength: 2, maxLength: 12 });
  const conversations = turns.map(
    (contents): Conversation => ({
      ...conversation("user: x"),
      turns: contents.map((content, at) => ({ role: at % 2 === 0 ? "user" : "assistant", content })),
    }),
  );
  const settings = fc.record({
    maxTokens: fc.integer({ min: 12, max: 200 }),
    chatTemplate: fc.constantFrom("userlm", "llama3", "chatml"),
    newlineInLoss: fc.boolean(),
    overflow: fc.constantFrom("shorten" as const, "drop" as const, "keep" as const),
  });

  test("hold the same targets after the same contexts as single samples, whatever the conversation and the limit", async () => {
    await fc.assert(
      fc.asyncProperty(conversations, settings, fc.option(texts, { nil: null }), async (one, options, intent) => {
        const single = await written({ form: "tokens", ...options }, intent, one);
        const joined = await written({ form: "tokens", layout: "conversations", ...options }, intent, one);
        expect(targets(joined.rows).sort()).toEqual(targets(single.rows).sort());
        expect(joined.reasons).toEqual(single.reasons);
        expect(joined.rows.length).toBeLessThanOrEqual(single.rows.length);
      }),
      { numRuns: 150 },
    );
  });

  test("are one a conversation that fits, with K + 1 targets, and save what was repeated", async () => {
    const { rows, counts } = await written({ form: "tokens", layout: "conversations" }, "be", LONG);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ id: "test:1:1-5", target_turns: [1, 2, 3, 4, 5], turns: 4 });
    expect(counts).toMatchObject({ rows_train: 1, targets_train: 5 });
    expect(counts["tokens_train"]).toBeLessThan(counts["tokens_as_samples_train"] ?? 0);
  });

  test("are windows where the conversation is longer, each target in one of them", async () => {
    const { rows } = await written({ form: "tokens", layout: "conversations", maxTokens: 120 }, "be", LONG);
    expect(rows.length).toBeGreaterThan(1);
    expect(rows.flatMap((row) => row["target_turns"])).toEqual([1, 2, 3, 4, 5]);
    expect(rows.every((row) => row["length"] <= 120)).toBe(true);
  });
});

describe("the rows of any conversation", () => {
  test("count towards the loss exactly their targets: labels, loss mask and places say the same", async () => {
    const { rows } = await written({ form: "tokens", layout: "conversations" }, "be", LONG);
    for (const row of rows) {
      const { input_ids, labels, loss_mask, target_starts, target_lengths } = row;
      const inTarget = (place: number) =>
        Array.from(target_starts).some((start, at) => place >= start && place < start + (target_lengths[at] ?? 0));
      for (let place = 0; place < input_ids.length; place++) {
        expect(loss_mask[place]).toBe(inTarget(place) ? 1 : 0);
        expect(labels[place]).toBe(inTarget(place) ? input_ids[place] : -100);
      }
    }
  });

  test("have one end target at most, with id 128256 once, and none after a user turn", async () => {
    const ends = async (one: Conversation) =>
      (await written({ form: "tokens", layout: "conversations" }, null, one)).rows
        .flatMap((row) => Array.from(row["labels"]))
        .filter((label) => label === 128_256).length;
    expect(await ends(LONG)).toBe(1);
    expect(await ends(conversation("user: hi", "assistant: ok", "user: and?"))).toBe(0);
    expect(await ends(conversation("user: <|endconversation|>", "assistant: ok"))).toBe(1);
  });

  test("never hold a control token that a person typed, in ids", async () => {
    const typed = "<|eot_id|><|start_header_id|>system<|end_header_id|><|endconversation|><|begin_of_text|>";
    const one = conversation(`user: ${typed}`, `assistant: ${typed}`);
    const { rows, counts } = await written({ form: "tokens" }, typed, one);
    expect(counts["samples_with_control_tokens"]).toBe(2);
    const controls = Array.from(rows[1]?.input_ids ?? []).filter((id) => id >= 128_000);
    expect(controls).toEqual([
      ...[128006, 128007, 128009, 128006, 128007, 128009, 128006, 128007, 128009],
      ...[128006, 128007, 128256, 128009],
    ]);
  });

  test("in text forms are rejected, escaped or kept if somebody typed one", async () => {
    const one = conversation("user: hi", "assistant: <|eot_id|>", "user: bye", "assistant: ok");
    const all = (controlTokens: "drop" | "escape" | "keep") => written({ form: "trl", controlTokens }, null, one);
    const { reasons, counts } = await all("drop");
    expect(reasons).toEqual(["control_token", "control_token"]);
    // Lengths are counted of the samples that are rows.
    expect(counts).toMatchObject({ train_turn_1_untouched: 1, rows_train: 1 });
    expect(counts).not.toHaveProperty("train_turn_2_untouched");
    expect((await all("keep")).rows[1]?.["prompt"]).toContain("\n<|eot_id|><|eot_id|>");
    expect((await all("escape")).rows[1]?.["prompt"]).toContain("\n<\u200b|eot_id|><|eot_id|>");
    expect((await written({ form: "samples" }, null, one)).rows).toHaveLength(3);
  });

  test("in text forms are rejected too where only the chosen chat template has that control token", async () => {
    const one = conversation("user: <|im_start|>hi<|im_end|>", "assistant: ok");
    const all = (options: object) => written({ form: "trl", chatTemplate: "chatml", ...options }, null, one);
    expect((await all({})).reasons).toEqual(["control_token", "control_token"]);
    expect((await all({ tokenizer: "none" })).reasons).toEqual(["control_token", "control_token"]);
    expect((await all({ controlTokens: "escape" })).rows[0]?.["completion"]).toBe(
      "\n<\u200b|im_start|>hi<\u200b|im_end|><|im_end|>",
    );
    expect((await all({ chatTemplate: "userlm" })).reasons).toEqual([]);
  });

  test("say where they come from", async () => {
    const { rows } = await written({ form: "trl" }, "be", conversation("user: hi", "assistant: ok"));
    expect(rows[0]).toMatchObject({
      id: "test:1:1",
      conversation_id: "test:1",
      source: "test",
      split: "train",
      turn: 1,
      turns: 1,
      kind: "first",
      language: "English",
      country: "Chile",
      model: "gpt-4",
      user_id: "u1",
      dropped_turns: 0,
    });
    expect(shape(rows[0] as WrittenRow)).toEqual([1, 0, undefined]);
  });
});
