import PQueue from "p-queue";
import type { Environment } from "../../pipeline/environment.ts";
import { RemoteError, UsageError } from "../../pipeline/errors.ts";
import { fillByBatch } from "../../pipeline/models/batch/fill.ts";
import { openaiClient, requireBatchServer, serverAccess } from "../../pipeline/models/client.ts";
import { requestTokens, tokenizerFor } from "../../pipeline/models/count-tokens.ts";
import type { Journal } from "../../pipeline/models/journal.ts";
import { knownModel } from "../../pipeline/models/prices.ts";
import { progressNote } from "../../pipeline/models/progress.ts";
import { type ChatRequest, inputBytes, outputLimit, replay } from "../../pipeline/models/request.ts";
import { Requester } from "../../pipeline/models/requester.ts";
import { type Price, ServerOptions } from "../../pipeline/models/server-options.ts";
import type { Task } from "../../pipeline/task.ts";
import type { Conversation } from "../../schemas/conversation.ts";
import { deduplicated } from "../dedup/artefacts.ts";
import { prepared } from "../prepare/artefacts.ts";
import { type IntentsOptions, ROLE } from "./options.ts";
import { AGAINST_THOUGHTS, intentProgram, type Outcome, type Question, thoughtAll } from "./program.ts";
import { loadPrompt } from "./prompt.ts";

/** Options of the stage, and those of the model that writes the intents. */
export interface AskSettings {
  readonly options: IntentsOptions;
  readonly server: ServerOptions;
}

/** The settings of a task. */
export function askSettings(task: Task<IntentsOptions>): AskSettings {
  return { options: task.options, server: ServerOptions.parse(task.modelOf(ROLE)) };
}

/** What decides the requests of a run, filled in with what is known of the model. */
export async function questionOf(
  { options, server }: AskSettings,
  env: NodeJS.ProcessEnv,
  resolve: (path: string) => string,
): Promise<Question> {
  const known = knownModel(server.model, addressOf(server, env));
  const { intentPrompt } = options;
  return {
    ...options,
    ...server,
    prompt: loadPrompt(intentPrompt === null ? null : resolve(intentPrompt)),
    contextTokens: server.contextTokens ?? known.context,
    ...(server.contextTokens !== null && { isTooMuch: await limitOf(server, server.contextTokens) }),
  };
}

/** How many times as many tokens another maker's tokenizer may make of a text as the one that counts: our choice, on the safe side. */
const OTHERS = 1.2;

/** Whether a request and its answer may take more tokens than `most`, counted where bytes alone do not rule it out. */
async function limitOf({ model }: ServerOptions, most: number): Promise<(request: ChatRequest) => boolean> {
  const { count, isExact } = await tokenizerFor(model);
  const margin = isExact ? 1 : OTHERS;
  return (request) => {
    const room = most - outputLimit(request);
    return inputBytes(request) + 8 * request.messages.length > room && margin * requestTokens(request, count) > room;
  };
}

/** The price of the model: as given, or as known for the model at that server; null = not known. */
export function priceOf(server: ServerOptions, env: NodeJS.ProcessEnv): Price | null {
  return server.price ?? knownModel(server.model, addressOf(server, env)).price;
}

function addressOf({ baseUrl }: ServerOptions, env: NodeJS.ProcessEnv): string | undefined {
  return baseUrl || env["OPENAI_BASE_URL"] || undefined;
}

/** Throws UsageError if a language model cannot be asked: no key or address, or a budget without a price. */
export function requireServer({ options, server }: AskSettings, env: NodeJS.ProcessEnv): void {
  const who = `--intents ${options.provider}`;
  serverAccess(server, env, { who, role: ROLE, instead: "; --intents none makes samples without intents" });
  if (options.provider === "batch") requireBatchServer(server, env);
  if (server.budget !== null && priceOf(server, env) === null) {
    throw new UsageError(
      `--budget needs a price, and none is known for the model ${server.model} at this server: give it in dollars for a million tokens, such as --set models.intents.price=input=2.5,output=10`,
    );
  }
}

type Asked = Pick<Conversation, "id" | "turns">;

/** Every conversation that dedup has left, shard after shard. Memory: ids that one shard has lost, and 2,048 conversations. */
export async function* conversationsLeft(
  task: Task<IntentsOptions>,
  shards: readonly number[] = task.shards,
): AsyncGenerator<Asked> {
  for (const shard of shards) {
    const dropped = await task.dropped([deduplicated.rejections], shard);
    for await (const each of task.read(prepared.conversations, ["id", "turns"], shard))
      if (!dropped.has(each.id)) yield each;
  }
}

/** What asking needs beside the conversations. */
export interface AskParts {
  readonly settings: AskSettings;
  readonly question: Question;
  readonly journal: Journal;
  readonly environment: Environment;
  readonly signal: AbortSignal;
  /** Number of conversations, as far as it is known. */
  readonly total: number;
  readonly report: (done: number, note: string) => void;
}

/**
 * Asks for every conversation through one window, so that the number of requests at a time does not fall where a shard
 * ends. Returns how many have no answer after all tries. Memory: the conversations in the window.
 */
export async function askFor(conversations: AsyncIterable<Asked>, parts: AskParts): Promise<{ unanswered: number }> {
  const { environment, journal, signal, question } = parts;
  const { server: options } = parts.settings;
  const price = priceOf(options, environment.env);
  const count = options.budget === null ? undefined : (await tokenizerFor(options.model)).count;
  const requester = new Requester({ options, price, journal, environment, signal, ...(count && { count }) });
  const queue = new PQueue({ concurrency: options.concurrency });
  const tell = progressNote({
    total: parts.total,
    budget: options.budget,
    spentBefore: journal.spent,
    reused: () => journal.reused,
  });
  let failure: { error: unknown } | undefined;
  let [done, unanswered] = [0, 0];
  try {
    for await (const { turns } of conversations) {
      await queue.onSizeLessThan(options.concurrency);
      if (failure) break;
      void queue.add(async () => {
        try {
          if (failure) return;
          if ((await requester.run(intentProgram(turns, question), statusOf)) === null) unanswered++;
          done++;
          parts.report(done, tell(done, requester.state));
        } catch (error) {
          failure ??= { error };
        }
      });
    }
  } catch (error) {
    failure ??= { error };
  }
  await queue.onIdle();
  await requester.close();
  if (failure) throw failure.error;
  return { unanswered };
}

/** The status of an intent, with what is to be done where many come to the same. */
function statusOf({ status, answers }: Outcome): string {
  return thoughtAll(answers.at(-1)) ? `cut_off, all of it thoughts (${AGAINST_THOUGHTS})` : status;
}

/** Asks through the Batch API as far as `batchTail` says; what is left then is asked for by `askFor`. */
export async function askByBatch(
  task: Task<IntentsOptions>,
  journal: Journal,
  question: Question,
  folder: string,
): Promise<{ leftFiles: number }> {
  const { environment, signal } = task;
  const { server: options } = askSettings(task);
  const count = options.budget === null ? undefined : (await tokenizerFor(options.model)).count;
  const client = openaiClient(options, environment);
  async function* unanswered() {
    for (const shard of task.shards) {
      for await (const { turns } of conversationsLeft(task, [shard])) {
        const step = replay(intentProgram(turns, question), (key) => journal.get(key));
        if ("request" in step) yield { ...step.request, shard };
      }
    }
  }
  const report = (note: string) => task.report(0, 0, "batches", note);
  const parts = { options, journal, folder, client, signal, unanswered, report, ...(count && { count }) };
  return fillByBatch({ ...parts, price: priceOf(options, environment.env), clock: environment.clock });
}

/** Throws RemoteError if conversations have no answer and that is not wanted. */
export function requireAnswers(unanswered: number, { options, server }: AskSettings): void {
  if (unanswered === 0 || options.unanswered === "reject") return;
  throw new RemoteError(
    `${unanswered} conversations have no answer after ${server.tries} tries each; all others are done. Run the same command again to ask for them, or with --set intents.unanswered=reject to go on without them`,
  );
}
