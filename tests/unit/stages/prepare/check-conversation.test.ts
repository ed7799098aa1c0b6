import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkConversation, PREPARE_REASONS } from "../../../../stages/prepare/check-conversation.ts";
import { PrepareOptions } from "../../../../stages/prepare/options.ts";
import type { RawConversation } from "../../../../stages/sources/source.ts";
import { raw } from "../../../helpers/raw.ts";
import { texts } from "../../../helpers/texts.ts";

const options = (given: Partial<PrepareOptions> = {}): PrepareOptions => PrepareOptions.parse(given);

/** The verdict in short: the turns as `role: content`, or the reason. */
function verdict(conversation: RawConversation, given: Partial<PrepareOptions> = {}): string[] | string {
  const checked = checkConversation(conversation, options(given));
  return "reason" in checked ? checked.reason : checked.turns.map(({ role, content }) => `${role}: ${content}`);
}

const hello = ["user: hi", "assistant: hello"];

describe("a conversation is kept", () => {
  test.each([
    ["with one exchange", hello],
    ["with a user turn alone", ["user: hi"]],
    ["that ends on a user turn", [...hello, "user: bye"]],
    ["with an empty user turn in the middle", [...hello, "user: ", "assistant: yes?"]],
    ["with an empty first user turn, if another has text", ["user: ", "assistant: yes?", "user: hi"]],
    ["with an empty answer", ["user: hi", "assistant: "]],
    ["with white space at the ends of a turn, untouched", ["user:  hi \n", "assistant: \thello"]],
    ["in any script", ["user: שלום 🙂\u2028", "assistant: 漢字\0"]],
  ])("%s", (_, lines) => {
    expect(verdict(raw(...lines))).toEqual(lines);
  });

  test("in a language that the source does not say, unless told otherwise", () => {
    expect(verdict({ ...raw(...hello), language: null })).toEqual(hello);
    expect(verdict({ ...raw(...hello), language: null }, { unknownLanguage: "drop" })).toBe("language");
    expect(verdict({ ...raw(...hello), language: null }, { unknownLanguage: "drop", language: "any" })).toEqual(hello);
  });

  test("in any language, if so told", () => {
    expect(verdict({ ...raw(...hello), language: "Latin" }, { language: "any" })).toEqual(hello);
  });

  test("toxic or redacted, if so told, and where the source does not say", () => {
    expect(verdict({ ...raw(...hello), toxic: true }, { toxic: "keep" })).toEqual(hello);
    expect(verdict({ ...raw(...hello), redacted: true })).toEqual(hello);
    expect(verdict({ ...raw(...hello), toxic: null, redacted: null }, { redacted: "drop" })).toEqual(hello);
  });

  test("with half a surrogate pair replaced, since no file can hold it", () => {
    expect(verdict(raw("user: a\ud800b"))).toEqual(["user: a\ufffdb"]);
  });
});

describe("a conversation is dropped", () => {
  test.each([
    ["language", { ...raw(...hello), language: "Latin" }, {}, { found: "Latin", expected: "English" }],
    ["language", { ...raw(...hello), language: "english" }, {}, { found: "english", expected: "English" }],
    ["toxic", { ...raw(...hello), toxic: true }, {}, {}],
    ["redacted", { ...raw(...hello), redacted: true }, { redacted: "drop" }, {}],
    ["no_turns", raw(), {}, {}],
    ["system_turn", raw("system: be nice", ...hello), {}, { message: 0 }],
    ["system_turn", raw(...hello, "system: be nice"), {}, { message: 2 }],
    ["tool_turn", raw("user: hi", "tool: 42"), {}, { message: 1 }],
    ["unknown_role", raw("user: hi", "elf: 42"), {}, { message: 1, found: "elf", expected: "user or assistant" }],
    ["unknown_role", raw("User: hi"), {}, { message: 0, found: "User", expected: "user or assistant" }],
    ["broken_alternation", raw("assistant: hello"), {}, { message: 0, found: "assistant", expected: "user" }],
    ["broken_alternation", raw("user: hi", "user: there"), {}, { message: 1, found: "user", expected: "assistant" }],
    ["no_user_text", raw("user: ", "assistant: yes?", "user: \n\u00a0"), {}, { user_turns: 2 }],
  ] as const)("as %s, with what was found", (reason, conversation, given, detail) => {
    expect(checkConversation(conversation, options(given))).toEqual({ reason, detail });
    expect(PREPARE_REASONS).toContain(reason);
  });

  test("for the first of several reasons: language, toxic, redacted, then the turns", () => {
    const everything = { ...raw(), language: "Latin", toxic: true, redacted: true };
    expect(verdict(everything, { redacted: "drop" })).toBe("language");
    expect(verdict(everything, { redacted: "drop", language: "any" })).toBe("toxic");
    expect(verdict(everything, { redacted: "drop", language: "any", toxic: "keep" })).toBe("redacted");
    expect(verdict(everything, { language: "any", toxic: "keep" })).toBe("no_turns");
  });

  test("for its first faulty message", () => {
    expect(verdict(raw("user: ", "user: ", "system: x"))).toBe("broken_alternation");
    expect(verdict(raw("user: ", "elf: x", "system: x"))).toBe("unknown_role");
    expect(verdict(raw("user: ", "system: x", "tool: x"))).toBe("system_turn");
  });
});

describe("repair", () => {
  const repaired = (...lines: string[]) => verdict(raw(...lines), { roles: "repair" });

  test.each([
    ["leaves good turns alone", hello, hello],
    [
      "leaves out system turns wherever they stand",
      ["system: a", "user: hi", "system: b", "assistant: hello", "system: c"],
      hello,
    ],
    [
      "leaves out assistant turns before the first user turn",
      ["assistant: welcome", "assistant: again", ...hello],
      hello,
    ],
    [
      "joins neighbours of one role with a blank line",
      ["user: a", "user: b", "assistant: c", "assistant: d"],
      ["user: a\n\nb", "assistant: c\n\nd"],
    ],
    ["joins what a system turn stood between", ["user: a", "system: x", "user: b"], ["user: a\n\nb"]],
  ])("%s", (_, lines, expected) => {
    expect(repaired(...lines)).toEqual(expected);
  });

  test("does not invent: nothing left is no_turns, other roles stay unknown", () => {
    expect(repaired("system: a", "assistant: b")).toBe("no_turns");
    expect(repaired("user: a", "elf: b", "elf: c")).toBe("unknown_role");
    expect(repaired("user: ", "system: a", "user: ")).toBe("no_user_text");
  });

  test("does not change the row that it was given", () => {
    const given = raw("user: a", "user: b");
    repaired();
    checkConversation(given, options({ roles: "repair" }));
    expect(given.turns.map(({ content }) => content)).toEqual(["a", "b"]);
  });

  test("makes every row of users, assistants and system turns alternate, and loses no user text", () => {
    const turn = fc.record({ role: fc.constantFrom("user", "assistant", "system"), content: texts });
    fc.assert(
      fc.property(fc.array(turn), (turns) => {
        const checked = checkConversation({ ...raw(), turns }, options({ roles: "repair" }));
        if ("reason" in checked) return ["no_turns", "no_user_text"].includes(checked.reason);
        const roles = checked.turns.map(({ role }) => role);
        expect(roles).toEqual(roles.map((_, at) => (at % 2 === 0 ? "user" : "assistant")));
        const said = (each: readonly { role: string; content: string }[]) =>
          each.flatMap(({ role, content }) => (role === "user" ? [content] : []));
        const joined = said(checked.turns).join("");
        for (const content of said(turns)) expect(joined).toContain(content);
        return true;
      }),
    );
  });
});
