import { describe, expect, test } from "vitest";
import { adviceFor } from "../../../../scripts/cli/advice.ts";

const withCode = (code: string, message = "x") => Object.assign(new Error(message), { code });

describe("advice", () => {
  test.each([
    ["too many open files", withCode("EMFILE"), /ulimit -n/],
    ["a full disk", withCode("ENOSPC"), /disk is full/],
    ["no memory of the system", withCode("ENOMEM"), /memory.*ulimit -v/],
    ["no memory of a thread", withCode("ERR_WORKER_OUT_OF_MEMORY"), /memory.*--threads/],
    [
      "no memory of WebAssembly",
      new RangeError("WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new instance"),
      /memory/,
    ],
    ["no memory of an array", new RangeError("Array buffer allocation failed"), /memory/],
    ["an error that another caused", new Error("x", { cause: withCode("EMFILE") }), /ulimit -n/],
  ])("is given for %s", (_, error, said) => {
    expect(adviceFor(error)).toMatch(said);
  });

  test.each([
    ["a fault", new Error("x")],
    ["no error", "x"],
  ])("is not given for %s", (_, error) => {
    expect(adviceFor(error)).toBeUndefined();
  });
});
