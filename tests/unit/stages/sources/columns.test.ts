import { describe, expect, test } from "vitest";
import { ChatColumns } from "../../../../stages/sources/chat.ts";
import { columnsOf as lookAt } from "../../../../stages/sources/columns.ts";
import type { Columns } from "../../../../stages/sources/source.ts";

const talk = [{ role: "user", content: "hi" }];
const none = ChatColumns.parse({});

/** What is found in rows, where these columns are named. */
function columnsOf(rows: Record<string, unknown>[], columns: Columns, kind: string | null = null) {
  const { settings, unused } = lookAt(rows, { columns, rows: kind }, "log.jsonl");
  return { columns: settings.columns, rows: settings.rows, unused };
}

describe("columns of people's own logs", () => {
  test("are found by the names that logs usually have, and those that hold nothing of use are told", () => {
    const row = {
      conversation_id: "k",
      user_id: "u",
      language: "French",
      country: "FI",
      timestamp: "2025-01-01",
      model: "m",
      n: 1,
      messages: talk,
    };
    expect(columnsOf([row], none)).toMatchObject({
      columns: {
        ...{ id: "conversation_id", user: "user_id", country: "country", language: "language", model: "model" },
        ...{ time: "timestamp", messages: "messages", role: "role", content: "content" },
      },
      unused: ["n"],
    });
  });

  test.each([
    [
      { conversations: [{ from: "human", value: "hi" }] },
      { messages: "conversations", role: "from", content: "value" },
    ],
    [
      { inputs: { messages: [{ type: "human", content: "hi" }] } },
      { messages: "inputs.messages", role: "type", content: "content" },
    ],
    [
      { messages: [{ author: { role: "user" }, content: { content_type: "text", parts: ["hi"] } }] },
      { role: "author.role", content: "content.parts" },
    ],
    [
      { turns: JSON.stringify([{ speaker: "a", utterance: "hi" }]) },
      { messages: "turns", role: "speaker", content: "utterance" },
    ],
    [
      { userId: 7, createdAt: 5, messages: talk },
      { user: "userId", time: "createdAt" },
    ],
  ])("of %j", (row, expected) => {
    expect(columnsOf([row], none).columns).toMatchObject(expected);
  });

  test("that are named are taken as they are, and an empty name is none", () => {
    const row = { id: 1, user: "ann", user_id: "u", messages: talk };
    const { columns, unused } = columnsOf([row], ChatColumns.parse({ id: "", user: "user" }));
    expect([columns["id"], columns["user"], unused]).toEqual(["", "user", ["id", "user_id"]]);
  });

  test("with no value in any row are not found", () => {
    const rows = [{ user_id: null, user: "", uid: "u", messages: talk }];
    expect(columnsOf(rows, none).columns["user"]).toBe("uid");
  });

  test("tell a conversation by what no two rows share", () => {
    const rows = ["a", "b"].map((id) => ({ session_id: "s", id, messages: talk }));
    expect(columnsOf(rows, none).columns["id"]).toBe("id");
    const sessions = ["a", "b"].map((session_id) => ({ session_id, id: session_id, messages: talk }));
    expect(columnsOf(sessions, none).columns["id"]).toBe("session_id");
  });

  test("hold one thing each", () => {
    expect(columnsOf([{ id: "a", text: "x", messages: [{ role: "user", text: "hi" }] }], none).columns).toMatchObject({
      id: "id",
      content: "text",
    });
  });

  test("are as they were where there are no rows", () => {
    expect(columnsOf([], none).columns).toMatchObject({
      ...{ id: "", user: "", country: "", language: "", model: "", time: "" },
      ...{ messages: "messages", role: "role", content: "content" },
    });
  });
});
