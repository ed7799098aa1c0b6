import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../../../pipeline/errors.ts";
import {
  DEFAULT_PROMPT,
  fillPrompt,
  INTENT_PREFIX,
  loadPrompt,
  readIntent,
} from "../../../../stages/intents/prompt.ts";
import { conversation } from "../../../helpers/conversation.ts";
import { useFolder } from "../../../helpers/folder.ts";

const at = useFolder();

function fromFile(text: string) {
  writeFileSync(at("prompt.txt"), text);
  return loadPrompt(at("prompt.txt"));
}

describe("a prompt", () => {
  test("has the turns in place, each under its role", () => {
    const prompt = fromFile("Before\n[CONVERSATION]\nAfter");
    expect(fillPrompt(prompt, conversation("user: hi", "assistant: hello\nthere", "user: "))).toBe(
      "Before\n<user>: hi\n<assistant>: hello\nthere\n<user>: \nAfter",
    );
  });

  test.each(["$&", "$1", "$$", "$`", "$'", "$<a>", "[CONVERSATION]"])("takes %s in a turn as text", (text) => {
    expect(fillPrompt(fromFile("<[CONVERSATION]>"), conversation(`user: a ${text} b`))).toBe(`<<user>: a ${text} b>`);
  });

  test("of our own says where the conversation goes, and shows three examples that keep its own rule", () => {
    expect(DEFAULT_PROMPT.split("[CONVERSATION]")).toHaveLength(2);
    const summaries = [...DEFAULT_PROMPT.matchAll(/^Summary:\n(.*)$/gm)].map((match) => match[1] as string);
    expect(summaries).toHaveLength(3);
    for (const summary of summaries) expect(readIntent(summary, INTENT_PREFIX).status).toBe("ok");
  });

  test("has a version that changes with its text alone", () => {
    expect(fromFile("a [CONVERSATION]").version).toMatch(/^[0-9a-f]{12}$/);
    expect(fromFile("a [CONVERSATION]").version).toBe(fromFile("a [CONVERSATION]").version);
    expect(fromFile("b [CONVERSATION]").version).not.toBe(fromFile("a [CONVERSATION]").version);
    expect(loadPrompt(null)).toMatchObject({ text: DEFAULT_PROMPT });
  });

  test.each([
    ["no place", "nothing here", 0],
    ["two places", "[CONVERSATION] and [CONVERSATION]", 2],
  ])("with %s for the conversation is refused", (_, text, times) => {
    expect(() => fromFile(text)).toThrow(UsageError);
    expect(() => fromFile(text)).toThrow(`prompt.txt: has [CONVERSATION] ${times} times; expected once`);
  });
});

describe("an answer", () => {
  const INTENT = `${INTENT_PREFIX} plan a trip.`;

  test.each([
    ["as it should be", INTENT],
    ["with space around it", `\n  ${INTENT} \n`],
    ["in straight quotes", `"${INTENT}"`],
    ["in curly quotes", `“${INTENT}”`],
    ["in single quotes", `'${INTENT}'`],
    ["in backticks", `\`${INTENT}\``],
    ["in quotes with space in and out of them", ` " ${INTENT} " `],
  ])("is an intent %s", (_, answer) => {
    expect(readIntent(answer, INTENT_PREFIX)).toEqual({ status: "ok", intent: INTENT });
  });

  test("may have lines and quotes inside", () => {
    const intent = `${INTENT_PREFIX} translate "hello"\nand more`;
    expect(readIntent(intent, INTENT_PREFIX).intent).toBe(intent);
    expect(readIntent(`"${intent}"`, INTENT_PREFIX).intent).toBe(intent);
  });

  test.each([null, "", "  \n", '""', "“ ”", "''"])("is empty where it is %j", (answer) => {
    expect(readIntent(answer, INTENT_PREFIX)).toEqual({ status: "empty", intent: null });
  });

  test.each([
    ["speaks of the user", "The user wants to plan a trip."],
    ["has a label", `Summary: ${INTENT}`],
    ["is a refusal", "I'm sorry, but I can't help with that."],
    ["is in other letters", INTENT.toUpperCase()],
    ["is in bold", `**${INTENT}**`],
  ])("is none where it %s", (_, answer) => {
    const detail = { found: answer };
    expect(readIntent(answer, INTENT_PREFIX)).toEqual({ status: "wrong_prefix", intent: null, detail });
  });

  test("need not begin in any way if no beginning is asked for", () => {
    expect(readIntent("Plan a trip.", "")).toEqual({ status: "ok", intent: "Plan a trip." });
  });

  test("has half a surrogate pair replaced", () => {
    expect(readIntent("a\ud83d", "").intent).toBe("a\ufffd");
  });
});
