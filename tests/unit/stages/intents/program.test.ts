import { describe, expect, test } from "vitest";
import type { Answer } from "../../../../pipeline/models/journal.ts";
import { ServerOptions } from "../../../../pipeline/models/server-options.ts";
import { generated } from "../../../../stages/intents/generated.ts";
import { IntentsOptions } from "../../../../stages/intents/options.ts";
import { thoughtAll } from "../../../../stages/intents/program.ts";
import { INTENT_PREFIX, loadPrompt } from "../../../../stages/intents/prompt.ts";
import { conversation } from "../../../helpers/conversation.ts";

const answer = (more: Partial<Answer>): Answer => ({
  ...{ key: "k", status: "answered", text: `${INTENT_PREFIX} get help.`, requested_model: "m", model: "m" },
  ...{ mode: "sync", input_tokens: 10, cached_tokens: null, output_tokens: 200, usd: null },
  ...more,
});
const cutOff = (more: Partial<Answer>) => answer({ status: "cut_off", text: null, ...more });

describe("thoughts that took the whole limit", () => {
  test.each<[string, Answer, object | null]>([
    ["counted, nothing said", cutOff({ thinking_tokens: 200 }), { thinking: 200, limit: 200 }],
    ["counted, all but a few", cutOff({ text: "", thinking_tokens: 190 }), { thinking: 190, limit: 200 }],
    ["in the text", cutOff({ text: "<think>The user wants" }), { thinking: 200, limit: 200 }],
    ["nothing tells of thoughts", cutOff({}), null],
    ["something was said", cutOff({ text: "You are a", thinking_tokens: 190 }), null],
    ["not cut off", answer({ thinking_tokens: 190 }), null],
  ])("%s", (_, given, found) => {
    expect(thoughtAll(given)).toEqual(found);
  });
});

/** What becomes of a conversation whose every request has this answer. */
function replyTo(given: Answer, text = "hi") {
  const question = { ...IntentsOptions.parse({}), ...ServerOptions.parse({ model: "m" }), prompt: loadPrompt(null) };
  const journal = { get: (key: string) => ({ ...given, key }) };
  return generated(question, journal as never).intentOf({ id: "c", turns: conversation(`user: ${text}`).turns });
}

test("a rejection for thoughts says how many there were and which settings help", () => {
  const { status, detail } = replyTo(cutOff({ thinking_tokens: 200 }));
  expect(status).toBe("cut_off");
  expect(detail?.["thoughts"]).toMatch(
    /took 200 of the 200 tokens: raise models.intents.maxOutputTokens.*reasoning_effort/,
  );
});

test("an intent of a prompt that the server has cut is truncated, and counted", () => {
  const long = "a word ".repeat(3000);
  expect(replyTo(answer({ input_tokens: 2050 }), long)).toMatchObject({
    status: "ok",
    truncated: true,
    promptCut: true,
  });
  expect(replyTo(answer({ input_tokens: 7000 }), long)).toMatchObject({ truncated: false, promptCut: false });
});
