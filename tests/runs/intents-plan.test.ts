import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { INTENT_PREFIX } from "../../stages/intents/prompt.ts";
import { select } from "../helpers/engine.ts";
import { temporary } from "../helpers/folder.ts";
import { type OpenAIServer, startOpenAI } from "../servers/openai.ts";
import { allFiles, DEMO, flipturn, shardsOf, start, succeed } from "./flipturn.ts";

const folder = temporary();
const output = join(folder, "run");
const env = { OPENAI_API_KEY: "sk-Very5ecretKeyOfSomeone" };
let server: OpenAIServer;
let slowMs = 0;

beforeAll(async () => {
  server = await startOpenAI({ answer: () => `${INTENT_PREFIX} get help.`, delayMs: () => slowMs });
});
afterAll(() => server.close());

const settings = () => [
  ...["--source", "wildchat-1m", "--input", join(DEMO, "conversations-*.parquet"), "--output", output],
  ...["--max-bad-rows", "0.05", "--min-count", "10", "--intents", "openai", "--base-url", server.url],
  ...["--price", "input=2.5,output=10,cached=1.25", "--requests-per-minute", "6000", "--threads", "1"],
];
const planned = () => settings().slice(0, -2);
const run = (...more: string[]) => flipturn(["run", ...settings(), ...more], { cwd: folder, env });
const estimated = async (...more: string[]) =>
  JSON.parse((await succeed(["plan", ...planned(), ...more, "--json"], { cwd: folder, env })).stdout).intents_estimate;
const journal = () => join(output, "05-intents", "journal", "answers.jsonl");

describe("a plan of intents", () => {
  test("before dedup says what to run first, and touches nothing", async () => {
    const { stdout } = await succeed(["plan", ...planned()], { cwd: folder, env });
    expect(stdout).toContain("--to dedup");
    expect(existsSync(output)).toBe(false);
    const sample = await flipturn(["plan", ...planned(), "--sample", "5"], { cwd: folder, env });
    expect([sample.code, sample.stderr]).toEqual([2, expect.stringContaining("--to dedup")]);
  });

  test("after dedup has conversations, exact tokens, dollars in both modes, time and what is shared; nothing is sent or written", async () => {
    expect((await run("--to", "dedup")).code).toBe(0);
    const ahead = await estimated();
    expect(ahead).toMatchObject({
      conversations: 86,
      answered: 0,
      requests: 86,
      shared: 0,
      is_exact: true,
      pilot: null,
    });
    expect(ahead.input_tokens).toBeGreaterThan(86 * 400);
    expect(ahead.output_tokens).toEqual({ least: 86 * 20, most: 86 * 200 });
    const dollars = (output: number) => (ahead.input_tokens * 2.5 + output * 10) / 1e6;
    expect(ahead.usd.sync).toEqual({ least: dollars(86 * 20), most: dollars(86 * 200) });
    expect(ahead.usd.batch.most).toBeCloseTo(ahead.usd.sync.most / 2);
    expect(ahead.minutes).toBeCloseTo(86 / 6000);
    expect(ahead.shutdown.day).toBe("2027-01-14");
    expect(server.requests).toEqual([]);
    expect(existsSync(journal())).toBe(false);
    const tight = await estimated("--context-tokens", "700");
    expect(tight.overflow).toBeGreaterThan(50);
    const { stdout } = await succeed(["plan", ...planned(), "--context-tokens", "700"], { cwd: folder, env });
    expect(stdout).toMatch(/tokens .* in \(exact\).*out\n.*cost .*one by one.*batch/);
    expect(stdout).toMatch(/do not fit in 700 tokens/);
  });

  test("with --sample sends that many, extrapolates from what they used, and the run does not pay for them again", async () => {
    const ahead = await estimated("--sample", "12");
    expect(server.requests).toHaveLength(12);
    const { stdout } = await succeed(["status", "--output", output], { cwd: folder });
    expect(stdout).toMatch(/^intents +begun/m);
    expect(stdout).toMatch(/^intents: 12 answers, \$0\.\d\d spent or set aside, last word .* ago$/m);
    expect(ahead).toMatchObject({ answered: 12, requests: 74, pilot: { conversations: 12, requests: 1 } });
    const out = Math.ceil(`${INTENT_PREFIX} get help.`.length / 4);
    expect(ahead.pilot.output_tokens).toBe(out);
    expect(ahead.output_tokens).toEqual({ least: 74 * out, most: 74 * out });
    const sent = server.requests.reduce((sum, { usage }) => sum + usage.input_tokens, 0);
    expect(ahead.pilot.input_tokens).toBeCloseTo(sent / 12);
    expect(ahead.usd.sync.most).toBeCloseTo((ahead.input_tokens * 2.5 + 74 * out * 10) / 1e6);
    await estimated("--sample", "12");
    expect(server.requests).toHaveLength(12);
  });

  test("with --sample is refused while a run is at work on the folder", async () => {
    slowMs = 300;
    const running = start(["run", ...settings(), "--concurrency", "2"], { cwd: folder, env });
    await running.line("split");
    const pilot = await flipturn(["plan", ...planned(), "--sample", "3"], { cwd: folder, env });
    expect([pilot.code, pilot.stderr]).toEqual([2, expect.stringMatching(/process \d+ is working on this run/)]);
    const second = await run();
    expect([second.code, second.stderr]).toEqual([2, expect.stringMatching(/process \d+ is working on this run/)]);
    slowMs = 0;
    expect((await running.done).code).toBe(0);
    expect(server.requests).toHaveLength(86);
  });

  test("of another provider has no estimate, and no pilot", async () => {
    const args = ["plan", ...planned(), "--intents", "none"];
    expect((await succeed(args, { cwd: folder, env })).stdout).not.toContain("  tokens   ");
    expect((await flipturn([...args, "--sample", "3"], { cwd: folder, env })).code).toBe(2);
  });
});

describe("the ledger", () => {
  test("adds up what the server counted, and is the same by a query of the journal", async () => {
    const { stdout } = await succeed(["intents", "ledger", "--output", output, "--json"], { cwd: folder, env });
    const { models, intents } = JSON.parse(stdout);
    const [row, ...others] = models;
    expect(others).toEqual([]);
    expect(intents).toMatchObject({ provider: "openai", conversations: 86, kept: 86, rejected: {} });
    const input = server.requests.reduce((sum, { usage }) => sum + usage.input_tokens, 0);
    const out = server.requests.reduce((sum, { usage }) => sum + usage.output_tokens, 0);
    expect(row).toMatchObject({ model: "gpt-4o", mode: "sync", answered: 86, failed: 0, lost: 0 });
    expect(row).toMatchObject({ input_tokens: input, cached_tokens: 0, output_tokens: out });
    expect(row.usd).toBeCloseTo((input * 2.5 + out * 10) / 1e6, 9);
    const queried = await select(
      `SELECT requested_model, sum(input_tokens)::INT AS input, sum(usd) AS usd FROM read_json('${journal()}') WHERE status = 'answered' GROUP BY 1`,
    );
    expect(queried).toEqual([{ requested_model: "gpt-4o", input, usd: expect.closeTo(row.usd, 9) }]);
  });

  test("is a table on a terminal's side, and says how to query the rest", async () => {
    const { stdout } = await succeed(["intents", "ledger", "--output", output], { cwd: folder, env });
    expect(stdout).toMatch(/model +mode +answered/);
    expect(stdout).toContain("duckdb -c");
  });

  test("of a run that asked nobody is empty in words", async () => {
    const other = join(folder, "none");
    const args = [...planned().filter((each) => each !== output)];
    args.splice(args.indexOf("--output"), 1);
    await succeed(["run", ...args, "--intents", "none", "--output", other], { cwd: folder, env });
    const { stdout } = await succeed(["intents", "ledger", "--output", other], { cwd: folder, env });
    expect(stdout).toContain("nothing was sent");
  });
});

test("--answers gives another folder what a run has paid for: nothing is sent, and plan, ledger and run say so", async () => {
  const before = allFiles(output).map((path) => readFileSync(join(output, path)).toString("base64"));
  const sent = server.requests.length;
  const other = join(folder, "other");
  const args = [...settings().map((each) => (each === output ? other : each)), "--answers", output];
  await succeed(["run", ...args, "--to", "dedup"], { cwd: folder, env });
  const plan = await succeed(["plan", ...args], { cwd: folder, env });
  expect(plan.stdout).toContain("86 answered (86 of them by other runs, at no cost), 0 requests to send");
  const done = await succeed(["run", ...args, "--budget", "0", "--to", "intents"], { cwd: folder, env });
  expect(done.stdout).toMatch(/Note: \d+ answers were paid for by other runs \(--answers\) and cost nothing here/);
  expect(server.requests).toHaveLength(sent);
  const rows = (run: string) => select(`SELECT * FROM ${shardsOf(run, "intents", "intents")} ORDER BY conversation_id`);
  expect(await rows(other)).toEqual(await rows(output));
  const told = await succeed(["intents", "ledger", "--output", other, "--json"], { cwd: folder });
  expect(JSON.parse(told.stdout).models).toMatchObject([{ answered: 0, usd: null }]);
  expect((await succeed(["intents", "ledger", "--output", other], { cwd: folder })).stdout).toContain("nothing here");
  expect(allFiles(output).map((path) => readFileSync(join(output, path)).toString("base64"))).toEqual(before);
});

describe("the review", () => {
  test("shows the worst and a random sample beside the conversation, each once, the same for the same seed", async () => {
    const review = async (...more: string[]) =>
      JSON.parse((await succeed(["intents", "review", "--output", output, "--json", ...more], { cwd: folder })).stdout);
    const shown = await review("--worst", "3", "--random", "4");
    expect(shown.map((each: { picked: string }) => each.picked)).toEqual([
      ...Array(3).fill("worst"),
      ...Array(4).fill("random"),
    ]);
    expect(new Set(shown.map((each: { conversation_id: string }) => each.conversation_id)).size).toBe(7);
    for (const each of shown) expect(each.turns[0].role).toBe("user");
    expect(await review("--worst", "3", "--random", "4")).toEqual(shown);
    expect(await review("--worst", "3", "--random", "4", "--seed", "1")).not.toEqual(shown);
    const { stdout } = await succeed(["intents", "review", "--output", output, "--worst", "1", "--random", "0"], {
      cwd: folder,
    });
    expect(stdout).toMatch(/status ok, generic +\| /);
    const left = stdout.split("\n").map((line) => line.split(" | ")[0]?.trim());
    expect(left.join(" ")).toMatch(/^[\w-]+:[0-9a-f]{32} \(worst\) status ok/);
    expect(stdout).toContain("user: ");
  });
});

test("a budget that is reached ends with exit code 3 and the command that goes on; no key in anything", async () => {
  const other = join(folder, "capped");
  const args = settings().map((each) => (each === output ? other : each));
  const stopped = await flipturn(["run", ...args, "--budget", "0.05"], { cwd: folder, env });
  expect(stopped.code).toBe(3);
  expect(stopped.stderr).toMatch(/budget of \$0.0500 is reached/);
  const least = Number(/with a budget of at least \$([\d.]+) goes on/.exec(stopped.stderr)?.[1]);
  expect(least).toBeGreaterThan(0.05);
  const [, again] = /To go on: flipturn run --source wildchat-1m .* --budget ([\d.]+)$/m.exec(stopped.stderr) ?? [];
  expect(Number(again)).toBeGreaterThan(least);
  expect(stopped.stderr).not.toContain("--budget 0.05");
  expect(stopped.stdout + stopped.stderr).not.toContain(env.OPENAI_API_KEY);
  const text = readFileSync(join(other, "05-intents", "journal", "answers.jsonl"), "utf8");
  expect(text).not.toContain(env.OPENAI_API_KEY);
  const resumed = await flipturn(["run", ...args, "--budget", "5"], { cwd: folder, env });
  expect(resumed.code, resumed.stderr).toBe(0);
});

test("a budget without a price is refused before any work", async () => {
  const args = settings().filter((each, at, all) => each !== "--price" && all[at - 1] !== "--price");
  const { code, stderr } = await flipturn(
    ["run", ...args.map((each) => (each === output ? `${output}-x` : each)), "--budget", "5"],
    {
      cwd: folder,
      env,
    },
  );
  expect([code, stderr]).toEqual([2, expect.stringContaining("--set models.intents.price=input=2.5,output=10")]);
  expect(existsSync(`${output}-x`)).toBe(false);
});
