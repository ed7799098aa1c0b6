import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Evaluation, findInTurns } from "../../../../../stages/dedup/overlap/find.ts";

function evaluation(...texts: string[]): Evaluation {
  const all = new Evaluation();
  for (const [at, text] of texts.entries()) all.add({ name: `set:${at + 1}`, text });
  return all;
}

const QUESTION =
  "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. How many in all?";
const THIRTEEN = "natalia sold clips to 48 of her friends in april and then she";

describe("text of an evaluation set", () => {
  test("is found whole, whatever its case and punctuation", () => {
    const [found] = evaluation("other words entirely", QUESTION).find(QUESTION.toUpperCase().replace(",", " –"));
    expect(found).toMatchObject({ item: "set:2", match: "exact" });
    expect(found?.text.startsWith(THIRTEEN)).toBe(true);
  });

  test("is found by 13 words in a row inside a longer turn, and those words are told", () => {
    expect(evaluation(QUESTION).find(`Please solve this. ${QUESTION} Thanks!`)).toEqual([
      { item: "set:1", match: "13-gram", text: THIRTEEN },
    ]);
  });

  test("is not found by 12 words in a row", () => {
    const twelve = THIRTEEN.split(" ").slice(0, 12).join(" ");
    expect(evaluation(QUESTION).find(`${twelve} went home`)).toEqual([]);
  });

  test("of under 13 words is found only as the whole turn", () => {
    const all = evaluation("What is the capital of France?");
    expect(all.find("what is the capital of france")).toMatchObject([{ match: "exact" }]);
    expect(all.find("Tell me: what is the capital of France?")).toEqual([]);
  });

  test.each([
    [
      "Chinese",
      "小明在四月份卖了四十八个发夹给他的朋友，然后在五月份卖了一半那么多。他一共卖了多少个？",
      "请解答下面这道题并写出步骤：",
    ],
    ["Thai", "สมชายขายกิ๊บให้เพื่อนสี่สิบแปดอันในเดือนเมษายน แล้วขายได้ครึ่งหนึ่งในเดือนพฤษภาคม เขาขายได้ทั้งหมดกี่อัน", "ช่วยแก้โจทย์ข้อนี้: "],
  ])("is found inside a longer turn in a script without spaces: %s", (_, item, before) => {
    expect(evaluation(item).find(`${before}${item}`)).toMatchObject([{ item: "set:1", match: "13-gram" }]);
    expect(evaluation(item).find(before)).toEqual([]);
  });

  test("that several items share names the first of them, and each item once", () => {
    const [one, two] = [`${QUESTION} One.`, `${QUESTION} Two.`];
    expect(evaluation(one, two).find(`x ${QUESTION} y`)).toMatchObject([{ item: "set:1" }]);
  });

  test("is not looked for where it is small talk, unless fewer words are asked for", () => {
    const all = evaluation("Hi!", "Tell me a joke", "你好");
    expect(all.size).toBe(0);
    for (const said of ["hi", "Hi there", "tell me a joke", "你好"]) expect(all.find(said)).toEqual([]);
    const any = new Evaluation(1);
    expect([any.add({ name: "set:1", text: "Hi!" }), any.add({ name: "set:2", text: "?" })]).toEqual([true, false]);
    expect(any.find("hi")).toMatchObject([{ match: "exact" }]);
    expect(evaluation("Tell me a good joke").find("tell me a good joke")).toHaveLength(1);
  });

  test("is nothing where there are no words", () => {
    const all = evaluation("", "?!");
    expect(all.size).toBe(0);
    expect(all.find("")).toEqual([]);
    expect(all.find("?!")).toEqual([]);
  });

  test("is found exactly where 13 words in a row agree, as looking for them in the text would", () => {
    const words = fc.array(fc.constantFrom("x", "y"), { maxLength: 30 });
    fc.assert(
      fc.property(words, words, (item, turn) => {
        const grams = item.slice(12).map((_, at) => item.slice(at, at + 13).join(" "));
        const isShared = grams.some((gram) => ` ${turn.join(" ")} `.includes(` ${gram} `));
        const isSame = item.length >= 5 && item.join(" ") === turn.join(" ");
        expect(evaluation(item.join(" ")).find(turn.join(" ")).length).toBe(Number(isShared || isSame));
      }),
      { numRuns: 500 },
    );
  });
});

test("a conversation tells the first user turn that holds an item, and nothing of what the assistant says", () => {
  const turns = ["hi", QUESTION, `${QUESTION} again`, QUESTION, QUESTION].map((content, at) => {
    return { role: at % 2 === 0 ? "user" : "assistant", content };
  });
  expect(findInTurns(evaluation(QUESTION), { id: "c", turns }, "drop")).toEqual([
    { conversation_id: "c", verdict: "drop", item: "set:1", match: "13-gram", turn: 2, text: THIRTEEN },
  ]);
});
