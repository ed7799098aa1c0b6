import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { END } from "../../../../pipeline/text/control-tokens.ts";
import type { Conversation } from "../../../../schemas/conversation.ts";
import { Rejection } from "../../../../schemas/rejection.ts";
import { Sample } from "../../../../schemas/sample.ts";
import { flip } from "../../../../stages/flip/flip.ts";
import { FlipOptions } from "../../../../stages/flip/options.ts";
import { conversation } from "../../../helpers/conversation.ts";
import { texts } from "../../../helpers/texts.ts";

const samplesOf = (rows: readonly (Sample | Rejection)[]) => rows.filter((row) => "kind" in row);
const rejectionsOf = (rows: readonly (Sample | Rejection)[]) => rows.filter((row) => "reason" in row);
/** Rows in short: what is predicted after how many turns, or why not. */
const shown = (...lines: string[]) => {
  const one = conversation(...lines);
  return flip(one, { split: "train" }).map((row) =>
    "reason" in row ? row.reason : `${row.kind} ${row.context_turns} ${targetOf(one, row)}`,
  );
};
/** The text that a sample speaks of. */
const targetOf = ({ turns }: Conversation, { kind, context_turns }: Sample) =>
  kind === "end" ? END : (turns[context_turns]?.content ?? "");

test("a conversation of two exchanges gives its two user turns and its end", () => {
  const two = conversation("user: hi", "assistant: hello", "user: thanks", "assistant: bye");
  const common = { conversation_id: "test:1", split: "train", turns: 2, weight: 1 };
  expect(flip(two, { split: "train" })).toEqual([
    { ...common, id: "test:1:1", turn: 1, kind: "first", context_turns: 0 },
    { ...common, id: "test:1:2", turn: 2, kind: "next", context_turns: 2 },
    { ...common, id: "test:1:3", turn: 3, kind: "end", context_turns: 4 },
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
    [
      "white space that only Python strips is nothing typed",
      ["user: a", "assistant: b", "user: \u0085\u001c\ufeff", "assistant: d"],
      ["first 0 a", "empty_target", `end 4 ${END}`],
    ],
    ["an empty answer is an answer", ["user: a", "assistant: "], ["first 0 a", `end 2 ${END}`]],
  ])("%s", (_, lines, expected) => {
    expect(shown(...lines)).toEqual(expected);
  });

  test("on request keeps empty targets, and ends after a user turn", () => {
    const one = conversation("user: a", "assistant: b", "user: ");
    const kinds = (options: Partial<FlipOptions>) =>
      flip(one, { split: "train" }, FlipOptions.parse(options)).map((row) => ("reason" in row ? row.reason : row.kind));
    expect(kinds({ emptyTargets: "keep", endAfterUser: "drop" })).toEqual(["first", "next", "ends_with_user"]);
    expect(kinds({ emptyTargets: "drop", endAfterUser: "keep" })).toEqual(["first", "empty_target", "end"]);
    const kept = flip(one, { split: "train" }, FlipOptions.parse({ emptyTargets: "keep", endAfterUser: "keep" }));
    expect(kept.at(-1)).toMatchObject({
      context_turns: 3,
    });
  });

  test("says in a rejection which turn of how many it was", () => {
    expect(rejectionsOf(flip(conversation("user: a", "assistant: b", "user: "), { split: "train" }))).toEqual([
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
    flip(one, { split: "train" });
    expect(one).toEqual(conversation("user: hi", "assistant: hello"));
  });
});

describe("end labels", () => {
  const one = conversation("user: hi", "assistant: hello");
  const doubtful = { end_confidence: 0.35, end_reasons: ["last_day" as const] };
  const end = (end_confidence: number, options: Partial<FlipOptions>, of = one) =>
    flip(of, { split: "train", end: { ...doubtful, end_confidence } }, FlipOptions.parse(options)).at(-1);

  test("all: every end is a sample of weight 1, as published", () => {
    expect(FlipOptions.parse({}).endLabels).toBe("all");
    for (const sure of [0.07, 0.5, 1]) expect(end(sure, {})).toMatchObject({ kind: "end", weight: 1 });
  });

  test("confident: an end under 0.5 is a rejection that says why, one of 0.5 counts in full", () => {
    for (const sure of [0.5, 0.95])
      expect(end(sure, { endLabels: "confident" })).toMatchObject({ kind: "end", weight: 1 });
    expect(end(0.35, { endLabels: "confident" })).toEqual({
      id: "test:1:2",
      conversation_id: "test:1",
      stage: "flip",
      reason: "doubtful_end",
      detail: '{"turn":2,"turns":1,"end_confidence":0.35,"end_reasons":["last_day"]}',
    });
  });

  test("weighted: an end has its confidence as weight, and is a rejection where that is nothing", () => {
    for (const sure of [0.07, 0.35, 0.95])
      expect(end(sure, { endLabels: "weighted" })).toMatchObject({ kind: "end", weight: sure });
    const asked = conversation("user: hi");
    expect(end(0, { endLabels: "weighted", endAfterUser: "keep" }, asked)).toMatchObject({ reason: "doubtful_end" });
    expect(end(0, { endLabels: "weighted" }, asked)).toMatchObject({ reason: "ends_with_user" });
  });

  test("concern ends alone: every other sample has weight 1", () => {
    for (const endLabels of ["all", "confident", "weighted"] as const) {
      const rows = flip(one, { split: "train", end: doubtful }, FlipOptions.parse({ endLabels }));
      expect(rows[0]).toMatchObject({ kind: "first", weight: 1 });
      expect(rows).toHaveLength(2);
    }
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
        const rows = flip(one, { split: "validation" });
        expect(rows).toHaveLength(one.turns.filter(({ role }) => role === "user").length + 1);
        for (const row of rows) ("reason" in row ? Rejection : Sample).parse(row);
      }),
    );
  });

  test("every user turn with text is the target of exactly one sample, in order", () => {
    fc.assert(
      fc.property(conversations, (one) => {
        const targets = samplesOf(flip(one, { split: "train" })).flatMap((row) =>
          row.kind === "end" ? [] : [targetOf(one, row)],
        );
        const expected = one.turns.flatMap(({ role, content }) =>
          role === "user" && content.trim() !== "" ? [content] : [],
        );
        expect(targets).toEqual(expected);
      }),
    );
  });

  test("a sample stands before a user turn with text, or, for the end, after the last turn", () => {
    fc.assert(
      fc.property(conversations, (one) => {
        for (const { turn, kind, context_turns } of samplesOf(flip(one, { split: "train" }))) {
          expect(context_turns).toBe(2 * (turn - 1));
          if (kind === "end") expect(context_turns).toBe(one.turns.length);
          else expect(one.turns[context_turns]?.content.trim()).toBeTruthy();
        }
      }),
    );
  });

  test("an end never follows a user turn", () => {
    fc.assert(
      fc.property(conversations, (one) => {
        const ends = samplesOf(flip(one, { split: "train" })).filter(({ kind }) => kind === "end");
        expect(ends).toHaveLength(one.turns.at(-1)?.role === "assistant" ? 1 : 0);
      }),
    );
  });

  test("ids are unique and stable", () => {
    fc.assert(
      fc.property(conversations, (one) => {
        const ids = flip(one, { split: "train" }).map(({ id }) => id);
        expect(ids).toEqual(ids.map((_, at) => `test:1:${at + 1}`));
        expect(flip(structuredClone(one), { split: "test" }).map(({ id }) => id)).toEqual(ids);
      }),
    );
  });
});
