import { describe, expect, test } from "vitest";
import { prism } from "../../../../stages/sources/prism.ts";

type Entry = Record<string, unknown>;

const user = (turn: number, content: string): Entry => ({ turn, role: "user", content });
/** A candidate answer; its place among the candidates is its number. */
const model = (turn: number, number: number, content: string, chosen: boolean | null): Entry => ({
  turn,
  role: "model",
  content,
  model_name: `model-${number}`,
  score: 50,
  if_chosen: chosen,
  within_turn_id: number,
});

/** What becomes of a PRISM row with this history. */
function convert(...conversation_history: Entry[]) {
  const row = {
    conversation_id: "c0",
    user_id: "user0",
    conversation_type: "unguided",
    conversation_history,
    generated_datetime: "2023-11-22 15:55:46",
  };
  return prism.convert(prism.row().parse(row));
}

/** Its turns as `role: content`. */
function turns(...history: Entry[]): string[] {
  const found = convert(...history);
  if ("reason" in found) throw new Error(found.reason);
  return found.turns.map(({ role, content }) => `${role}: ${content}`);
}

describe("a PRISM row", () => {
  test("goes on with the chosen of the candidates, not the first, in each round", () => {
    expect(
      turns(
        user(0, "soup?"),
        model(0, 0, "lentil", false),
        model(0, 1, "leek", true),
        model(0, 2, "tomato", false),
        user(1, "how long"),
        model(1, 0, "35 minutes", true),
        model(1, 1, "half an hour", false),
      ),
    ).toEqual(["user: soup?", "assistant: leek", "user: how long", "assistant: 35 minutes"]);
  });

  test("with several chosen takes the first of them by number, wherever it stands, and counts the round", () => {
    const found = convert(
      user(0, "hi"),
      model(0, 2, "same", true),
      model(0, 1, "same", true),
      model(0, 0, "no", false),
    );
    expect(found).toMatchObject({ model: "model-1", counts: { rounds_with_several_chosen: 1 } });
    expect(turns(user(0, "hi"), model(0, 2, "c", true), model(0, 1, "b", true))).toEqual(["user: hi", "assistant: b"]);
  });

  test("counts no round where one is chosen", () => {
    expect(convert(user(0, "hi"), model(0, 0, "a", true))).toMatchObject({ counts: { rounds_with_several_chosen: 0 } });
  });

  test.each([false, null])("with candidates of which none is chosen (%s) is unusable, with the round", (chosen) => {
    expect(
      convert(
        user(0, "hi"),
        model(0, 0, "a", true),
        user(1, "and"),
        model(1, 0, "b", chosen),
        model(1, 1, "c", chosen),
      ),
    ).toEqual({ reason: "no_chosen_answer", source_id: "c0", detail: { turn: 1, candidates: 2 } });
  });

  test("has nothing where PRISM writes EMPTY STRING, on either side, and only there", () => {
    expect(turns(user(0, "EMPTY STRING"), model(0, 0, "EMPTY STRING", true), user(1, "an EMPTY STRING"))).toEqual([
      "user: ",
      "assistant: ",
      "user: an EMPTY STRING",
    ]);
  });

  test("may end with a user turn that nobody answered", () => {
    expect(turns(user(0, "hi"), model(0, 0, "a", true), user(1, "bye"))).toEqual([
      "user: hi",
      "assistant: a",
      "user: bye",
    ]);
  });

  test("is read by round, whatever the order of the file", () => {
    expect(turns(user(1, "two"), model(1, 0, "b", true), model(0, 0, "a", true), user(0, "one"))).toEqual([
      "user: one",
      "assistant: a",
      "user: two",
      "assistant: b",
    ]);
  });

  test("of no rounds has no turns", () => {
    expect(turns()).toEqual([]);
  });

  test("keeps user and time, and knows no country, language or flags", () => {
    expect(convert(user(0, "hi"), model(0, 0, "a", true))).toMatchObject({
      source_id: "c0",
      user: "user0",
      started_at: "2023-11-22T15:55:46.000Z",
      model: "model-0",
      country: null,
      language: null,
      redacted: null,
      toxic: null,
    });
  });

  test("with a role that PRISM does not have fails its schema", () => {
    const history = [{ turn: 0, role: "assistant", content: "x" }];
    expect(prism.row().safeParse({ conversation_id: "c0", conversation_history: history }).success).toBe(false);
  });
});

test("all of PRISM is test data, and none of it is deduplicated", () => {
  expect(prism.defaults).toEqual({ dedup: { templates: "keep" }, split: { fixedSplit: "test" } });
});
