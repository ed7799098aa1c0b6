import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { run } from "../../stages/index.ts";
import { useFolder } from "../helpers/folder.ts";

const at = useFolder();

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
    const given = {
      source: "chat",
      input: [at("log.jsonl")],
      output,
      prepare: { columns: { id: "id" } },
      intents: { provider: "none" },
      dedup,
    };
    await run(given, { threads: 1 });
    return readFileSync(`${output}/dataset/README.md`, "utf8");
  };

  test("is the same whether options were so from the start or changed on the way", async () => {
    const fresh = await made(at("fresh"), { minCount: 50 });
    await made(at("changed"), { minCount: 60 });
    expect(await made(at("changed"), { minCount: 50 })).toBe(fresh);
  });
});
