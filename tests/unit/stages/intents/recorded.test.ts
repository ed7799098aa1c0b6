import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { InputError } from "../../../../pipeline/errors.ts";
import { INTENT_PREFIX } from "../../../../stages/intents/prompt.ts";
import type { Provider } from "../../../../stages/intents/provider.ts";
import { recorded } from "../../../../stages/intents/recorded.ts";
import { conversation } from "../../../helpers/conversation.ts";
import { useFolder } from "../../../helpers/folder.ts";

const at = useFolder();
const { signal } = new AbortController();
const INTENT = `${INTENT_PREFIX} plan a trip.`;

/** The provider over a file of these lines, asked about the conversations `a` and `b`. */
async function open(...lines: (object | string)[]): Promise<Provider> {
  const text = lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join("");
  writeFileSync(at("intents.jsonl"), text);
  return recorded(at("intents.jsonl"), { wanted: new Set(["a", "b"]), source: "chat" }, INTENT_PREFIX, signal);
}

const ask = async (provider: Provider, id = "a") => provider.intentOf({ ...conversation("user: hi"), id });

describe("recorded intents", () => {
  test("are found by conversation, with the model that wrote them", async () => {
    const provider = await open(
      { conversation_id: "a", intent: INTENT, model: "gpt-4o" },
      { conversation_id: "b", intent: INTENT },
    );
    expect(await ask(provider)).toEqual({
      status: "ok",
      intent: INTENT,
      origin: "recorded",
      model: "gpt-4o",
      prompt_version: null,
      truncated: false,
      input_tokens: null,
      output_tokens: null,
    });
    expect(await ask(provider, "b")).toMatchObject({ status: "ok", model: null });
  });

  test("may be compressed, and have further fields", async () => {
    writeFileSync(at("intents.jsonl.gz"), gzipSync(JSON.stringify({ conversation_id: "a", intent: INTENT, note: 1 })));
    const provider = await recorded(
      at("intents.jsonl.gz"),
      { wanted: new Set(["a"]), source: "chat" },
      INTENT_PREFIX,
      signal,
    );
    expect(await ask(provider)).toMatchObject({ status: "ok" });
  });

  test("that are missing are no intent, not a silent hole", async () => {
    expect(await ask(await open())).toMatchObject({ status: "no_intent", intent: null, origin: "recorded" });
  });

  test("are judged as answers are: quotes taken off, another beginning refused, nothing empty", async () => {
    expect(await ask(await open({ conversation_id: "a", intent: ` "${INTENT}"\n` }))).toMatchObject({
      status: "ok",
      intent: INTENT,
    });
    expect(await ask(await open({ conversation_id: "a", intent: "The user wants a trip." }))).toMatchObject({
      status: "wrong_prefix",
      intent: null,
    });
    expect(await ask(await open({ conversation_id: "a", intent: " " }))).toMatchObject({
      status: "empty",
      intent: null,
    });
  });

  test("may be said twice if it is the same", async () => {
    const line = { conversation_id: "a", intent: INTENT };
    expect(await ask(await open(line, line))).toMatchObject({ status: "ok" });
  });

  test("that contradict each other are an error that names line and conversation", async () => {
    const opening = open({ conversation_id: "a", intent: INTENT }, "", {
      conversation_id: "a",
      intent: `${INTENT} Or not.`,
    });
    await expect(opening).rejects.toThrow(InputError);
    await expect(opening).rejects.toThrow(`${at("intents.jsonl")}:3: a second, different intent for a; keep one`);
  });

  test("may say anything of conversations that are not asked for", async () => {
    const provider = await open({ conversation_id: "z", intent: "x" }, { conversation_id: "z", intent: "y" });
    expect(await ask(provider)).toMatchObject({ status: "no_intent" });
  });

  test.each([
    ["is no JSON", "{broken"],
    ["lacks the intent", { conversation_id: "a" }],
    ["has an intent that is no text", { conversation_id: "a", intent: null }],
    ["lacks the conversation", { intent: "x" }],
    ["is a list", "[]"],
  ])("in a line that %s are an error that names it", async (_, line) => {
    const opening = open({ conversation_id: "b", intent: INTENT }, line);
    await expect(opening).rejects.toThrow(InputError);
    await expect(opening).rejects.toThrow(
      `${at("intents.jsonl")}:2: expected an object with conversation_id and intent`,
    );
  });

  test("stop being read when the run is stopped", async () => {
    writeFileSync(at("intents.jsonl"), "{}\n");
    await expect(
      recorded(at("intents.jsonl"), { wanted: new Set(), source: "chat" }, "", AbortSignal.abort()),
    ).rejects.toThrow(/abort/);
  });
});
