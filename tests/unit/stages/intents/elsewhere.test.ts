import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../../../pipeline/errors.ts";
import { journalsIn } from "../../../../stages/intents/elsewhere.ts";
import { useFolder } from "../../../helpers/folder.ts";

const at = useFolder();

function journal(...path: string[]): string {
  const folder = at(...path);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "answers.jsonl"), "");
  return folder;
}

describe("journals in folders", () => {
  test("are found in a run, in a stage and by themselves, each once", () => {
    const first = journal("first", "05-intents", "journal");
    const second = journal("second", "journal");
    const third = journal("third");
    expect(journalsIn([at("first"), at("second"), at("third"), first])).toEqual([first, second, third]);
  });

  test("are never the run's own, whatever its path", () => {
    const own = journal("own", "05-intents", "journal");
    symlinkSync(at("own"), at("link"));
    expect(journalsIn([at("own"), at("link")], own)).toEqual([]);
  });

  test.each([
    ["nowhere", /--answers .*nowhere: is not there; expected the folder of a run/],
    ["empty", /--answers .*empty: has no journal of answers; expected/],
    ["file", /--answers .*file: has no journal of answers/],
  ])("that are not there are said: %s", (name, words) => {
    mkdirSync(at("empty"));
    writeFileSync(at("file"), "");
    expect(() => journalsIn([at(name)])).toThrow(UsageError);
    expect(() => journalsIn([at(name)])).toThrow(words);
  });
});
