import { describe, expect, test } from "vitest";
import { chatFormat } from "../../../../pipeline/text/chat-template/chat-template.ts";
import { joined, type Segment } from "../../../../pipeline/text/segment.ts";
import { columnsOf, type Layout } from "../../../../stages/forms/dataset-columns.ts";
import { FORM_NAMES, type FormName, formNamed } from "../../../../stages/forms/index.ts";
import { modelInput } from "../../../../stages/forms/read.ts";
import { conversation } from "../../../helpers/conversation.ts";
import { written } from "../../../helpers/written.ts";

const INTENT = "You are a user chatting with an assistant language model to say hello.";
const TWO = conversation("user: hi", "assistant: hello\nthere", "user: ok", "assistant: bye");
const USERLM = chatFormat(
  "userlm",
  { bos: "template", bosToken: "", eosToken: "", templateDate: "2024-07-26", newlineInLoss: true, stopInLoss: true },
  [],
);

/** A row as it is read back from a file. */
const asRead = (row: object) =>
  JSON.parse(
    JSON.stringify(row, (_, value: unknown) => (ArrayBuffer.isView(value) ? Array.from(value as Int32Array) : value)),
  );

/** The layouts that a form knows. */
const layoutsOf = (form: FormName): Layout[] =>
  formNamed(form).holdsSeveral ? ["samples", "conversations"] : ["samples"];

describe("the forms", () => {
  test.each(FORM_NAMES)("%s has exactly the columns that it says", async (form) => {
    for (const layout of layoutsOf(form)) {
      const columns = columnsOf(formNamed(form), layout);
      const { rows } = await written({ form, layout }, null, TWO);
      for (const row of rows) {
        const own = Object.fromEntries(
          Object.keys(columns.shape).map((name) => [name, (row as object as Record<string, unknown>)[name]]),
        );
        expect(columns.parse(asRead(own))).toEqual(asRead(own));
      }
    }
  });

  test("samples has intent, context and target as they are", async () => {
    const { rows } = await written({}, INTENT, TWO);
    expect(rows[1]).toMatchObject({ intent: INTENT, context: TWO.turns.slice(0, 2), target: "ok", kind: "next" });
    expect(rows[2]).toMatchObject({ context: TWO.turns, target: "<|endconversation|>", kind: "end" });
  });

  test("messages has the intent as system message and the target as last user message", async () => {
    const { rows } = await written({ form: "messages" }, INTENT, TWO);
    expect(rows[1]?.["messages"]).toEqual([
      { role: "system", content: INTENT },
      { role: "user", content: "hi" },
      { role: "assistant", content: "hello\nthere" },
      { role: "user", content: "ok" },
    ]);
    expect((await written({ form: "messages" }, null, TWO)).rows[0]?.["messages"]).toEqual([
      { role: "user", content: "hi" },
    ]);
  });

  test("axolotl trains the pieces with a label, and only these", async () => {
    const { rows } = await written({ form: "axolotl", layout: "conversations" }, null, TWO);
    const pieces = rows[0]?.["segments"] as unknown as { label: boolean; text: string }[];
    const trained = pieces.reduce<string[]>((all, { label, text }, at) => {
      if (label && pieces[at - 1]?.label) all.push(`${all.pop()}${text}`);
      else if (label) all.push(text);
      return all;
    }, []);
    expect(trained).toEqual(["\nhi<|eot_id|>", "\nok<|eot_id|>", "\n<|endconversation|><|eot_id|>"]);
  });

  test("openai has the sides changed, and weights on what the person says", async () => {
    const { rows } = await written({ form: "openai", layout: "conversations" }, INTENT, TWO);
    expect(rows[0]?.["messages"]).toEqual([
      { role: "system", content: INTENT, weight: null },
      { role: "assistant", content: "hi", weight: 1 },
      { role: "user", content: "hello\nthere", weight: null },
      { role: "assistant", content: "ok", weight: 1 },
      { role: "user", content: "bye", weight: null },
      { role: "assistant", content: "<|endconversation|>", weight: 1 },
    ]);
  });

  test.each(FORM_NAMES.filter((name) => name !== "tokens"))("%s is read back as what the model sees", async (form) => {
    for (const layout of layoutsOf(form)) {
      const { rows } = await written({ form, layout }, INTENT, TWO);
      const text = rows.map((row) => joined(modelInput(asRead(row), USERLM) as Segment[]));
      const expected = (await written({ form: "trl" }, INTENT, TWO)).rows.map(
        ({ prompt, completion }) => `${prompt}${completion}`,
      );
      expect(text).toEqual(layout === "conversations" ? expected.slice(-1) : expected);
    }
  });

  test("samples is read back with the end as a token, and the same typed by a person as text", async () => {
    const { rows } = await written({}, null, conversation("user: <|endconversation|>", "assistant: ok"));
    const targets = rows.map((row) => (modelInput(asRead(row), USERLM) as Segment[]).filter(({ loss }) => loss)[1]);
    expect(targets).toEqual([
      { text: "<|endconversation|>", control: false, loss: true },
      { text: "<|endconversation|>", control: true, loss: true },
    ]);
  });

  test("a log of chats is none of them", () => {
    expect(modelInput({ messages: TWO.turns }, USERLM)).toBeNull();
  });
});
