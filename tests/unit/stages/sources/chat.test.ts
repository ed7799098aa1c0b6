import { describe, expect, test } from "vitest";
import { ChatColumns } from "../../../../stages/sources/chat.ts";
import type { Columns, LogSettings, RawConversation } from "../../../../stages/sources/source.ts";
import { logs } from "../../../helpers/logs.ts";

/** What becomes of a row of someone's own log, with these columns named. */
function convert(
  row: Record<string, unknown>,
  columns: Partial<Columns> = {},
  settings: Partial<LogSettings> = {},
): RawConversation {
  const source = logs(columns, settings);
  return source.convert(source.row().parse(source.project?.(row))) as RawConversation;
}

/** True if such a row is one of the source's. */
function isRow(row: unknown, columns: Partial<Columns> = {}): boolean {
  const source = logs(columns);
  return source.row().safeParse(source.project?.(row)).success;
}

const messages = [
  { role: "user", content: "hi" },
  { role: "assistant", content: "hello" },
];

describe("a row of one's own log", () => {
  test("needs nothing but messages", () => {
    expect(convert({ messages, anything: "else" })).toMatchObject({
      user: null,
      country: null,
      language: null,
      model: null,
      started_at: null,
      redacted: null,
      toxic: null,
      turns: messages,
    });
  });

  test("may call every column as it likes", () => {
    const row = {
      nr: "7",
      who: "ann",
      land: "Chile",
      tongue: "English",
      bot: "gpt-4",
      when: "2024-05-01 10:00:00",
      dialogue: [{ from: "human", value: "hi" }],
    };
    const columns = {
      id: "nr",
      user: "who",
      country: "land",
      language: "tongue",
      model: "bot",
      time: "when",
      messages: "dialogue",
      role: "from",
      content: "value",
    };
    expect(convert(row, columns)).toEqual({
      source_id: "7",
      user: "ann",
      country: "Chile",
      language: "English",
      model: "gpt-4",
      started_at: "2024-05-01T10:00:00.000Z",
      turns: [{ role: "user", content: "hi" }],
      redacted: null,
      toxic: null,
      present: ["id", "user", "country", "language", "model", "time"],
    });
  });

  test("reads only the columns that were named", () => {
    expect(convert({ id: "7", user: "ann", country: "Chile", messages })).toMatchObject({ user: null, country: null });
  });

  test("may number its conversations and users", () => {
    expect(convert({ id: 7, user: 0, messages }, { id: "id", user: "user" })).toMatchObject({
      source_id: "7",
      user: "0",
    });
  });

  test("may have no user, country or time in some rows", () => {
    const columns = { user: "user", country: "country", time: "time" };
    expect(convert({ user: null, time: null, messages }, columns)).toMatchObject({
      user: null,
      country: null,
      started_at: null,
    });
  });

  test("with an empty user is a row without a user", () => {
    expect(convert({ user: "", messages }, { user: "user" }).user || null).toBeNull();
  });

  test("is refused if a number is too large to be told from its neighbours", () => {
    const { id } = JSON.parse('{"id":9007199254740993}') as { id: number };
    expect(isRow({ id, messages }, { id: "id" })).toBe(false);
  });

  test.each([
    ["an id that was named is missing", { messages }, { id: "id" }],
    ["the id is empty", { id: "", messages }, { id: "id" }],
    ["the id is null", { id: null, messages }, { id: "id" }],
    ["there are no messages", { id: "1" }, {}],
    ["a message has no text", { messages: [{ role: "user" }] }, {}],
    ["a text is a number", { messages: [{ role: "user", content: 7 }] }, {}],
    ["a text is an object", { messages: [{ role: "user", content: { a: 1 } }] }, {}],
    ["a message has no role", { messages: [{ content: "hi" }] }, {}],
  ])("fails its schema where %s", (_, row, columns) => {
    expect(isRow(row, columns)).toBe(false);
  });
});

describe("a message", () => {
  const turns = (list: object[], columns: Partial<Columns> = {}) => convert({ messages: list }, columns).turns;

  test("may be a list of parts: the text ones are its text", () => {
    const content = [
      { type: "text", text: "look " },
      { type: "image_url", image_url: { url: "x" } },
      { type: "text", text: "here" },
    ];
    expect(turns([{ role: "user", content }])).toEqual([{ role: "user", content: "look here" }]);
    expect(turns([{ role: "user", content: { parts: ["a", "b"] } }], { content: "content.parts" })).toEqual([
      { role: "user", content: "ab" },
    ]);
  });

  test("that calls a tool in place of words is one of a tool", () => {
    const calls = [{ id: "t1", type: "function", function: { name: "search", arguments: "{}" } }];
    expect(turns([{ role: "assistant", content: null, tool_calls: calls }])).toEqual([{ role: "tool", content: "" }]);
    expect(turns([{ role: "assistant", tool_calls: calls }])).toEqual([{ role: "tool", content: "" }]);
    expect(turns([{ role: "assistant", content: "Let me see.", tool_calls: calls }])).toEqual([
      { role: "assistant", content: "Let me see." },
    ]);
  });

  test("may say deep inside who speaks", () => {
    const list = [{ author: { role: "user" }, content: { parts: ["hi"] } }];
    expect(turns(list, { role: "author.role", content: "content.parts" })).toEqual([{ role: "user", content: "hi" }]);
  });

  test("may have a role of one's own", () => {
    const row = {
      messages: [
        { role: "Caller", content: "hi" },
        { role: "desk", content: "hello" },
      ],
    };
    const found = convert(row, {}, { roleMap: { caller: "user", Desk: "assistant" } });
    expect(found.turns.map(({ role }) => role)).toEqual(["user", "assistant"]);
  });
});

test("a list of messages may be JSON text, or lie deep inside", () => {
  expect(convert({ messages: JSON.stringify(messages) }).turns).toEqual(messages);
  expect(convert({ inputs: { messages } }, { messages: "inputs.messages" }).turns).toEqual(messages);
});

test("a language may be a code, and a time that cannot be read is counted", () => {
  const columns = { language: "lang", time: "when" };
  expect(convert({ messages, lang: "en-US", when: "Mar 1, 2024" }, columns)).toMatchObject({
    language: "English",
    started_at: null,
    counts: { times_not_read: 1 },
  });
  expect(convert({ messages, lang: "French", when: "2024-03-01" }, columns)).toMatchObject({ language: "French" });
  expect(convert({ messages, lang: "fr", when: null }, columns).counts).toBeUndefined();
});

describe("roles in people's logs", () => {
  test.each([
    ["user", "user"],
    ["User", "user"],
    ["HUMAN", "user"],
    ["prompter", "user"],
    ["customer", "user"],
    ["assistant", "assistant"],
    ["gpt", "assistant"],
    ["Bot", "assistant"],
    ["model", "assistant"],
    ["AI", "assistant"],
    ["chatbot", "assistant"],
    ["System", "system"],
    ["tool", "tool"],
  ])("%s is %s", (role, expected) => {
    expect(convert({ messages: [{ role, content: "x" }] }).turns).toEqual([{ role: expected, content: "x" }]);
  });
});

describe("without an id column the id", () => {
  const id = (row: Record<string, unknown>) => convert(row).source_id;

  test("is a hash of the messages", () => {
    expect(id({ messages })).toMatch(/^[0-9a-f]{32}$/);
  });

  test("is the same for the same messages, whatever else is in the row and in which order its fields come", () => {
    expect(id({ note: 1, messages: messages.map(({ role, content }) => ({ content, role, extra: true })) })).toBe(
      id({ messages }),
    );
  });

  test("differs where a role or a text differs", () => {
    const other = [
      { role: "user", content: "hi" },
      { role: "user", content: "hello" },
    ];
    expect(id({ messages: other })).not.toBe(id({ messages }));
    expect(id({ messages: messages.slice(0, 1) })).not.toBe(id({ messages }));
  });
});

describe("the columns that a Parquet file needs", () => {
  const select = (columns: Partial<Columns>) => logs(columns).select();

  test("are those that were named, and the messages", () => {
    expect(select({}).needs).toEqual(["messages"]);
    expect(select({ id: "nr", time: "when" }).needs).toEqual(["nr", "when", "messages"]);
  });

  test("are quoted, so that a name may have spaces and quotes, and named once", () => {
    expect(select({ id: 'my "id"', user: 'my "id"' }).sql).toBe(
      'CAST("my ""id""" AS VARCHAR) AS "my ""id""", "messages"',
    );
  });
});

test("an unknown column name is refused", () => {
  expect(ChatColumns.safeParse({ identity: "x" }).success).toBe(false);
});
