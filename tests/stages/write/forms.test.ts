import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countControlTokens } from "../../../schemas/control.ts";
import { END, Sample } from "../../../schemas/sample.ts";
import { escapeSample, FORMS, joined, render, type Segment, typedControlTokens } from "../../../stages/write/forms.ts";
import { loadTokenizer } from "../../../stages/write/tokenizer.ts";
import { conversation } from "../../helpers/conversation.ts";
import { texts } from "../../helpers/texts.ts";

/** A sample: the last line is its target (`END` makes it an end sample), the lines before its context. */
function sample(intent: string | null, ...lines: string[]): Sample {
  const target = lines.at(-1) as string;
  const context = lines.length > 1 ? conversation(...lines.slice(0, -1)).turns : [];
  const turn = context.filter(({ role }) => role === "user").length + 1;
  return {
    id: `test:1:${turn}`,
    conversation_id: "test:1",
    source: "test",
    split: "train",
    turn,
    turns: 2,
    kind: target === END ? "end" : turn === 1 ? "first" : "next",
    intent,
    context,
    target,
    language: "English",
    country: "Chile",
    model: "gpt-4",
    user_id: "u1",
  };
}

const INTENT = "You are a user chatting with an assistant language model to say hello.";
const TWO = ["user: hi", "assistant: hello\nthere", "user: ok"];

describe("the text of microsoft/UserLM-8b, byte for byte", () => {
  const SYSTEM = `<|start_header_id|>system<|end_header_id|>\n${INTENT}<|eot_id|>`;
  const OPEN = "<|start_header_id|>user<|end_header_id|>";
  const FIRST = `${OPEN}\nhi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\nhello\nthere<|eot_id|>`;
  const SECOND = `${OPEN}\nok<|eot_id|><|start_header_id|>assistant<|end_header_id|>\nbye<|eot_id|>`;

  test.each([
    ["the first turn", sample(INTENT, "hi"), `${SYSTEM}${OPEN}`, "\nhi<|eot_id|>"],
    ["the second turn", sample(INTENT, ...TWO.slice(0, 2), "ok"), `${SYSTEM}${FIRST}${OPEN}`, "\nok<|eot_id|>"],
    [
      "the end",
      sample(INTENT, ...TWO, "assistant: bye", END),
      `${SYSTEM}${FIRST}${SECOND}${OPEN}`,
      "\n<|endconversation|><|eot_id|>",
    ],
    ["the first turn without an intent", sample(null, "hi"), OPEN, "\nhi<|eot_id|>"],
    [
      "the end without an intent",
      sample(null, ...TWO.slice(0, 2), END),
      `${FIRST}${OPEN}`,
      "\n<|endconversation|><|eot_id|>",
    ],
  ])("%s", (_, row, prompt, completion) => {
    expect(FORMS["prompt-completion"].row(row)).toMatchObject({ prompt, completion });
  });

  test("keeps white space, empty turns and any character as they are", () => {
    expect(joined(render(sample(null, "user:  hi\n\n", "assistant: ", "שלום 🙂\u2028 ")).prompt)).toBe(
      `${OPEN}\n hi\n\n<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n<|eot_id|>${OPEN}`,
    );
    expect(joined(render(sample(null, " שלום 🙂\u2028 ")).completion)).toBe("\n שלום 🙂\u2028 <|eot_id|>");
  });

  test("never begins with a begin-of-text token", () => {
    for (const row of [sample(INTENT, "hi"), sample(null, ...TWO)])
      expect(joined(render(row).prompt)).not.toContain("begin_of_text");
  });
});

describe("Llama 3 tokens", async () => {
  const tokenizer = await loadTokenizer(null);
  const encode = (segments: readonly Segment[]) =>
    segments.flatMap(({ text, control }) => (control ? [tokenizer.control(text)] : [...tokenizer.encode(text)]));
  const ids = async (row: Sample) => {
    const { prompt, completion } = render(row);
    return { prompt: encode(prompt), completion: encode(completion) };
  };

  test("of an open user header and a first turn are those of the published model", async () => {
    const { prompt, completion } = await ids(sample(null, "hi"));
    expect([...prompt, ...completion]).toEqual([128006, 882, 128007, 198, 6151, 128009]);
  });

  test("of an intent stand under the system header", async () => {
    const { prompt } = await ids(sample("hi", "x"));
    expect(prompt).toEqual([128006, 9125, 128007, 198, 6151, 128009, 128006, 882, 128007]);
  });

  test("of an answer stand under the assistant header", async () => {
    const { prompt } = await ids(sample(null, "user: hi", "assistant: hi", "x"));
    expect(prompt).toEqual([
      128006, 882, 128007, 198, 6151, 128009, 128006, 78191, 128007, 198, 6151, 128009, 128006, 882, 128007,
    ]);
  });

  test("of an end are a newline, the one added token and the end of the turn", async () => {
    const { completion } = await ids(sample(null, "user: hi", "assistant: hi", END));
    expect(completion).toEqual([198, 128256, 128009]);
  });

  test.each(["\nhi", "\n\nhi", "\n", " hi"])("of %j leave the header's newline a token of its own", async (target) => {
    const { completion } = await ids(sample(null, target));
    expect(completion[0]).toBe(198);
    expect(completion.at(-1)).toBe(128009);
    expect(completion.slice(1, -1)).toEqual(encode([{ text: target, control: false }]));
    const { prompt } = await ids(sample(null, `user: ${target}`, "assistant: x", "y"));
    expect(prompt.slice(0, 4)).toEqual([128006, 882, 128007, 198]);
  });

  test.each([
    "<|eot_id|>",
    "<|endconversation|>",
    "<|begin_of_text|>",
    "<|start_header_id|>system<|end_header_id|>",
    "<|reserved_special_token_5|>",
  ])("of %s, typed by a person, are those of plain text", async (typed) => {
    const { prompt, completion } = await ids(sample(typed, `user: ${typed}`, `assistant: ${typed}`, `${typed}!`));
    expect(completion.slice(1, -1).every((id) => id < 128_000)).toBe(true);
    expect(completion.slice(1, -1).length).toBeGreaterThan(3);
    const control = prompt.filter((id) => id >= 128_000);
    expect(control).toEqual([128006, 128007, 128009, 128006, 128007, 128009, 128006, 128007, 128009, 128006, 128007]);
  });

  test("begin with no begin-of-text and hold control tokens only where they are ours, whatever is said", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.option(texts, { nil: null }),
        texts,
        texts,
        texts,
        async (intent, user, assistant, target) => {
          const row = sample(intent, `user: ${user}`, `assistant: ${assistant}`, target || "x");
          const { prompt, completion } = await ids(row);
          const messages = (intent === null ? 0 : 1) + 2;
          expect(prompt.filter((id) => id >= 128_000)).toHaveLength(3 * messages + 2);
          expect(completion.filter((id) => id >= 128_000)).toEqual(row.kind === "end" ? [128256, 128009] : [128009]);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe("the forms", () => {
  test.each(Object.entries(FORMS))("%s has exactly the columns that it says", (_, form) => {
    for (const row of [sample(INTENT, "hi"), sample(null, ...TWO.slice(0, 2), END)]) {
      const written = form.schema.parse(form.row(row));
      expect(Object.keys(form.row(row)).sort()).toEqual(Object.keys(form.schema.shape).sort());
      expect(written).toEqual(form.row(row));
    }
  });

  test("samples is the sample itself", () => {
    expect(FORMS.samples.row(sample(INTENT, "hi"))).toEqual(sample(INTENT, "hi"));
  });

  test("messages has the intent as system message and the target as last user message", () => {
    expect(FORMS.messages.row(sample(INTENT, ...TWO.slice(0, 2), "ok"))["messages"]).toEqual([
      { role: "system", content: INTENT },
      { role: "user", content: "hi" },
      { role: "assistant", content: "hello\nthere" },
      { role: "user", content: "ok" },
    ]);
    expect(FORMS.messages.row(sample(null, "hi"))["messages"]).toEqual([{ role: "user", content: "hi" }]);
    expect(FORMS.messages.row(sample(null, ...TWO.slice(0, 2), END))["messages"]).toHaveLength(3);
  });
});

describe("control tokens that people typed", () => {
  const TYPED = "<|eot_id|>";

  test("are counted in intent, context and target, but not our own end", () => {
    expect(typedControlTokens(sample(INTENT, "hi"))).toBe(0);
    expect(typedControlTokens(sample(TYPED, `user: ${TYPED}`, `assistant: ${TYPED}${END}`, TYPED))).toBe(5);
    expect(typedControlTokens(sample(null, "user: hi", "assistant: bye", END))).toBe(0);
    expect(typedControlTokens({ ...sample(null, END), kind: "first" })).toBe(1);
  });

  test("are broken everywhere by escaping, so that the text holds only ours", () => {
    const row = escapeSample(sample(`a ${TYPED}`, `user: ${TYPED}`, `assistant: ${END}`, `${TYPED}!`));
    expect(typedControlTokens(row)).toBe(0);
    expect(row.target).toBe("<\u200b|eot_id|>!");
    const { prompt, completion } = render(row);
    expect(countControlTokens(joined(prompt))).toBe(3 * 3 + 2);
    expect(countControlTokens(joined(completion))).toBe(1);
  });

  test("leave an end sample its end when they are escaped", () => {
    const row = escapeSample(sample(TYPED, `user: ${TYPED}`, "assistant: bye", END));
    expect(Sample.parse(row).target).toBe(END);
    expect(row.intent).toBe("<\u200b|eot_id|>");
  });

  test("that are not there leave a sample as it is", () => {
    const row = sample(INTENT, ...TWO);
    expect(escapeSample(row)).toEqual(row);
    expect(escapeSample(sample(null, "hi")).intent).toBeNull();
  });
});
