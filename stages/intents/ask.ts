import PQueue from "p-queue";
import { type Clock, realClock } from "../../pipeline/clock.ts";
import { RemoteError, UsageError } from "../../pipeline/errors.ts";
import { fillByBatch } from "../../pipeline/models/batch/fill.ts";
import { openaiClient, serverAccess } from "../../pipeline/models/client.ts";
import { tokenizerFor } from "../../pipeline/models/count-tokens.ts";
import type { Journal } from "../../pipeline/models/journal.ts";
import { knownModel } from "../../pipeline/models/prices.ts";
import { progressNote } from "../../pipeline/models/progress.ts";
import { Engine } from "../../pipeline/models/requester.ts";
import type { World } from "../../pipeline/plan.ts";
import type { Task } from "../../pipeline/task.ts";
import { Conversation } from "../../schemas/conversation.ts";
import type { IntentsOptions, Price } from "./options.ts";
import { nextStep, type Question } from "./program.ts";
import { loadPrompt } from "./prompt.ts";

/** What decides the requests of a run, filled in with what is known of the model. */
export function questionOf(options: IntentsOptions, env: NodeJS.ProcessEnv): Question {
  const known = knownModel(options.model, addressOf(options, env));
  return {
    ...options,
    prompt: loadPrompt(options.intentPrompt),
    contextTokens: options.contextTokens ?? known.context,
  };
}

/** The price of the model: as given, or as known for the model at that server; null = not known. */
export function priceOf(options: IntentsOptions, env: NodeJS.ProcessEnv): Price | null {
  return options.price ?? knownModel(options.model, addressOf(options, env)).price;
}

function addressOf(options: IntentsOptions, env: NodeJS.ProcessEnv): string | undefined {
  return options.baseUrl || env["OPENAI_BASE_URL"] || undefined;
}

/** Throws UsageError if a language model cannot be asked: no key or address, no place in the prompt, a budget without a price. */
export function requireServer(options: IntentsOptions, env: NodeJS.ProcessEnv): void {
  loadPrompt(options.intentPrompt);
  serverAccess(options, env);
  if (options.budget !== null && priceOf(options, env) === null) {
    throw new UsageError(
      `--budget needs a price, and none is known for the model ${options.model} at this server: give it in dollars for a million tokens, such as --price input=2.5,output=10`,
    );
  }
}

type Asked = Pick<Conversation, "id" | "turns">;

/** Every conversation that dedup has left, shard after shard. Memory: ids that one shard has lost, and 2,048 conversations. */
export async function* conversationsLeft(
  task: Task<unknown>,
  first = 0,
  shards = task.plan.shards,
): AsyncGenerator<Asked> {
  for (let index = first; index < first + shards; index++) {
    const dropped = await task.dropped(["dedup"], index);
    for await (const each of task.read("prepare", "conversations", ASKED, index)) if (!dropped.has(each.id)) yield each;
  }
}

const ASKED = Conversation.pick({ id: true, turns: true });

/** What asking needs beside the conversations. */
export interface AskParts {
  readonly options: IntentsOptions;
  readonly journal: Journal;
  readonly world: World;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  /** Number of conversations, as far as it is known. */
  readonly total: number;
  readonly report: (done: number, note: string) => void;
}

/**
 * Asks for every conversation through one window, so that the number of requests at a time does not fall where a shard
 * ends. Returns how many have no answer after all tries. Memory: the conversations in the window.
 */
export async function askFor(conversations: AsyncIterable<Asked>, parts: AskParts): Promise<{ unanswered: number }> {
  const { options, world, journal } = parts;
  const price = priceOf(options, world.env);
  const count = options.budget === null ? undefined : (await tokenizerFor(options.model)).count;
  const question = questionOf(options, world.env);
  const engine = new Engine({ ...parts, question, price, ...(count && { count }) });
  const queue = new PQueue({ concurrency: options.concurrency });
  const tell = progressNote({ total: parts.total, budget: options.budget, spentBefore: journal.spent });
  let failure: { error: unknown } | undefined;
  let [done, unanswered] = [0, 0];
  try {
    for await (const { turns } of conversations) {
      await queue.onSizeLessThan(options.concurrency);
      if (failure) break;
      void queue.add(async () => {
        try {
          if (failure) return;
          if ((await engine.resolve(turns)) === null) unanswered++;
          done++;
          parts.report(done, tell(done, engine.state));
        } catch (error) {
          failure ??= { error };
        }
      });
    }
  } catch (error) {
    failure ??= { error };
  }
  await queue.onIdle();
  await engine.close();
  if (failure) throw failure.error;
  return { unanswered };
}

/** Asks through the Batch API as far as `batchTail` says; what is left then is asked for by `askFor`. */
export async function askByBatch(task: Task<IntentsOptions>, journal: Journal, folder: string): Promise<void> {
  const { options, world, signal } = task;
  const question = questionOf(options, world.env);
  const count = options.budget === null ? undefined : (await tokenizerFor(options.model)).count;
  const client = openaiClient(options, world);
  async function* unanswered() {
    for (let shard = 0; shard < task.plan.shards; shard++) {
      for await (const { turns } of conversationsLeft(task, shard, 1)) {
        const step = nextStep(turns, question, (key) => journal.get(key));
        if ("request" in step) yield { ...step, shard };
      }
    }
  }
  const report = (note: string) => task.report(0, 0, "batches", note);
  const parts = { options, journal, folder, client, signal, unanswered, report, ...(count && { count }) };
  await fillByBatch({ ...parts, price: priceOf(options, world.env), clock: realClock });
}

/** Throws RemoteError if conversations have no answer and that is not wanted. */
export function requireAnswers(unanswered: number, options: IntentsOptions): void {
  if (unanswered === 0 || options.unanswered === "reject") return;
  throw new RemoteError(
    `${unanswered} conversations have no answer after ${options.tries} tries each; all others are done. Run the same command again to ask for them, or with --unanswered reject to go on without them`,
  );
}
