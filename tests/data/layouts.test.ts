import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { run } from "../../stages/index.ts";
import { scratch } from "./real.ts";

const folder = join(import.meta.dirname, "..", "..", "..", "shared", "cases", "layouts");
const files = existsSync(folder) ? readdirSync(folder).filter((name) => !/\.py$/.test(name)) : [];

/** What those that keep nothing, as they stand, are told to do. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  "empty.jsonl": /is empty/,
  "badline.jsonl": /badline\.jsonl:5.*--set prepare\.maxBadRows/,
};
/** Those that hold turns of a system or of tools, which a setting leaves out. */
const REPAIRED = ["openai_system.jsonl", "tools.jsonl"];

describe.skipIf(files.length === 0)("logs of many layouts", () => {
  test.each(files)("%s gives rows, or says what is missing", async (name) => {
    const roles = REPAIRED.includes(name) ? "repair" : "reject";
    const given = { source: "chat", input: [join(folder, name)], output: join(scratch, name), shards: 1 };
    const prepared = run({ ...given, prepare: { roles } }, { executor: { name: "in-process" }, to: "prepare" });
    if (REFUSED[name]) return expect(prepared).rejects.toThrow(REFUSED[name]);
    const expected = name === "log-with-users.jsonl" ? 190 : 30;
    const manifest = (await prepared).at(-1);
    expect(manifest?.kept).toBeGreaterThanOrEqual(expected);
    expect(manifest?.kept).toBe(
      (manifest?.in ?? 0) - Object.values(manifest?.rejected ?? {}).reduce((a, b) => a + b, 0),
    );
  });
});
