import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../../pipeline/errors.ts";
import { requireReadable } from "../../../pipeline/plan.ts";
import { useFolder } from "../../helpers/folder.ts";

const at = useFolder();

describe("an input", () => {
  test("that is a file with something in it is taken", async () => {
    writeFileSync(at("a.jsonl"), "{}");
    expect((await requireReadable(at("a.jsonl"))).bytes).toBe(2);
  });

  test.each<[string, () => unknown, string]>([
    ["is not there", () => {}, "no such file"],
    ["is a folder", () => mkdirSync(at("a.jsonl")), "is a folder"],
    ["is empty", () => writeFileSync(at("a.jsonl"), ""), "is empty (0 bytes)"],
    ["is a device", () => symlinkSync("/dev/null", at("a.jsonl")), "is no ordinary file"],
    ["is a link to itself", () => symlinkSync(at("a.jsonl"), at("a.jsonl")), "is a link that leads in a circle"],
  ])("that %s is refused with its name", async (_, make, words) => {
    make();
    const error = await requireReadable(at("a.jsonl")).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain(`${at("a.jsonl")}: ${words}`);
  });
});
