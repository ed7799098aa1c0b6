import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { InputError } from "../../../pipeline/errors.ts";
import type { RunEvent } from "../../../pipeline/events.ts";
import { damageOf, requireUndamaged } from "../../../pipeline/verify.ts";
import { useFolder } from "../../helpers/folder.ts";
import { runToy, toyRun } from "../../helpers/toy.ts";

const at = useFolder();
const LETTERS = "02-letters/letters-00001-of-00002.parquet";
const CAPITALS = "03-capitals/capitals-00000-of-00002.parquet";

/** Flips one bit in the middle of a file. */
function flipBit(name: string): void {
  const bytes = readFileSync(at(name));
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(at(name), bytes);
}

/** Runs the toy once more; returns the tasks that ran and the damage that was told. */
async function again(options: object = {}) {
  const ran: string[] = [];
  const told: string[] = [];
  const onEvent = (event: RunEvent) => {
    if (event.type === "damaged") told.push(event.path);
  };
  await runToy(await toyRun(at(), ran), { onEvent, ...options });
  return { ran, told };
}

describe("a flipped bit", () => {
  test("is not seen by the size, is seen by the hash, and the task that wrote the file is done again", async () => {
    await again();
    const before = readFileSync(at(LETTERS));
    flipBit(LETTERS);
    expect(await again()).toEqual({ ran: [], told: [] });
    expect(await again({ verify: true })).toEqual({ ran: ["letters 1"], told: [at(LETTERS)] });
    expect(readFileSync(at(LETTERS))).toEqual(before);
    expect(await again({ verify: true })).toEqual({ ran: [], told: [] });
  });

  test("in what a phase made of files that are gone does both phases again, for that file", async () => {
    await again();
    flipBit(CAPITALS);
    const { ran } = await again({ verify: true });
    expect(ran).toContain("capitals raise 0");
    expect(ran).not.toContain("letters 0");
    expect(await damageOf(await toyRun(at(), []), "capitals")).toEqual([]);
  });

  test("before the first stage that is asked for stops the run, which names file and stage", async () => {
    await again();
    flipBit(LETTERS);
    await expect(again({ verify: true, from: "capitals" })).rejects.toThrow(
      /letters-00001-of-00002\.parquet: is damaged: found the sha256 \w{12}…, expected \w{12}…; `flipturn run --verify` with the settings of this run makes them again \(letters\)/,
    );
  });

  test("is found in stages that are not done yet", async () => {
    await again({ to: "letters" });
    flipBit(LETTERS);
    const run = await toyRun(at(), []);
    await expect(requireUndamaged(run, ["paper", "letters", "capitals"])).rejects.toThrow(InputError);
    await expect(requireUndamaged(run, ["paper", "capitals"])).resolves.toBeUndefined();
  });
});
