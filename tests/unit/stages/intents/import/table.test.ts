import { existsSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Published, sha256, textHash } from "../../../../../stages/intents/import/read.ts";
import { FATES, ImportTable, type Known } from "../../../../../stages/intents/import/table.ts";
import { useFolder } from "../../../../helpers/folder.ts";

const at = useFolder();

const row = (given: Partial<Published>): Published => ({ id: null, text: null, intent: null, model: null, ...given });
const here = (id: string, opening = `opening of ${id}`): Known => ({ id: `chat:${id}`, source_id: id, opening });

/** What is found for conversations that are here, after all rows were added; `left` = conversations that have left. */
function join(rows: readonly Published[], conversations: readonly Known[], left: readonly Known[] = []) {
  const table = new ImportTable(at("rows"));
  for (const each of rows) table.add(each);
  for (const each of conversations) table.claim(each, false);
  for (const each of left) table.claim(each, true);
  table.indexTexts();
  const found = conversations.map((each) => table.find(each));
  const fates = Object.fromEntries(Object.entries(table.fates()).filter(([, count]) => count > 0));
  table.close();
  return { found, fates };
}

describe("a published intent is found", () => {
  test("by the id of the artefacts and by the source's own", () => {
    const rows = [row({ id: "chat:a", intent: "A", model: "m" }), row({ id: "b", intent: "B" })];
    expect(join(rows, [here("a"), here("b")])).toEqual({
      found: [
        { by: "id", intent: "A", model: "m" },
        { by: "id", intent: "B", model: null },
      ],
      fates: { used: 2 },
    });
  });

  test("by the text of the first turn where the id is not known, white space at its ends aside", () => {
    const rows = [row({ id: "elsewhere", text: textHash("hello there"), intent: "A" })];
    expect(join(rows, [here("a", "  hello there\n")]).found).toEqual([{ by: "text", intent: "A", model: null }]);
  });

  test("by the hash of the text exactly as it is", () => {
    const rows = [row({ text: sha256(" hi\n"), intent: "A" })];
    expect(join(rows, [here("a", " hi\n")]).found).toEqual([{ by: "text", intent: "A", model: null }]);
  });

  test("by its id before anybody's text", () => {
    const rows = [row({ text: textHash("hi"), intent: "text" }), row({ id: "a", intent: "id" })];
    expect(join(rows, [here("a", "hi")])).toEqual({
      found: [{ by: "id", intent: "id", model: null }],
      fates: { used: 1, unmatched: 1 },
    });
  });

  test("never by the text of a row whose own conversation is here: that is about another", () => {
    const rows = [row({ id: "a", text: textHash("hi"), intent: "A" })];
    expect(join(rows, [here("a", "hi"), here("b", "hi")]).found[1]).toBeNull();
    expect(join(rows, [here("b", "hi")], [here("a", "hi")])).toEqual({ found: [null], fates: { left: 1 } });
  });

  test("not by an empty first turn", () => {
    expect(join([row({ text: sha256(""), intent: "A" })], [here("a", " ")]).found).toEqual([null]);
  });
});

describe("rows that", () => {
  test("say the same of one conversation count once", () => {
    const rows = [row({ id: "a", intent: "A" }), row({ id: "a", intent: "A" })];
    expect(join(rows, [here("a")]).fates).toEqual({ used: 1, repeated: 1 });
  });

  test("contradict each other about an id leave the first", () => {
    const rows = [row({ id: "a", intent: "first" }), row({ id: "a", intent: "second" })];
    expect(join(rows, [here("a")])).toEqual({
      found: [{ by: "id", intent: "first", model: null }],
      fates: { used: 1, contradicted: 1 },
    });
  });

  test("contradict each other about a text leave none", () => {
    const rows = ["A", "B", "A"].map((intent) => row({ text: textHash("hi"), intent }));
    expect(join(rows, [here("a", "hi")])).toEqual({ found: [{ by: "ambiguous" }], fates: { ambiguous: 3 } });
  });

  test("agree about a text count for every conversation that begins with it", () => {
    const rows = [row({ text: textHash("hi"), intent: "A" }), row({ text: textHash("hi"), intent: "A" })];
    expect(join(rows, [here("a", "hi"), here("b", "hi")])).toMatchObject({
      found: [{ intent: "A" }, { intent: "A" }],
      fates: { used: 1, repeated: 1 },
    });
  });

  test("have no intent or say of nothing whose they are are empty", () => {
    expect(join([row({ id: "a" }), row({ intent: "A" })], [here("a")])).toEqual({ found: [null], fates: { empty: 2 } });
  });

  test("are of conversations that are not here or have left are told apart", () => {
    const rows = [row({ id: "gone", intent: "A" }), row({ id: "nobody", intent: "A" })];
    expect(join(rows, [], [here("gone")]).fates).toEqual({ left: 1, unmatched: 1 });
  });
});

test("every row has one fate, whatever was published, and the file of rows is gone", () => {
  const few = fc.constantFrom("a", "b", "c", null);
  const rows = fc.array(
    fc.record({ id: few, text: few.map((text) => text && textHash(text)), intent: few, model: few }),
  );
  fc.assert(
    fc.property(rows, fc.subarray(["a", "b", "d"]), (published, ids) => {
      const { fates } = join(
        published,
        ids.map((id) => here(id, id)),
        [here("c", "c")],
      );
      expect(Object.values(fates).reduce((sum, count) => sum + count, 0)).toBe(published.length);
      expect(FATES).toEqual(expect.arrayContaining(Object.keys(fates)));
    }),
  );
  expect(existsSync(at("rows"))).toBe(false);
});
