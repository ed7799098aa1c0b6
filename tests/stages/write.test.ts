import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { run } from "../../stages/index.ts";
import { useFolder } from "../helpers/folder.ts";

const at = useFolder();

const given = (output: string, more: object) => {
  const settings = { source: "chat", input: [at("log.jsonl")], output, prepare: { columns: { id: "id" } } };
  return { ...settings, intents: { provider: "none" }, ...more };
};

describe("the card of a run", () => {
  const log = ["a", "b", "c"].map((id) =>
    JSON.stringify({
      id,
      messages: [
        { role: "user", content: `hi from ${id}` },
        { role: "assistant", content: "hello" },
      ],
    }),
  );
  const made = async (output: string, dedup: Record<string, unknown>): Promise<string> => {
    mkdirSync(at(), { recursive: true });
    writeFileSync(at("log.jsonl"), `${log.join("\n")}\n`);
    await run(given(output, { dedup }), { threads: 1 });
    return readFileSync(`${output}/dataset/README.md`, "utf8");
  };

  test("is the same whether options were so from the start or changed on the way", async () => {
    const fresh = await made(at("fresh"), { minCount: 50 });
    await made(at("changed"), { minCount: 60 });
    expect(await made(at("changed"), { minCount: 50 })).toBe(fresh);
  });
});

describe("a chat template or tokenizer that cannot be followed", () => {
  test.each([
    [
      "a template that does not parse",
      "{% for",
      { chatTemplate: "chat.jinja" },
      /chat\.jinja: not a Jinja chat template/,
    ],
    ["a file that is no tokenizer", "{}", { tokenizer: "tokenizer.json" }, /tokenizer\.json: not a tokenizer\.json/],
  ])("stops the run before any stage: %s", async (_, text, named, message) => {
    mkdirSync(at(), { recursive: true });
    writeFileSync(at("log.jsonl"), "{}\n");
    const write = Object.fromEntries(Object.entries(named).map(([name, file]) => [name, at(file)]));
    for (const path of Object.values(write)) writeFileSync(path, text);
    await expect(run(given(at("out"), { write }), { threads: 1 })).rejects.toThrow(message);
    expect(existsSync(at("out", "01-download"))).toBe(false);
  });
});
