import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { InputError } from "../../../pipeline/errors.ts";
import { Journal, type JournalEntry } from "../../../stages/intents/journal.ts";
import { useFolder } from "../../helpers/folder.ts";

const at = useFolder();

const entry = (key: string, text: string | null = `answer to ${key}`): JournalEntry => ({
  key,
  status: text === null ? "refused" : "answered",
  text,
  model: "gpt-4o",
  input_tokens: 10,
  output_tokens: 2,
});

/** Adds entries to one file of the journal. */
async function add(name: string, ...entries: JournalEntry[]): Promise<void> {
  const journal = await Journal.open(at("journal"), name);
  for (const each of entries) journal.add(each);
  journal.close();
}

/** The texts that a newly opened journal has for these keys. */
async function found(...keys: string[]): Promise<(string | null | undefined)[]> {
  const journal = await Journal.open(at("journal"), "reader");
  journal.close();
  return keys.map((key) => journal.get(key)?.text);
}

describe("a journal", () => {
  test("is empty when it is new", async () => {
    expect(await found("a")).toEqual([undefined]);
  });

  test("has what was added, at once and after it was opened again", async () => {
    const journal = await Journal.open(at("journal"), "00000");
    journal.add(entry("a"));
    expect(journal.get("a")).toEqual(entry("a"));
    journal.close();
    expect(await found("a", "b")).toEqual(["answer to a", undefined]);
  });

  test("keeps any text and an answer that never came", async () => {
    await add("00000", entry("a", "\u2028\r\n\0🙂"), entry("b", null));
    expect(await found("a", "b")).toEqual(["\u2028\r\n\0🙂", null]);
  });

  test("reads the entries of all its files, and writes only its own", async () => {
    await add("00000", entry("a"));
    await add("00001", entry("b"));
    expect(await found("a", "b")).toEqual(["answer to a", "answer to b"]);
    expect(readFileSync(at("journal", "00000.jsonl"), "utf8").split("\n")).toHaveLength(2);
  });

  test("passes over files that are not its own", async () => {
    mkdirSync(at("journal"));
    writeFileSync(at("journal", "notes.txt"), "not a journal");
    expect(await found("a")).toEqual([undefined]);
  });

  test("takes the later of two entries of one key", async () => {
    await add("00000", entry("a", "old"), entry("a", "new"));
    expect(await found("a")).toEqual(["new"]);
  });
});

describe("a journal that was killed in the middle of a line", () => {
  const line = `${JSON.stringify(entry("b", "ünfinished 🙂"))}\n`;

  test("loses that line alone, and is appended to cleanly, wherever it was torn", async () => {
    const bytes = Buffer.from(line);
    for (let cut = 1; cut < bytes.length - 1; cut++) {
      const name = String(cut);
      await add(name, entry(`a${cut}`));
      appendFileSync(at("journal", `${name}.jsonl`), bytes.subarray(0, cut));
      await add(name, entry(`c${cut}`));
      expect(await found(`a${cut}`, "b", `c${cut}`), `torn at ${cut}`).toEqual([
        `answer to a${cut}`,
        undefined,
        `answer to c${cut}`,
      ]);
    }
  });

  test("keeps a line that lacks only its newline", async () => {
    await add("00000", entry("a"));
    appendFileSync(at("journal", "00000.jsonl"), line.trimEnd());
    await add("00000", entry("c"));
    expect(await found("a", "b", "c")).toEqual(["answer to a", "ünfinished 🙂", "answer to c"]);
  });
});

describe("a line that is no entry", () => {
  test.each([
    ["lacks a field", { key: "a" }],
    ["has a field too many", { ...entry("a"), price: 1 }],
    ["has an unknown status", { ...entry("a"), status: "maybe" }],
    ["is a list", []],
  ])("because it %s is an error that names file and line", async (_, value) => {
    await add("00000", entry("a"));
    appendFileSync(at("journal", "00000.jsonl"), `${JSON.stringify(value)}\n`);
    await expect(found("a")).rejects.toThrow(InputError);
    await expect(found("a")).rejects.toThrow(`${at("journal", "00000.jsonl")}:2: not a journal entry`);
  });
});
