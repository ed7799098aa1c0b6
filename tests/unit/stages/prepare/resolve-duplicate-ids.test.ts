import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resolveDuplicateIds } from "../../../../stages/prepare/resolve-duplicate-ids.ts";
import { type JudgedRow, rejectionOf } from "../../../../stages/prepare/scattered-row.ts";
import { conversation } from "../../../helpers/conversation.ts";

const said = (id: string, text = "hi", started_at: string | null = null): JudgedRow => ({
  conversation: { ...conversation(`user: ${text}`), id, started_at },
  ended_at: null,
});
const dropped = (id: string, reason = "toxic"): JudgedRow => ({ rejection: rejectionOf(id, id, reason, {}) });

/** What stays, as `id text`, and what leaves, as `id reason`. */
function resolved(rows: JudgedRow[], repeats: "drop" | "keep" = "drop"): { kept: string[]; left: string[] } {
  const { kept, rejections } = resolveDuplicateIds(rows, { repeats });
  return {
    kept: kept.map(({ conversation: { id, opening } }) => `${id} ${opening}`),
    left: rejections.map(({ id, reason }) => `${id} ${reason}`),
  };
}

describe("a shard is written", () => {
  test("with its conversations and its rejections sorted by id", () => {
    expect(resolved([said("c"), dropped("z"), said("a"), dropped("b")])).toEqual({
      kept: ["a hi", "c hi"],
      left: ["b toxic", "z toxic"],
    });
  });

  test("with the earliest of equal ids, those without a time last", () => {
    const rows = [said("a", "none"), said("a", "late", "2024-01-02"), said("a", "early", "2024-01-01"), said("b")];
    expect(resolved(rows)).toEqual({ kept: ["a early", "b hi"], left: ["a#2 repeated_id", "a#3 repeated_id"] });
  });

  test("with all of equal ids under new ids, when told to keep them", () => {
    const rows = [said("a", "late", "2024-01-02"), said("a", "early", "2024-01-01")];
    expect(resolved(rows, "keep")).toEqual({ kept: ["a early", "a#2 late"], left: [] });
  });

  test("with an id of its own for each of several rejections of one row id", () => {
    expect(resolved([dropped("a", "toxic"), dropped("a", "language"), dropped("a", "toxic")]).left).toEqual([
      "a language",
      "a~2 toxic",
      "a~3 toxic",
    ]);
  });

  test("with unique ids", () => {
    expect(new Set(resolved([said("a", "x"), said("a", "y")], "keep").kept.map((row) => row.split(" ")[0])).size).toBe(
      2,
    );
    expect(new Set(resolved([dropped("a"), dropped("a")]).left).size).toBe(2);
  });

  const row = fc.oneof(
    fc
      .tuple(
        fc.constantFrom("a", "b", "c"),
        fc.constantFrom("x", "y"),
        fc.constantFrom(null, "2024-01-01", "2024-01-02"),
      )
      .map((each) => said(...each)),
    fc.tuple(fc.constantFrom("a", "b"), fc.constantFrom("toxic", "language")).map((each) => dropped(...each)),
  );
  const shuffled = fc
    .array(row)
    .chain((rows) => fc.tuple(fc.constant(rows), fc.shuffledSubarray(rows, { minLength: rows.length })));

  test.each(["drop", "keep"] as const)("the same whatever the order of its rows, and losing none: %s", (repeats) => {
    fc.assert(
      fc.property(shuffled, ([rows, others]) => {
        const found = resolveDuplicateIds(rows, { repeats });
        expect(resolveDuplicateIds(others, { repeats })).toEqual(found);
        expect(found.kept.length + found.rejections.length).toBe(rows.length);
      }),
    );
  });
});
