import { describe, expect, test } from "vitest";
import { Conversation } from "../../../../schemas/conversation.ts";
import { Rejection } from "../../../../schemas/rejection.ts";
import { PrepareOptions } from "../../../../stages/prepare/options.ts";
import { recordOf } from "../../../../stages/prepare/record-of.ts";
import type { RawConversation } from "../../../../stages/sources/source.ts";
import { raw } from "../../../helpers/raw.ts";

const hello = ["user: hi", "assistant: hello"];
const options = PrepareOptions.parse({});

describe("a record", () => {
  const kept = (given: Partial<RawConversation> = {}, key = "key"): Conversation => {
    const record = recordOf({ ...raw(...hello), ...given }, "wildchat-1m", options, key);
    if ("rejection" in record) throw new Error(record.rejection.reason);
    return record.conversation;
  };

  test("of a conversation has the shape of the artefact, with an id of source and row", () => {
    expect(Conversation.parse(kept())).toMatchObject({
      id: "wildchat-1m:abc",
      source: "wildchat-1m",
      source_id: "abc",
      opening: "hi",
      country: "Chile",
      started_at: "2024-01-01T00:00:00.000Z",
    });
  });

  test("has the same user id for the same IP under one key, and another for another IP or key", () => {
    const { user_id } = kept();
    expect(user_id).toMatch(/^[0-9a-f]{32}$/);
    expect(kept({ source_id: "other", country: null }).user_id).toBe(user_id);
    expect(kept({ user: "203.0.113.8" }).user_id).not.toBe(user_id);
    expect(kept({}, "other key").user_id).not.toBe(user_id);
  });

  test("has no user where the source names none", () => {
    expect(kept({ user: null }).user_id).toBeNull();
    expect(kept({ user: "" }).user_id).toBeNull();
    expect(kept({ country: "" }).country).toBeNull();
  });

  test("never holds the raw user id, kept or dropped", () => {
    for (const turns of [raw(...hello).turns, [], [{ role: "tool", content: "x" }]]) {
      const record = recordOf({ ...raw(), turns }, "chat", options, "key");
      expect(JSON.stringify(record)).not.toContain("203.0.113.7");
    }
  });

  test("of a conversation that is dropped is a rejection with its id, reason and detail", () => {
    const record = recordOf({ ...raw(...hello), language: "Latin" }, "chat", options, "key");
    expect("rejection" in record && Rejection.parse(record.rejection)).toEqual({
      id: "chat:abc",
      conversation_id: "chat:abc",
      stage: "prepare",
      reason: "language",
      detail: '{"found":"Latin","expected":"English"}',
    });
  });

  test("of a row that tells no conversation keeps the source's reason", () => {
    const record = recordOf(
      { reason: "no_chosen_answer", source_id: "c7", detail: { turn: 2 } },
      "prism",
      options,
      "key",
    );
    expect("rejection" in record && record.rejection).toMatchObject({
      id: "prism:c7",
      reason: "no_chosen_answer",
      detail: '{"turn":2}',
    });
  });
});
