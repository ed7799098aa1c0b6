import { expect, test } from "vitest";
import {
  exitCode,
  InputError,
  LimitError,
  NotReadyError,
  RemoteError,
  systemCode,
  UsageError,
  worstError,
} from "../../../pipeline/errors.ts";

test.each([
  [new UsageError("wrong"), 2],
  [new LimitError("enough"), 3],
  [new NotReadyError("not yet"), 4],
  [new RemoteError("gone"), 1],
  [new InputError("odd"), 1],
  [new Error("fault"), 1],
  ["text", 1],
  [Object.assign(new Error("stop"), { name: "AbortError" }), 130],
])("%s ends the program with %i", (error, code) => {
  expect(exitCode(error)).toBe(code);
});

test("of the errors of several tasks the one counts that asks most", () => {
  const [notYet, failed, limit, wrong] = [
    new NotReadyError("not yet"),
    new RemoteError("gone"),
    new LimitError("enough"),
    new UsageError("wrong"),
  ];
  expect(worstError([])).toBeUndefined();
  expect(worstError([notYet, failed])).toBe(failed);
  expect(worstError([failed, limit, notYet])).toBe(limit);
  expect(worstError([limit, wrong, failed])).toBe(wrong);
});

test("the operating system's code is found behind other errors", () => {
  const full = Object.assign(new Error("no space"), { code: "ENOSPC" });
  expect(systemCode(new Error("outer", { cause: new Error("inner", { cause: full }) }))).toBe("ENOSPC");
  expect(systemCode(Object.assign(new Error("other"), { code: "ERR_SOMETHING" }))).toBeUndefined();
});
