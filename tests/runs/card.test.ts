import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { run } from "../../stages/index.ts";
import { INTENT_PREFIX } from "../../stages/intents/prompt.ts";
import { useFolder } from "../helpers/folder.ts";
import { startOpenAI } from "../servers/openai.ts";

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
  const made = async (output: string, more: Record<string, unknown>): Promise<string> => {
    mkdirSync(at(), { recursive: true });
    writeFileSync(at("log.jsonl"), `${log.join("\n")}\n`);
    const settings = { source: "chat", input: [at("log.jsonl")], output, executor: "in-process" };
    await run({ ...settings, prepare: { columns: { id: "id" } }, intents: { provider: "none" }, ...more });
    return readFileSync(`${output}/dataset/samples/README.md`, "utf8");
  };

  test("is the same whether options were so from the start or changed on the way", async () => {
    const fresh = await made(at("fresh"), { dedup: { minCount: 50 } });
    await made(at("changed"), { dedup: { minCount: 60 } });
    expect(await made(at("changed"), { dedup: { minCount: 50 } })).toBe(fresh);
  });

  test("is the same too where what a language model is asked changed on the way, and its answers did not", async () => {
    const server = await startOpenAI({ answer: () => `${INTENT_PREFIX} say hello.` });
    onTestFinished(() => server.close());
    const asked = async (output: string, maxOutputTokens: number): Promise<string> => {
      const models = { intents: { baseUrl: server.url, maxOutputTokens } };
      return made(output, { intents: { provider: "openai" }, models });
    };
    const fresh = await asked(at("fresh"), 100);
    await asked(at("changed"), 200);
    expect(await asked(at("changed"), 100)).toBe(fresh);
  });
});
