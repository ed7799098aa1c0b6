import { describe, expect, test } from "vitest";
import { EndSignals } from "../../../../schemas/end-signals.ts";
import { endSignalsOf, signsOf } from "../../../../stages/prepare/end-signals.ts";
import { conversation } from "../../../helpers/conversation.ts";

const signs = (...lines: string[]) => signsOf(conversation(...lines).turns);
const answer = "assistant: Here it is.";

describe("the end of a conversation shows", () => {
  test("nothing where a question is answered", () => {
    expect(signs("user: what is a prime number", answer)).toEqual([]);
  });

  test.each([
    "Thanks!",
    "ok thank you so much",
    "thx",
    "that's all for today, bye",
    "muchas gracias",
    "谢谢你",
    "спасибо",
    "Adiós",
  ])("thanks or farewell: %s", (said) => {
    expect(signs("user: what is a prime number", answer, `user: ${said}`, "assistant: You are welcome.")).toEqual([
      "thanks",
    ]);
  });

  test.each([
    "write a thank you letter to my teacher for all that she has done for our class this year",
    "thankless",
    "what does byebug do",
    "the cheersquad",
    "谢谢你的建议，接下来请把上面这篇文章改写成一封给老师的感谢信，语气正式一些，并且控制在三百字以内",
    "ok merci, et en anglais comment ça s'appelle ?",
  ])("no thanks in a request that only holds the word: %s", (said) => {
    expect(signs(`user: ${said}`, answer)).toEqual([]);
  });

  test("no thanks of an earlier turn", () => {
    expect(signs("user: thanks", answer, "user: and now the second one", answer)).toEqual([]);
  });

  test.each([
    "I'm sorry, but I can't help with that.",
    "I’m sorry, I cannot assist with that request.",
    "As an AI language model, I cannot browse the internet.",
    "I am unable to do that.",
    "I won't write this.",
    "I cannot say it, but I can't lie either.",
  ])("a refusal: %s", (said) => {
    expect(signs("user: do it", `assistant: ${said}`)).toEqual(["refusal"]);
  });

  test.each([
    "I'm sorry to hear that. Here is what helps.",
    "You can, but note that I cannot see your screen.",
    "Sure! I can do that.",
    "As an AI language model, I cannot write the whole plugin. However, here is a quick overview.",
    "As an AI, I cannot provide real-time data, but I can list the three largest.",
    `${"Here is the text. ".repeat(15)}I cannot say more.`,
  ])("no refusal where the answer helps: %s", (said) => {
    expect(signs("user: do it", `assistant: ${said}`)).toEqual([]);
  });

  test("an answer with nothing in it, and one that never came", () => {
    expect(signs("user: do it", "assistant:  \n")).toEqual(["empty_answer"]);
    expect(signs("user: do it", answer, "user: more")).toEqual(["unanswered"]);
    expect(signs("user: do it", answer, "user: thanks")).toEqual(["unanswered", "thanks"]);
  });
});

test("the end signals hold keys and times, and none of the text", () => {
  const ends = endSignalsOf(conversation("user: my secret", answer, "user: my secret"), "2024-01-01T00:05:00.000Z");
  expect(EndSignals.parse(ends)).toMatchObject({ conversation_id: "test:1", ended_at: "2024-01-01T00:05:00.000Z" });
  expect(ends.opening_key).toBe(ends.last_key);
  expect(JSON.stringify(ends)).not.toContain("secret");
  expect(endSignalsOf(conversation("user:  ", answer), null).opening_key).toBeNull();
});
