import { describe, expect, test } from "vitest";
import type { RawConversation } from "../../../../stages/sources/source.ts";
import { wildchat1m, wildchat48m } from "../../../../stages/sources/wildchat.ts";

const said = (role: string, content: string, timestamp: string | null = null) => ({ role, content, timestamp });

/** What becomes of a WildChat row with these fields. */
function convert(given: Record<string, unknown> = {}): RawConversation {
  const row = {
    conversation_hash: "c81f",
    model: "gpt-4-0314",
    timestamp: "2023-04-09T00:05:00Z",
    conversation: [said("user", "hi"), said("assistant", "hello", "2023-04-09T00:02:53Z")],
    turn: 1,
    language: "English",
    toxic: false,
    redacted: false,
    state: "Texas",
    country: "United States",
    hashed_ip: "22fd87ba",
    header: { "accept-language": "en-US", "user-agent": "Mozilla/5.0" },
    ...given,
  };
  return wildchat1m.convert(wildchat1m.row().parse(row)) as RawConversation;
}

describe("a WildChat row", () => {
  test("becomes a conversation with the row's own votes", () => {
    expect(convert()).toMatchObject({
      source_id: "c81f",
      user: "22fd87ba",
      country: "United States",
      language: "English",
      model: "gpt-4-0314",
      toxic: false,
      redacted: false,
    });
    expect(convert().turns.map(({ role, content }) => `${role}: ${content}`)).toEqual(["user: hi", "assistant: hello"]);
  });

  test("starts at the earliest time of its messages, since the row's own is that of the last", () => {
    const conversation = [
      said("user", "hi"),
      said("assistant", "hello", "2023-04-09 00:02:53"),
      said("user", "more"),
      said("assistant", "here", "2023-04-08 23:59:59+00"),
    ];
    expect(convert({ conversation }).started_at).toBe("2023-04-08T23:59:59.000Z");
  });

  test("starts at the row's time if no message has one, and at no known time if nothing has", () => {
    const conversation = [said("user", "hi"), said("assistant", "hello")];
    expect(convert({ conversation }).started_at).toBe("2023-04-09T00:05:00.000Z");
    expect(convert({ conversation, timestamp: null }).started_at).toBeNull();
  });

  test("takes nothing from headers and states", () => {
    expect(JSON.stringify(convert())).not.toMatch(/Mozilla|en-US|Texas/);
  });

  test("may lack everything but its hash and messages", () => {
    const bare = { country: null, hashed_ip: null, language: null, model: null, toxic: null, redacted: null };
    expect(convert(bare)).toMatchObject({
      user: null,
      country: null,
      language: null,
      model: null,
      toxic: null,
      redacted: null,
    });
  });

  test.each([
    ["no hash", { conversation_hash: null }],
    ["an empty hash", { conversation_hash: "" }],
    ["no messages", { conversation: null }],
    ["a message without text", { conversation: [said("user", null as unknown as string)] }],
    ["a flag that is text", { toxic: "no" }],
  ])("with %s fails its schema", (_, given) => {
    expect(() => convert(given)).toThrow();
  });
});

test("both releases have rows of one shape", () => {
  expect(wildchat48m.select()).toEqual(wildchat1m.select());
  expect(wildchat48m.row()).toBe(wildchat1m.row());
});
