import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Rejection } from "../../schemas/rejection.ts";
import { END, Sample } from "../../schemas/sample.ts";
import { flip } from "../../stages/flip.ts";
import { conversation } from "../helpers/conversation.ts";
import { texts } from "../helpers/texts.ts";

const INTENT = "You are a user chatting with an assistant language model to plan a trip.";
const samplesOf = (rows: readonly (Sample | Rejection)[]) => rows.filter((row) => "target" in row);
const rejectionsOf = (rows: readonly (Sample | Rejection)[]) => rows.filter((row) => "reason" in row);
/** Rows in short: what is predicted after how many turns, or why not. */
const shown = (...lines: string[]) =>
  flip(conversation(...lines), null, "train").map((row) =>
    "reason" in row ? row.reason : `${row.kind} ${row.context.length} ${row.target}`,
  );

test("a conversation of two exchanges gives its two user turns and its end", () => {
  const two = conversation("user: hi", "assistant: hello", "user: thanks", "assistant: bye");
  const [hi, hello, thanks, bye] = two.turns;
  const common = {
    conversation_id: "test:1",
    source: "test",
    split: "train",
    turns: 2,
    intent: INTENT,
    language: "English",
    country: "Chile",
    model: "gpt-4",
    user_id: "u1",
  };
  expect(flip(two, INTENT, "train")).toEqual([
    { ...common, id: "test:1:1", turn: 1, kind: "first", context: [], target: "hi" },
    { ...common, id: "test:1:2", turn: 2, kind: "next", context: [hi, hello], target: "thanks" },
    { ...common, id: "test:1:3", turn: 3, kind: "end", context: [hi, hello, thanks, bye], target: END },
  ]);
});

describe("flipping", () => {
  test.each([
    ["a user turn without an answer gives it, and no end", ["user: hi"], ["first 0 hi", "ends_with_user"]],
    ["one exchange gives two samples", ["user: hi", "assistant: hello"], ["first 0 hi", `end 2 ${END}`]],
    [
      "a last user turn gives no end",
      ["user: a", "assistant: b", "user: c"],
      ["first 0 a", "next 2 c", "ends_with_user"],
    ],
    [
      "an empty first turn gives no first",
      ["user: ", "assistant: b", "user: c", "assistant: d"],
      ["empty_target", "next 2 c", `end 4 ${END}`],
    ],
    [
      "a turn of white space gives none",
      ["user: a", "assistant: b", "user: \n\t\u00a0", "assistant: d"],
      ["first 0 a", "empty_target", `end 4 ${END}`],
    ],
    [
      "an empty last user turn gives neither",
      ["user: a", "assistant: b", "user: "],
      ["first 0 a", "empty_target", "ends_with_user"],
    ],
    ["an empty answer is an answer", ["user: a", "assistant: "], ["first 0 a", `end 2 ${END}`]],
  ])("%s", (_, lines, expected) => {
    expect(shown(...lines)).toEqual(expected);
  });

  test("keeps white space and control tokens of a target as they were typed", () => {
    const [first] = flip(conversation(`user:  ${END}\n`, "assistant: ok"), null, "train");
    expect(first).toMatchObject({ kind: "first", target: ` ${END}\n` });
  });

  test("keeps empty turns in the context of later ones", () => {
    const rows = flip(conversation("user: ", "assistant: yes?", "user: hi", "assistant: hello"), null, "train");
    expect(samplesOf(rows)[0]?.context[0]).toEqual({ role: "user", content: "" });
  });

  test("without an intent gives the same samples without one", () => {
    const one = conversation("user: hi", "assistant: hello");
    expect(flip(one, null, "test")).toEqual(flip(one, INTENT, "test").map((row) => ({ ...row, intent: null })));
  });

  test("says in a rejection which turn of how many it was", () => {
    expect(rejectionsOf(flip(conversation("user: a", "assistant: b", "user: "), null, "train"))).toEqual([
      {
        id: "test:1:2",
        conversation_id: "test:1",
        stage: "flip",
        reason: "empty_target",
        detail: '{"turn":2,"turns":2}',
      },
      {
        id: "test:1:3",
        conversation_id: "test:1",
        stage: "flip",
        reason: "ends_with_user",
        detail: '{"turn":3,"turns":2}',
      },
    ]);
  });

  test("does not change the conversation", () => {
    const one = conversation("user: hi", "assistant: hello");
    flip(one, INTENT, "train");
    expect(one).toEqual(conversation("user: hi", "assistant: hello"));
  });
});

describe("for any conversation", () => {
  const said = fc.oneof(texts, fc.constantFrom("", " ", "\n"));
  const conversations = fc.array(said, { minLength: 1, maxLength: 9 }).map((contents) => ({
    ...conversation("user: x"),
    turns: contents.map((content, at) => ({
      role: at % 2 === 0 ? ("user" as const) : ("assistant" as const),
      content,
    })),
  }));

  test("K user turns give K + 1 rows, each a sample or a rejection", () => {
    fc.assert(
      fc.property(conversations, (one) => {
        const rows = flip(one, INTENT, "validation");
        expect(rows).toHaveLength(one.turns.filter(({ role }) => role === "user").length + 1);
        for (const row of rows) ("reason" in row ? Rejection : Sample).parse(row);
      }),
    );
  });

  test("every user turn with text is the target of exactly one sample, in order", () => {
    fc.assert(
      fc.property(conversations, (one) => {
        const targets = samplesOf(flip(one, INTENT, "train")).flatMap((row) =>
          row.kind === "end" ? [] : [row.target],
        );
        const expected = one.turns.flatMap(({ role, content }) =>
          role === "user" && content.trim() !== "" ? [content] : [],
        );
        expect(targets).toEqual(expected);
      }),
    );
  });

  test("the context of a sample is exactly the turns before its target", () => {
    fc.assert(
      fc.property(conversations, (one) => {
        for (const { turn, kind, context, target } of samplesOf(flip(one, INTENT, "train"))) {
          expect(context).toEqual(one.turns.slice(0, 2 * (turn - 1)));
          if (kind !== "end") expect(one.turns[context.length]).toEqual({ role: "user", content: target });
          else expect(context).toEqual(one.turns);
        }
      }),
    );
  });

  test("no target is empty, and an end never follows a user turn", () => {
    fc.assert(
      fc.property(conversations, (one) => {
        for (const { kind, context, target } of samplesOf(flip(one, INTENT, "train"))) {
          expect(target.trim()).not.toBe("");
          if (kind === "end") expect(context.at(-1)?.role).toBe("assistant");
        }
      }),
    );
  });

  test("ids are unique and stable", () => {
    fc.assert(
      fc.property(conversations, (one) => {
        const ids = flip(one, INTENT, "train").map(({ id }) => id);
        expect(ids).toEqual(ids.map((_, at) => `test:1:${at + 1}`));
        expect(flip(structuredClone(one), null, "test").map(({ id }) => id)).toEqual(ids);
      }),
    );
  });
});
