import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { INTENT_PREFIX } from "../../stages/intents/prompt.ts";
import { select } from "../helpers/engine.ts";
import { temporary } from "../helpers/folder.ts";
import { type BatchServer, startBatch } from "../servers/batch.ts";
import { allFiles, DEMO, flipturn, manifest, shardsOf, succeed } from "./flipturn.ts";

const folder = temporary();
const env = { OPENAI_API_KEY: "sk-Very5ecretKeyOfSomeone" };
let server: BatchServer;

beforeAll(async () => {
  server = await startBatch(({ messages }) => `${INTENT_PREFIX} do thing ${messages[0]?.content.length}.`, 1);
});
afterAll(() => server.close());

const settings = (name: string, provider: string, baseUrl = server.url) => [
  ...[
    "run",
    "--source",
    "wildchat-1m",
    "--input",
    join(DEMO, "conversations-*.parquet"),
    "--output",
    join(folder, name),
  ],
  ...["--max-bad-rows", "0.05", "--min-count", "10", "--threads", "1", "--shards", "2"],
  ...["--intents", provider, "--base-url", baseUrl, "--price", "input=2.5,output=10", "--budget", "5"],
];

test("a run by batch gives the intents of a run one by one, the tail one by one, at half the price for the rest", async () => {
  server.script({ end: "expired", done: 0.5 }, {});
  await succeed(settings("batch", "batch"), { cwd: folder, env });
  expect(manifest(join(folder, "batch"), "intents")).toMatchObject({ in: 86, kept: 86 });
  expect(server.batches).toHaveLength(2);
  expect(server.asked.length).toBeGreaterThan(10);
  expect(server.asked.length + server.answered.length).toBe(86);
  const ledger = await succeed(["intents", "ledger", "--output", join(folder, "batch"), "--json"], { cwd: folder });
  const [batch, sync] = JSON.parse(ledger.stdout).models;
  expect([batch.mode, batch.answered, sync.mode, sync.answered]).toEqual([
    ...["batch", server.answered.length],
    ...["sync", server.asked.length],
  ]);
  expect(batch.usd).toBeCloseTo((batch.input_tokens * 2.5 + batch.output_tokens * 10) / 2e6, 9);
  await succeed(settings("sync", "openai"), { cwd: folder, env });
  const rows = (name: string) =>
    select(`SELECT * FROM ${shardsOf(join(folder, name), "intents", "intents")} ORDER BY conversation_id`);
  expect(await rows("batch")).toEqual(await rows("sync"));
  for (const path of allFiles(join(folder, "batch")))
    expect(readFileSync(join(folder, "batch", path)).includes(env.OPENAI_API_KEY), path).toBe(false);
});

test.each([
  ["https://mine.openai.azure.com/openai/v1", "batch", /Azure's has other paths.*one by one/],
  [
    "https://mine.openai.azure.com/openai/deployments/gpt-4o",
    "openai",
    /use https:\/\/mine.openai.azure.com\/openai\/v1 and the deployment/,
  ],
])("Azure at %s by %s is refused in words, before any work", async (url, provider, words) => {
  const { code, stderr } = await flipturn(settings("azure", provider, url), { cwd: folder, env });
  expect([code, stderr]).toEqual([2, expect.stringMatching(words)]);
  expect(existsSync(join(folder, "azure"))).toBe(false);
});
