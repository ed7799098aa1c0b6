import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Template } from "../../../../schemas/template.ts";
import { DedupOptions } from "../../../../stages/dedup/options.ts";
import { addLinks, markOpening } from "../../../../stages/dedup/phases/locate.ts";
import { KeyCounter, KeyIndex, moreThan } from "../../../../stages/dedup/runs.ts";
import {
  chainGrams,
  chainText,
  type Gram,
  linkKey,
  type Mark,
  matchOf,
  TemplateTable,
} from "../../../../stages/dedup/templates.ts";
import { NGRAM, WordScanner } from "../../../../stages/dedup/words.ts";

/** The chains that come of conversations, each given as the heavy 7-grams that it contains, in order. */
function chainsOf(conversations: readonly (readonly number[])[]): number[][] {
  const counts = new Uint32Array(Math.max(-1, ...conversations.flat()) + 1);
  const links = new KeyCounter(0);
  for (const grams of conversations) {
    for (const [at, gram] of grams.entries()) {
      counts[gram] = (counts[gram] ?? 0) + 1;
      const after = grams[at + 1];
      if (after !== undefined) links.add(linkKey(gram, after));
    }
  }
  return chainGrams(counts, links.finish());
}

const times = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);

describe("heavy 7-grams become a chain", () => {
  test.each([
    ["nothing, of nothing", [], []],
    ["one, of one", [[0], [0]], [[0]]],
    ["when they follow each other everywhere", times(3, [0, 1, 2]), [[0, 1, 2]]],
    ["in the order of the text, not of their numbers", times(3, [2, 0, 1]), [[2, 0, 1]]],
    [
      "when they follow each other in more than half of the conversations of both",
      [[0, 1], [0, 1], [0], [1]],
      [[0, 1]],
    ],
    ["but not when in exactly half", [[0, 1], [0, 1], [0], [0], [1], [1]], [[0], [1]]],
    ["but not when most of one go on otherwise", [...times(3, [0, 1]), ...times(4, [0, 2])], [[0, 2], [1]]],
    [
      "each on its own when a text is shared by two templates",
      [...times(3, [0, 1, 2]), ...times(3, [0, 1, 3])],
      [[0, 1], [2], [3]],
    ],
    [
      "once, when they stand in a circle",
      [
        [0, 1, 2],
        [1, 2, 0],
        [2, 0, 1],
      ],
      [[1, 2, 0]],
    ],
  ])("%s", (_, conversations, expected) => {
    expect(chainsOf(conversations)).toEqual(expected);
  });

  test("each of them exactly once, whatever the conversations", () => {
    const conversation = fc.uniqueArray(fc.nat(7), { maxLength: 8 });
    fc.assert(
      fc.property(fc.array(conversation), (conversations) => {
        const all = Array.from({ length: Math.max(-1, ...conversations.flat()) + 1 }, (_, gram) => gram);
        expect(chainsOf(conversations).flat().sort()).toEqual(all);
      }),
    );
  });

  test("that is the same for conversations in any order", () => {
    const conversation = fc.uniqueArray(fc.nat(5), { maxLength: 6 });
    const shuffled = fc
      .array(conversation)
      .chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })));
    fc.assert(
      fc.property(shuffled, ([one, other]) => {
        expect(chainsOf(other)).toEqual(chainsOf(one));
      }),
    );
  });
});

/** Finds templates in openings with the real parts, as the stage does on one shard. */
function templatesIn(openings: readonly string[], minCount: number, keep: "none" | "first" = "none"): Template[] {
  const options = DedupOptions.parse({ minCount, keep });
  const scanner = new WordScanner();
  const counter = new KeyCounter(0);
  for (const opening of openings) {
    scanner.scan(opening);
    counter.addDistinct(scanner.gramLow, scanner.gramHigh, scanner.grams);
  }
  const heavy = moreThan(counter.finish(), minCount);
  const index = new KeyIndex(heavy.keys);
  const links = new KeyCounter(0);
  const grams: Gram[] = Array.from(heavy.counts, (count) => ({ text: "", count, template: -1 }));
  const marks = openings.map((opening, at) => {
    const row = { id: `id ${at}`, user_id: null, country: null, started_at: null, opening };
    const mark = markOpening(row, scanner, index, options);
    for (const [nth, gram] of mark.grams.entries())
      (grams[gram] as Gram).text = scanner.text(mark.places[nth] as number, NGRAM);
    addLinks(mark, links);
    return mark;
  });
  const chains = chainGrams(heavy.counts, links.finish());
  for (const [template, chain] of chains.entries()) for (const gram of chain) (grams[gram] as Gram).template = template;
  const table = new TemplateTable(chains, grams, options);
  for (const mark of marks) table.add(mark);
  return table.rows();
}

describe("in real text", () => {
  const planted = (subject: string) =>
    `As a prompt generator for an image model please describe ${subject} in forty words and add the camera lens light and mood`;
  const subjects = ["a red fox", "two old sailors on a pier", "snow", "the city of glass at dawn", "my grandmother"];

  test("a template with a variable part is one template, with the part left out", () => {
    const [template, ...others] = templatesIn(subjects.map(planted), 3);
    expect(others).toEqual([]);
    expect(template).toMatchObject({
      text: "as a prompt generator for an image model please describe … in forty words and add the camera lens light and mood",
      conversations: 5,
      matched: 5,
      verdict: "drop",
      decided_by: "threshold",
    });
  });

  test("what few people wrote is no template", () => {
    expect(templatesIn(subjects.map(planted), 5)).toEqual([]);
  });

  test("different endings of one ordinary opening stay apart from it", () => {
    const opening = "can you please help me to write a";
    const openings = [
      "letter to my landlord about the broken heating",
      "poem for the wedding of my best friend",
    ].flatMap((end) => times(4, `${opening} ${end}`));
    const found = templatesIn(openings, 3).map(({ text, conversations }) => `${text} (${conversations})`);
    expect(found).toContain("can you please help me to write a (8)");
    expect(found).toHaveLength(3);
  });

  test("the rows are whole artefacts, with an id of their text", () => {
    const [template] = templatesIn(subjects.map(planted), 3);
    expect(Template.parse(template).id).toMatch(/^t-[0-9a-f]{10}$/);
    expect(templatesIn(subjects.toReversed().map(planted), 3)[0]?.id).toBe(template?.id);
  });
});

describe("the text of a chain", () => {
  test.each([
    ["of nothing is empty", [], ""],
    ["of one 7-gram is that", ["a b c d e f g"], "a b c d e f g"],
    [
      "of overlapping ones says each word once",
      ["a b c d e f g", "b c d e f g h", "c d e f g h i"],
      "a b c d e f g h i",
    ],
    ["shows where a part varies", ["a b c d e f g", "t u v w x y z"], "a b c d e f g … t u v w x y z"],
    [
      "shows a gap though six words later words return",
      ["a b c d e f g", "c d e f g h i"],
      "a b c d e f g … c d e f g h i",
    ],
    ["of a short prompt is the prompt", ["hi there"], "hi there"],
  ])("%s", (_, ngrams, expected) => {
    expect(chainText(ngrams)).toBe(expected);
  });
});

describe("a conversation and its template", () => {
  const mark = (given: Partial<Mark>): Mark => {
    const whole = { id: "a", user: "u", country: null, started_at: null, words: 10, grams: [0], places: [0], ...given };
    return { ...whole, places: given.places ?? whole.grams.map((_, at) => at) };
  };
  const grams: Gram[] = [0, 0, 1, 1, 2].map((template, at) => ({ text: `gram ${at}`, count: 9, template }));

  test("match when enough of the words are covered, and exactly enough is enough", () => {
    expect(matchOf(mark({ words: 14 }), grams, 0.5)).toMatchObject({ covered: 7 });
    expect(matchOf(mark({ words: 15 }), grams, 0.5)).toBeNull();
    expect(matchOf(mark({ grams: [] }), grams, 0)).toBeNull();
  });

  test("belong together by most of the 7-grams, the first template where equal", () => {
    expect(matchOf(mark({ grams: [4, 2, 3] }), grams, 0)?.template).toBe(1);
    expect(matchOf(mark({ grams: [2, 0] }), grams, 0)?.template).toBe(0);
  });

  test("match by the templates that are to be looked at alone", () => {
    const two = mark({ words: 20, grams: [0, 2], places: [0, 10] });
    expect(matchOf(two, grams, 0.7)).toMatchObject({ template: 0, covered: 14 });
    expect(matchOf(two, grams, 0.7, (template) => template !== 0)).toBeNull();
    expect(matchOf(two, grams, 0.3, (template) => template !== 0)).toEqual({
      template: 1,
      covered: 7,
      ngram: "gram 2",
    });
  });

  test("are counted: who contains it, who matches, and up to five examples", () => {
    const table = new TemplateTable([[0, 1], [2, 3], [4]], grams, { coverage: 0.5, keep: "none" });
    for (const id of ["g", "f", "e", "d", "c", "b"]) table.add(mark({ id, grams: [0, 1, 2] }));
    table.add(mark({ id: "a", grams: [0], words: 20 }));
    expect(
      table.rows().map(({ conversations, matched, examples, kept }) => ({ conversations, matched, examples, kept })),
    ).toEqual([
      { conversations: 7, matched: 6, examples: ["b", "c", "d", "e", "f"], kept: null },
      { conversations: 6, matched: 0, examples: [], kept: null },
      { conversations: 0, matched: 0, examples: [], kept: null },
    ]);
  });

  test.each([
    [
      "the earliest",
      [
        ["b", "2024-01-02"],
        ["c", "2024-01-01"],
        ["a", "2024-01-03"],
      ],
      "c",
    ],
    [
      "by id where the time is the same",
      [
        ["b", "2024-01-01"],
        ["a", "2024-01-01"],
      ],
      "a",
    ],
    [
      "one with a time before one without",
      [
        ["a", null],
        ["b", "2024-01-01"],
      ],
      "b",
    ],
  ] as const)("leave one when told to: %s", (_, marks, expected) => {
    for (const order of [marks, marks.toReversed()]) {
      const table = new TemplateTable([[0, 1]], grams, { coverage: 0.5, keep: "first" });
      for (const [id, started_at] of order) table.add(mark({ id, started_at }));
      expect(table.rows()[0]?.kept).toBe(expected);
    }
  });

  test("leave the earliest of each user, in the shard where it is", () => {
    const table = new TemplateTable([[0, 1]], grams, { coverage: 0.5, keep: "per-user-first" });
    table.add(mark({ id: "a", user: "u", started_at: "2024-01-02" }), 0);
    table.add(mark({ id: "b", user: "u", started_at: "2024-01-01" }), 1);
    table.add(mark({ id: "c", user: "v", started_at: "2024-01-03" }), 0);
    expect([table.survivors(0), table.survivors(1)]).toEqual([["c"], ["b"]]);
    expect(table.rows()[0]).toMatchObject({ kept: null, users: 2 });
  });

  test("tell users, countries and dates, each user once, the country of most conversations first", () => {
    const table = new TemplateTable([[0, 1]], grams, { coverage: 0.5, keep: "none" });
    for (const [id, user, country, started_at] of [
      ["a", "u", "Peru", "2024-01-02"],
      ["b", "v", "Chile", null],
      ["c", "v", "Chile", "2023-05-01"],
    ] as const)
      table.add(mark({ id, user, country, started_at }));
    const [row] = table.rows();
    expect(row).toMatchObject({
      users: 2,
      countries: ["Chile", "Peru"],
      first_at: "2023-05-01",
      last_at: "2024-01-02",
    });
  });

  test("that a person keeps stays, and its words count towards no other template", () => {
    const keep = { verdict: "keep", decided_by: "review", reviewer: "ada", note: "an ordinary opening" } as const;
    const before = new TemplateTable([[0, 1], [2, 3], [4]], grams, { coverage: 0.5, keep: "first" });
    const id = before.rows()[0]?.id ?? "";
    const table = new TemplateTable(
      [[0, 1], [2, 3], [4]],
      grams,
      { coverage: 0.5, keep: "first" },
      new Map([[id, keep]]),
    );
    table.add(mark({ id: "x", words: 20, grams: [0, 2], places: [0, 10] }));
    expect(table.rows()[0]).toMatchObject({ matched: 1, ...keep });
    expect(table.survivors(0)).toEqual([]);
    expect(table.isDropped(0)).toBe(false);
  });
});
