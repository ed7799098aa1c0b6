/**
 * What asking for the rest of a run's intents will take, before anything is sent: exact tokens, dollars in both modes,
 * time at the given limits. After a pilot, what its answers really used stands in for what is assumed.
 */

import { keyed } from "../../pipeline/hash.ts";
import { type CountTokens, requestTokens, tokenizerFor } from "../../pipeline/models/count-tokens.ts";
import { shutdownOf } from "../../pipeline/models/deprecations.ts";
import { type Answer, answerIn, Journal } from "../../pipeline/models/journal.ts";
import { Offsets } from "../../pipeline/models/offsets.ts";
import { costOf } from "../../pipeline/models/prices.ts";
import { outputLimit, replay } from "../../pipeline/models/request.ts";
import type { ServerOptions } from "../../pipeline/models/server-options.ts";
import type { Task } from "../../pipeline/task.ts";
import type { Conversation } from "../../schemas/conversation.ts";
import { JOURNAL } from "./artefacts.ts";
import { type AskSettings, askFor, askSettings, conversationsLeft, priceOf, questionOf } from "./ask.ts";
import { openJournal, othersOf } from "./elsewhere.ts";
import type { IntentsOptions } from "./options.ts";
import { type Pilot, Used } from "./pilot.ts";
import { firstRequest, intentProgram, type Question } from "./program.ts";
import type { Prompt } from "./prompt.ts";

/** From the least to the most. */
type Range = { readonly least: number; readonly most: number };

/** What asking for the rest of the intents will take. */
export interface Estimate {
  readonly model: string;
  readonly conversations: number;
  /** Conversations whose answers are in the journal. */
  readonly answered: number;
  /** Of these, conversations that other runs have paid for. */
  readonly reused: number;
  /** Requests to be sent, one for each conversation left that no other has an equal request to. */
  readonly requests: number;
  /** Conversations left that share the request of another. */
  readonly shared: number;
  readonly input_tokens: number;
  /** True if the tokens are counted with the model's own tokenizer. */
  readonly is_exact: boolean;
  readonly output_tokens: Range;
  /** Requests that do not fit in what the model takes at a time; null = that is not known. */
  readonly overflow: number | null;
  readonly context_tokens: number | null;
  /** Dollars; null = no price is known. */
  readonly usd: { readonly sync: Range; readonly batch: Range } | null;
  /** Minutes at the limits that were given; null = none were. */
  readonly minutes: number | null;
  /** Announced last day of the model, and when that was written down; null = none is known here. */
  readonly shutdown: { readonly day: string; readonly asOf: string } | null;
  readonly spent_usd: number;
  /** What the answers so far really used; null = there are none. */
  readonly pilot: Pilot | null;
}

/** Tokens of an intent as short as they come. */
const SHORT_ANSWER = 20;

/** How to estimate: `sample` conversations are asked about first, if it is not 0. */
export interface EstimateOptions {
  readonly sample: number;
  readonly report?: (done: number, total: number, note?: string) => void;
}

type Left = Pick<Conversation, "id" | "turns">;

/** Estimates what is left of a run. Memory: the sample, and 18 to 37 bytes for each conversation. */
export async function estimate(task: Task<IntentsOptions>, { sample, report }: EstimateOptions): Promise<Estimate> {
  const { env } = task.environment;
  const settings = askSettings(task);
  const question = await questionOf(settings, env, (path) => task.resolve(path));
  const total = await task.takes();
  if (sample > 0) await sendPilot(task, { settings, question }, sample, total, report);
  const journal = Journal.read(task.ownPath(JOURNAL));
  const others = othersOf(task).flatMap((folder) => {
    const other = Journal.read(folder);
    return other === null ? [] : [{ folder, journal: other }];
  });
  const find = (key: string) => journal?.get(key) ?? answerIn(others, key);
  try {
    const { counted, pilot } = await countLeft(task, question, find, (done) => report?.(done, total));
    return summary(counted, pilot, settings.server, question, priceOf(settings.server, env), journal);
  } finally {
    journal?.close();
    for (const { journal: other } of others) other.close();
  }
}

/** Sends a pilot: conversations drawn by the seed. Its answers are journalled, so that the run does not pay for them again. */
async function sendPilot(
  task: Task<IntentsOptions>,
  asking: { settings: AskSettings; question: Question },
  size: number,
  total: number,
  report: EstimateOptions["report"],
): Promise<void> {
  const { environment, signal } = task;
  const drawn = await drawPilot(conversationsLeft(task), size, task.plan.seed);
  const journal = await openJournal(task);
  try {
    const tell = (done: number, note: string) => report?.(done, drawn.length, note);
    const parts = { ...asking, journal, environment, signal, total: Math.min(size, total), report: tell };
    await askFor(listed(drawn), parts);
  } finally {
    journal.close();
  }
}

async function* listed<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

/** As many conversations as asked for, whichever the seed draws, in the order of the draw. */
export async function drawPilot(conversations: AsyncIterable<Left>, size: number, seed: string): Promise<Left[]> {
  const drawn: { place: string; each: Left }[] = [];
  for await (const each of conversations) {
    const place = keyed(seed, `pilot:${each.id}`);
    if (drawn.length === size && place >= (drawn.at(-1)?.place ?? "")) continue;
    drawn.push({ place, each });
    drawn.sort((a, b) => (a.place < b.place ? -1 : 1));
    drawn.length = Math.min(drawn.length, size);
  }
  return drawn.map(({ each }) => each);
}

interface Counted {
  conversations: number;
  answered: number;
  reused: number;
  requests: number;
  input_tokens: number;
  output_limit: number;
  overflow: number;
  isExact: boolean;
}

async function countLeft(
  task: Task<IntentsOptions>,
  question: Question,
  find: (key: string) => Answer | undefined,
  report: (done: number) => void,
): Promise<{ counted: Counted; pilot: Pilot | null }> {
  const { count, isExact } = await tokenizerFor(question.model);
  const countPrompt = promptCounter(question.prompt, count);
  const seen = new Offsets();
  const used = new Used();
  const sum = {
    conversations: 0,
    answered: 0,
    reused: 0,
    requests: 0,
    input_tokens: 0,
    output_limit: 0,
    overflow: 0,
    isExact,
  };
  for await (const { turns } of conversationsLeft(task)) {
    report(++sum.conversations);
    const step = replay(intentProgram(turns, question), find);
    // Where a limit was given, what is over it is cut before it is asked for, or not asked for at all.
    const isCut = question.isTooMuch?.(firstRequest(turns, question)) ?? false;
    if (isCut) sum.overflow++;
    if ("result" in step) {
      sum.answered++;
      if (step.result.answers.some(({ reused }) => reused !== undefined)) sum.reused++;
      used.add(step.result, () => requestTokens(firstRequest(turns, question), countPrompt));
    } else if (seen.get(step.request.key) === undefined) {
      const { key, request } = step.request;
      seen.set(key, sum.requests++);
      const tokens = requestTokens(request, countPrompt);
      sum.input_tokens += tokens;
      sum.output_limit += outputLimit(request);
      const room = (question.contextTokens ?? Number.POSITIVE_INFINITY) - outputLimit(request);
      if (tokens > room && !isCut) sum.overflow++;
    }
  }
  return { counted: sum, pilot: used.pilot };
}

/**
 * Counts filled prompts without counting the template each time. Both tokenizers cut a text after a line break that is
 * followed by a `<` or a letter, so the parts add up to the whole; a template without such places is counted whole.
 */
export function promptCounter({ text }: Prompt, count: CountTokens): CountTokens {
  const [before = "", after = ""] = text.split("[CONVERSATION]");
  const gap = /^\s*\n(?=\p{L})/u.exec(after)?.[0];
  if (!before.endsWith("\n") || gap === undefined) return count;
  const end = after.slice(gap.length);
  const fixed = count(before) + count(end);
  return (filled) =>
    filled.startsWith(before) && filled.endsWith(end)
      ? fixed + count(filled.slice(before.length, filled.length - end.length))
      : count(filled);
}

function summary(
  counted: Counted,
  pilot: Pilot | null,
  server: ServerOptions,
  question: Question,
  price: ReturnType<typeof priceOf>,
  journal: Journal | null,
): Estimate {
  const { conversations, answered, requests } = counted;
  // The pilot's conversations took more requests than one where an answer was cut off or had a fault.
  const input_tokens = Math.round(counted.input_tokens * (pilot?.ratio ?? 1));
  const output_tokens = outputRange(counted, pilot);
  const cachedShare = pilot ? pilot.cached_tokens / pilot.input_tokens : 0;
  const dollars = (mode: "sync" | "batch", output: number, cached_tokens: number) =>
    costOf({ input_tokens, cached_tokens, output_tokens: output }, price, mode) ?? 0;
  const range = (mode: "sync" | "batch") => {
    const least = dollars(mode, output_tokens.least, mode === "sync" ? cachedShare * input_tokens : 0);
    return { least, most: dollars(mode, output_tokens.most, 0) };
  };
  return {
    model: server.model,
    ...{ conversations, answered, reused: counted.reused, requests, shared: conversations - answered - requests },
    input_tokens,
    is_exact: counted.isExact,
    output_tokens,
    overflow: question.contextTokens === null ? null : counted.overflow,
    context_tokens: question.contextTokens,
    usd: price === null ? null : { sync: range("sync"), batch: range("batch") },
    minutes: minutesAt(server, requests * (pilot?.requests ?? 1), input_tokens + counted.output_limit),
    shutdown: shutdownOf(server.model),
    spent_usd: journal?.spent ?? 0,
    pilot,
  };
}

/** Before a pilot from the shortest answers to the longest allowed; after it, two standard errors about its mean. */
function outputRange({ requests, output_limit }: Counted, pilot: Pilot | null): Range {
  if (pilot === null) return { least: requests * SHORT_ANSWER, most: output_limit };
  const at = (errors: number) => Math.round(requests * Math.max(0, pilot.output_tokens + errors * pilot.output_error));
  return { least: at(-2), most: at(2) };
}

/** Servers count an answer at its limit when they admit a request. */
function minutesAt(server: ServerOptions, requests: number, tokens: number): number | null {
  const { requestsPerMinute, tokensPerMinute } = server;
  if (requestsPerMinute === null && tokensPerMinute === null) return null;
  return Math.max(
    requests / (requestsPerMinute ?? Number.POSITIVE_INFINITY),
    tokens / (tokensPerMinute ?? Number.POSITIVE_INFINITY),
  );
}
