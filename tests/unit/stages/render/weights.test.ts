import { describe, expect, test } from "vitest";
import { columnsOf, type Layout } from "../../../../stages/forms/dataset-columns.ts";
import { FORM_NAMES, type FormName, formNamed } from "../../../../stages/forms/index.ts";
import { conversation } from "../../../helpers/conversation.ts";
import { written, writtenOf } from "../../../helpers/written.ts";

const ONE = conversation("user: hi", "assistant: hello");
const DOUBTFUL = { end_confidence: 0.35, end_reasons: ["last_day" as const] };
const SURE = { end_confidence: 0.95, end_reasons: ["thanks" as const] };

describe("weighted ends", () => {
  test("a row of one target says its weight: 1, or for an end how sure it is", async () => {
    for (const form of FORM_NAMES.filter((name) => name !== "openai")) {
      const { rows } = await writtenOf({ form }, null, DOUBTFUL, [ONE]);
      expect(rows.map(({ weight }) => weight)).toEqual([1, 0.35]);
    }
  });

  test("a row of a whole conversation says the weight of each of its targets", async () => {
    for (const form of FORM_NAMES.filter((name) => formNamed(name).holdsSeveral && name !== "openai")) {
      const { rows } = await writtenOf({ form, layout: "conversations" }, null, DOUBTFUL, [ONE]);
      expect(rows.map((row) => [row.target_turns, row.target_weights])).toEqual([
        [
          [1, 2],
          [1, 0.35],
        ],
      ]);
    }
  });

  test("a row of tokens says the weight of each token: that of its target, 0 where the label is -100", async () => {
    const { rows } = await writtenOf({ form: "tokens", layout: "conversations" }, null, DOUBTFUL, [ONE]);
    const { labels, loss_weights, target_starts } = rows[0] as (typeof rows)[number];
    for (const [at, label] of labels.entries())
      expect(loss_weights[at]).toBe(label === -100 ? 0 : at < (target_starts[1] as number) ? 1 : 0.35);
    expect(new Set(loss_weights)).toEqual(new Set([0, 1, 0.35]));
  });

  test("a token that is cut off takes its weight with it", async () => {
    const cut = { form: "tokens" as const, overflow: "cut-right" as const, maxTokens: 12 };
    const { rows } = await writtenOf(cut, null, DOUBTFUL, [ONE]);
    expect(rows.map(({ loss_weights, input_ids }) => loss_weights.length === input_ids.length)).toEqual([true, true]);
  });

  test("OpenAI's weights are 0 or 1, so a doubtful end is a rejection there and a sure one counts in full", async () => {
    const doubtful = await writtenOf({ form: "openai", layout: "conversations" }, null, DOUBTFUL, [ONE]);
    expect(doubtful.reasons).toEqual(["doubtful_end"]);
    expect(doubtful.rows.map(({ messages }) => messages)).toEqual([[{ role: "assistant", content: "hi", weight: 1 }]]);
    const sure = await writtenOf({ form: "openai" }, null, SURE, [ONE]);
    expect(sure.reasons).toEqual([]);
    expect(sure.rows[1]?.messages.at(-1)).toMatchObject({ content: "<|endconversation|>", weight: 1 });
  });

  test("bring columns of their own, which are not there where all ends count alike", async () => {
    const more = (name: FormName, layout: Layout) => {
      const plain = Object.keys(columnsOf(formNamed(name), layout).shape);
      return Object.keys(columnsOf(formNamed(name), layout, true).shape).filter((column) => !plain.includes(column));
    };
    expect(more("samples", "samples")).toEqual(["weight"]);
    expect(more("axolotl", "conversations")).toEqual(["target_weights"]);
    expect(more("tokens", "samples")).toEqual(["weight", "loss_weights"]);
    const { rows } = await written({ form: "tokens" }, null, ONE);
    expect(rows[0]).not.toHaveProperty("loss_weights");
  });
});
