import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import PQueue from "p-queue";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { exitCode, LimitError } from "../../../../pipeline/errors.ts";
import { Budget } from "../../../../pipeline/models/budget.ts";
import { tokenizerFor } from "../../../../pipeline/models/count-tokens.ts";
import { Journal } from "../../../../pipeline/models/journal.ts";
import { costOf } from "../../../../pipeline/models/prices.ts";
import { Requester } from "../../../../pipeline/models/requester.ts";
import { type Price, ServerOptions } from "../../../../pipeline/models/server-options.ts";
import { IntentsOptions } from "../../../../stages/intents/options.ts";
import { intentProgram } from "../../../../stages/intents/program.ts";
import { INTENT_PREFIX, loadPrompt } from "../../../../stages/intents/prompt.ts";
import { conversation } from "../../../helpers/conversation.ts";
import { type Behaviour, errors, startOpenAI } from "../../../servers/openai.ts";

describe("a budget", () => {
  test("keeps what is spent and set aside under its cap, whatever requests cost and in whatever order they end", async () => {
    const request = fc.record({
      worst: fc.integer({ min: 0, max: 50 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { maxLength: 40 }),
        fc.integer({ min: 0, max: 300 }),
        async (requests, cap) => {
          const budget = new Budget(cap, 0);
          let aside = 0;
          let spent = 0;
          const work = requests.map(async ({ worst, share }, at) => {
            await budget.reserve(worst);
            aside += worst;
            expect(spent + aside).toBeLessThanOrEqual(cap + 1e-9);
            for (let turn = 0; turn < at % 4; turn++) await Promise.resolve();
            aside -= worst;
            spent += worst * share;
            budget.settle(worst, worst * share);
          });
          const results = await Promise.allSettled(work);
          for (const each of results) if (each.status === "rejected") expect(each.reason).toBeInstanceOf(LimitError);
          expect(budget.spent).toBeLessThanOrEqual(cap + 1e-9);
        },
      ),
    );
  });

  test("waits for requests under way before it says that nothing more fits", async () => {
    const budget = new Budget(10, 0);
    await budget.reserve(9);
    const next = budget.reserve(5);
    budget.settle(9, 2);
    await next;
    budget.settle(5, 5);
    await expect(budget.reserve(4)).rejects.toThrow(LimitError);
    await budget.reserve(3);
  });
});

describe("a requester with a budget, 64 requests at a time, some slow, some failing", () => {
  const price: Price = { input: 2.5, output: 10, batch: 0.5 };
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "flipturn-budget-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test.each([0.002, 0.05, 0.2])(
    "never has the server bill more than the cap of $%d, and comes near it",
    async (cap) => {
      const server = await startOpenAI({
        answer: () => `${INTENT_PREFIX} get help.`,
        delayMs: ({ messages }) => (messages[0]?.content.length ?? 0) % 40,
      });
      const odd: (Behaviour | null)[] = [
        null,
        null,
        errors.broken(500),
        { kind: "stall", afterBytes: 5 },
        { kind: "cut", afterBytes: 90 },
      ];
      server.script(null, ...Array.from({ length: 300 }, (_, at) => odd[(at * 7) % odd.length] ?? null));
      const run = async () => {
        const options = ServerOptions.parse({
          model: "gpt-4o",
          baseUrl: server.url,
          concurrency: 64,
          timeoutSeconds: 0.3,
          budget: cap,
        });
        const journal = await Journal.open(join(folder, String(cap)));
        const { count } = await tokenizerFor("gpt-4o");
        const question = { ...IntentsOptions.parse({}), ...options, prompt: loadPrompt(null) };
        const clock = {
          now: () => performance.now(),
          sleep: () => new Promise<void>((resolve) => setTimeout(resolve, 1)),
        };
        const requester = new Requester({
          ...{ options, price, journal, count },
          environment: { env: { OPENAI_API_KEY: "k" }, fetch: globalThis.fetch, clock },
          signal: new AbortController().signal,
        });
        const ask = (at: number) => {
          const { turns } = conversation(`user: question ${at} ${"word ".repeat(at % 50)}`);
          return requester.run(intentProgram(turns, question), ({ status }) => status);
        };
        const queue = new PQueue({ concurrency: 64 });
        const all = await Promise.allSettled(Array.from({ length: 600 }, (_, at) => queue.add(() => ask(at))));
        await requester.close();
        journal.close();
        return { all, spent: journal.spent };
      };
      // Whatever the server did not refuse with an error may have been billed.
      const billed = () =>
        server.requests
          .filter(({ isBilled }) => isBilled)
          .reduce((sum, { usage }) => sum + (costOf({ ...usage, cached_tokens: 0 }, price, "sync") ?? 0), 0);
      const { all, spent } = await run();
      const stopped = all.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
      expect(stopped.length).toBeGreaterThan(0);
      for (const error of stopped) expect(exitCode(error)).toBe(3);
      expect(stopped[0].message).toMatch(/budget of \$.* is reached: .* spent.*a budget of at least \$[\d.]+ goes on/);
      expect(spent).toBeLessThanOrEqual(cap);
      expect(spent).toBeGreaterThan(cap - 0.006);
      expect(billed()).toBeLessThanOrEqual(spent);
      // The same command again neither spends nor forgets.
      const before = server.requests.length;
      expect((await run()).spent).toBeLessThanOrEqual(cap);
      expect(server.requests.length - before).toBeLessThan(5);
      await server.close();
    },
  );
});
