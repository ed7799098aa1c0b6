import { describe, expect, test } from "vitest";
import { at, columnOf } from "../../../../../stages/sources/logs/path.ts";

describe("what stands at a path", () => {
  test.each([
    [{ role: "user" }, "role", "user"],
    [{ author: { role: "user" } }, "author.role", "user"],
    [{ "meta.user": "u" }, "meta.user", "u"],
    [{ "meta.user": "u", meta: { user: "other" } }, "meta.user", "u"],
    [{ "meta.user": { id: 7 } }, "meta.user.id", 7],
    [{ meta: { "user.id": 7 } }, "meta.user.id", 7],
    [{ "meta.user": { name: "x" }, meta: { user: { id: 7 } } }, "meta.user.id", 7],
    [{ a: null }, "a.b", undefined],
    [null, "a", undefined],
    [{}, "toString", undefined],
  ])("of %j at %s is %j", (value, path, expected) => {
    expect(at(value, path)).toEqual(expected);
  });
});

test.each([
  [["meta.user", "meta"], "meta.user", "meta.user"],
  [["meta"], "meta.user", "meta"],
  [["a.b", "a"], "a.b.c", "a.b"],
  [[], "meta.user", "meta"],
  [[], "user", "user"],
])("of the columns %j the path %s begins with %s", (columns, path, expected) => {
  expect(columnOf(path, (name) => columns.includes(name))).toBe(expected);
});
