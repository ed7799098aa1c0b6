/**
 * What asking for the rest of a run's intents will take, before anything is sent: exact tokens, dollars in both modes,
 * time at the given limits. After a pilot, what its answers really used stands in for what is assumed.
 */

import { keyed } from "../../pipeline/random.ts";
import type { Task } from "../../pipeline/task.ts";
import type { Conversation } from "../../schemas/conversation.ts";
import { askFor, conversationsLeft, priceOf, questionOf } from "./ask.ts";
import { isFinal, Journal } from "./journal.ts";
import { costOf } from "./models.ts";
import { Offsets } from "./offsets.ts";
import type { IntentsOptions } from "./options.ts";
import type { Prompt } from "./prompt.ts";
import { nextStep, outputLimit, type Question } from "./request.ts";
import { shutdownOf } from "./shutdowns.ts";
import { type CountTokens, requestTokens, tokenizerFor } from "./tokens.ts";

/** From the least to the most. */
type Range = { readonly least: number; readonly most: number };

/** What is ahead. */
export interface Estimate {
  readonly model: string;
  readonly conversations: number;
  /** Conversations whose answers are in the journal. */
  readonly answered: number;
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
  /** Announced last day of the model, and when that was written down. */
  readonly shutdown: { readonly day: string; readonly asOf: string } | null;
  readonly spent_usd: number;
  /** What the pilot's requests really used, one with the other; null = there was no pilot. */
  readonly pilot: { readonly requests: number; readonly input_tokens: number; readonly output_tokens: number } | null;
}

/** Tokens of an intent as short as they come. */
const SHORT_ANSWER = 20;

/** How to estimate: `sample` conversations are asked about first, if it is not 0. */
export interface EstimateOptions {
  readonly sample: number;
  readonly report?: (done: number, total: number, note?: string) => void;
}

type Left = Pick<Conversation, "id" | "turns">;

/** Estimates what is left of a run. Memory: the sample, and 16 to 64 bytes for each conversation. */
export async function estimate(task: Task<IntentsOptions>, { sample, report }: EstimateOptions): Promise<Estimate> {
  const { options, world } = task;
  const question = questionOf(options, world.env);
  const total = (await task.manifest("dedup")).kept;
  if (sample > 0) await pilot(task, sample, total, report);
  const journal = Journal.read(task.path("journal"));
  try {
    const counted = await countLeft(task, question, journal, (done) => report?.(done, total));
    return summary(counted, options, question, priceOf(options, world.env), journal);
  } finally {
    journal?.close();
  }
}

/** Sends a pilot: conversations drawn by the seed. Its answers are journalled, so that the run does not pay for them again. */
async function pilot(
  task: Task<IntentsOptions>,
  size: number,
  total: number,
  report: EstimateOptions["report"],
): Promise<void> {
  const { options, world, signal } = task;
  const drawn = await draw(conversationsLeft(task), size, task.plan.seed);
  const journal = await Journal.open(task.path("journal"));
  try {
    const tell = (done: number, note: string) => report?.(done, drawn.length, note);
    await askFor(listed(drawn), { options, journal, world, signal, total: Math.min(size, total), report: tell });
  } finally {
    journal.close();
  }
}

async function* listed<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

/** As many conversations as asked for, whichever the seed draws, in the order of the draw. */
export async function draw(conversations: AsyncIterable<Left>, size: number, seed: string): Promise<Left[]> {
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
  requests: number;
  input_tokens: number;
  output_limit: number;
  overflow: number;
  isExact: boolean;
}

async function countLeft(
  task: Task<IntentsOptions>,
  question: Question,
  journal: Journal | null,
  report: (done: number) => void,
): Promise<Counted> {
  const { count, isExact } = await tokenizerFor(question.model);
  const countPrompt = promptCounter(question.prompt, count);
  const seen = new Offsets();
  const sum = { conversations: 0, answered: 0, requests: 0, input_tokens: 0, output_limit: 0, overflow: 0, isExact };
  for await (const { turns } of conversationsLeft(task)) {
    report(++sum.conversations);
    const step = nextStep(turns, question, (key) => journal?.get(key));
    if ("outcome" in step) sum.answered++;
    else if (seen.get(step.key) === undefined) {
      seen.set(step.key, sum.requests++);
      const tokens = requestTokens(step.request, countPrompt);
      sum.input_tokens += tokens;
      sum.output_limit += outputLimit(step.request);
      const room = (question.contextTokens ?? Number.POSITIVE_INFINITY) - outputLimit(step.request);
      if (tokens > room) sum.overflow++;
    }
  }
  return sum;
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
  options: IntentsOptions,
  question: Question,
  price: ReturnType<typeof priceOf>,
  journal: Journal | null,
): Estimate {
  const { conversations, answered, requests } = counted;
  const used = journal ? usage(journal, options.model) : null;
  // Some conversations take more than one request: as many more as it was so far.
  const again = used && answered > 0 ? Math.max(1, used.requests / answered) : 1;
  const input_tokens = Math.round(
    used && !counted.isExact ? requests * again * used.input_tokens : counted.input_tokens * again,
  );
  const output_tokens = used
    ? { least: requests * again * used.output_tokens, most: requests * again * used.output_tokens }
    : { least: requests * SHORT_ANSWER, most: counted.output_limit };
  const dollars = (mode: "sync" | "batch", output: number) =>
    costOf({ input_tokens, cached_tokens: 0, output_tokens: output }, price, mode) ?? 0;
  const range = (mode: "sync" | "batch") => {
    return { least: dollars(mode, output_tokens.least), most: dollars(mode, output_tokens.most) };
  };
  return {
    model: options.model,
    ...{ conversations, answered, requests, shared: conversations - answered - requests },
    input_tokens,
    is_exact: counted.isExact,
    output_tokens: { least: Math.round(output_tokens.least), most: Math.round(output_tokens.most) },
    overflow: question.contextTokens === null ? null : counted.overflow,
    context_tokens: question.contextTokens,
    usd: price === null ? null : { sync: range("sync"), batch: range("batch") },
    minutes: minutesAt(options, requests * again, input_tokens + counted.output_limit * again),
    shutdown: shutdownOf(options.model),
    spent_usd: journal?.spent ?? 0,
    pilot: used,
  };
}

/** What the requests that were answered so far used, one with the other; null = none were. */
function usage(journal: Journal, model: string): Estimate["pilot"] {
  const sum = { requests: 0, input_tokens: 0, output_tokens: 0 };
  for (const entry of journal.entries()) {
    if (entry.asked !== model || !isFinal(entry) || !entry.input_tokens) continue;
    sum.requests++;
    sum.input_tokens += entry.input_tokens;
    sum.output_tokens += entry.output_tokens ?? 0;
  }
  const { requests } = sum;
  if (requests === 0) return null;
  return { requests, input_tokens: sum.input_tokens / requests, output_tokens: sum.output_tokens / requests };
}

/** Servers count an answer at its limit when they admit a request. */
function minutesAt(options: IntentsOptions, requests: number, tokens: number): number | null {
  const { requestsPerMinute, tokensPerMinute } = options;
  if (requestsPerMinute === null && tokensPerMinute === null) return null;
  return Math.max(
    requests / (requestsPerMinute ?? Number.POSITIVE_INFINITY),
    tokens / (tokensPerMinute ?? Number.POSITIVE_INFINITY),
  );
}
