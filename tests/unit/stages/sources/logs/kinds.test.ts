import { describe, expect, test } from "vitest";
import { ChatColumns } from "../../../../../stages/sources/chat.ts";
import { columnsOf } from "../../../../../stages/sources/columns.ts";
import type { Columns, RawConversation } from "../../../../../stages/sources/source.ts";
import { logs } from "../../../../helpers/logs.ts";

type Row = Record<string, unknown>;

/** What is found in rows that nothing was said of, or only these columns. */
function found(rows: Row[], columns: Partial<Columns> = {}) {
  return columnsOf(rows, { columns: ChatColumns.parse(columns), rows: null }, "log.jsonl");
}

/** The turns of such rows, as `role: content`, and what they were taken to be. */
function turns(...rows: Row[]): [string | null, ...string[][]] {
  const { settings } = found(rows);
  const source = logs(settings.columns, { rows: settings.rows });
  const read = (row: Row) => source.convert(source.row().parse(source.project?.(row))) as RawConversation;
  return [settings.rows, ...rows.map((row) => read(row).turns.map(({ role, content }) => `${role}: ${content}`))];
}

const said = ["user: hi", "assistant: hello"];
const message = { role: "user", content: "hi" };
const answer = { role: "assistant", content: "hello" };

describe("a row with a list of messages", () => {
  test.each([
    ["as text", { messages: JSON.stringify([message, answer]) }],
    ["under a name with a dot", { "chat.messages": "x", messages: [message, answer] }],
    [
      "with the answer beside it, as LangSmith has it",
      {
        inputs: { messages: [{ type: "human", content: "hi" }] },
        outputs: { generations: [{ message: { type: "ai", content: "hello" } }] },
      },
    ],
    [
      "with the answer as a server sends it",
      { request: { messages: [message] }, response: { choices: [{ message: answer }, { message: message }] } },
    ],
    ["with its last answer once more beside it", { messages: [message, answer], outputs: "hello" }],
    ["with parts", { messages: [message, { role: "AI", content: [{ type: "text", text: "hello" }] }] }],
    [
      "whose fields have dots",
      {
        messages: [
          { "author.role": "user", "content.text": "hi" },
          { "author.role": "bot", "content.text": "hello" },
        ],
      },
    ],
  ])("%s is a conversation", (_, row) => {
    const names = "messages" in row && JSON.stringify(row).includes("content.text") ? { content: "content.text" } : {};
    const { settings } = found([row], names);
    const source = logs(settings.columns, { rows: settings.rows });
    const raw = source.convert(source.row().parse(source.project?.(row))) as RawConversation;
    expect([settings.rows, raw.turns.map(({ role, content }) => `${role}: ${content}`)]).toEqual([
      "conversation",
      said,
    ]);
  });

  test("is told from a column of that name that holds none", () => {
    expect(turns({ id: "a", turns: 2, chat: "x", prompt: "hi", response: "hello" })).toEqual(["pair", said]);
  });
});

describe("a row with a prompt and its answer", () => {
  test.each([
    ["of any names", { question: "hi", answer: "hello" }],
    ["of Alpaca", { instruction: "hi", input: "", output: "hello" }],
    ["inside of others", { inputs: { question: "hi" }, outputs: { answer: "hello" } }],
    ["as a message", { prompt: "hi", completion: [answer] }],
  ])("%s is a conversation", (_, row) => {
    expect(turns(row)).toEqual(["pair", said]);
  });

  test("has what the prompt is about behind it", () => {
    expect(turns({ instruction: "Say it shorter.", input: "Hello, hello.", output: "Hello." })).toEqual([
      "pair",
      ["user: Say it shorter.\n\nHello, hello.", "assistant: Hello."],
    ]);
  });

  test("is an exchange of a longer one where different rows have a conversation in common", () => {
    const rows = ["hi", "and you?"].map((prompt, turn) => ({ session_id: "s", turn, prompt, response: "hello" }));
    expect(turns(...rows)).toEqual(["exchange", said, ["user: and you?", "assistant: hello"]]);
    expect(found(rows).settings.columns).toMatchObject({ id: "session_id", turn: "turn" });
    const same = ["a", "a"].map((session_id) => ({ session_id, prompt: "hi", response: "hello" }));
    expect(turns(...same)[0]).toBe("pair");
  });
});

describe("a row that is a message", () => {
  const rows = [
    { id: 1, chat_id: "c", who: "x", role: "customer", text: "hi", n: 0 },
    { id: 2, chat_id: "c", who: "y", role: "agent", text: "hello", n: 1 },
  ];

  test("is a turn of the conversation whose id it has", () => {
    expect(turns(...rows)).toEqual(["message", ["user: hi"], ["assistant: hello"]]);
    expect(found(rows).settings.columns).toMatchObject({ id: "chat_id", turn: "n", role: "role", content: "text" });
  });

  test("has no id of its conversation in what each row has for itself", () => {
    const own = rows.map(({ chat_id, ...row }) => row);
    expect(() => found(own)).toThrow(
      "log.jsonl: a row seems to be one message of a conversation, but no column is known to hold the id of the conversation; its columns are id, who, role, text, n; name it with --columns id=<name>",
    );
  });

  test("may say who speaks by a yes or no", () => {
    const columns = { role: "inbound", content: "text", id: "chat" };
    const source = logs(columns, { rows: "message", roleMap: { true: "user", False: "assistant" } });
    const role = (inbound: unknown) =>
      (source.convert(source.row().parse(source.project?.({ chat: 1, inbound, text: "x" }))) as RawConversation)
        .turns[0]?.role;
    expect([role(true), role(false), role("False"), role(1)]).toEqual(["user", "assistant", "assistant", "1"]);
  });

  test.each([
    ["without an id", { role: "user", content: "hi" }],
    ["without a role", { id: 1, content: "hi" }],
    ["without a text", { id: 1, role: "user" }],
    ["with a number in words", { id: 1, role: "user", content: "hi", turn: "third" }],
  ])("%s is none", (_, row) => {
    const source = logs({ id: "id", turn: "turn" }, { rows: "message" });
    expect(source.row().safeParse(source.project?.(row)).success).toBe(false);
  });
});

describe("rows of which nothing is known", () => {
  test.each([
    [{ who: "a", n: 1 }, /no conversations are found in its columns: who, n; expected that a row is a conversation/],
    [
      { messages: [{ x: "user", y: "hi" }] },
      /`messages` have x, y; name it with --columns role=<name>,content=<name>$/,
    ],
    [{ prompt: "hi", uid: 3 }, /its columns are prompt, uid; name it with --columns response=<name>$/],
  ])("are refused with what is there and how to name it: %j", (row, message) => {
    expect(() => found([row])).toThrow(message);
  });

  test("are refused where a column that is named does not hold what it is to", () => {
    expect(() => found([{ dialog: "x" }], { messages: "dialogs" })).toThrow(
      /`dialogs` does not hold a list of messages/,
    );
  });
});
