import type { Environment } from "../environment.ts";
import { RemoteError, UsageError } from "../errors.ts";
import { retry, TransientError } from "../retry.ts";
import { AdaptiveConcurrency, LONGEST_WAIT_MS } from "./adaptive-concurrency.ts";
import { Budget } from "./budget.ts";
import { Client } from "./client.ts";
import { type CountTokens, requestTokens } from "./count-tokens.ts";
import type { Answer, Journal } from "./journal.ts";
import { costOf } from "./prices.ts";
import { BYTES_A_TOKEN, type ChatRequest, inputBytes, outputLimit, type Program } from "./request.ts";
import { isCounted, oddAnswer, type ServerAnswer } from "./server-answer.ts";
import type { Price, ServerOptions } from "./server-options.ts";

/** What a requester is made of. */
export interface RequesterParts {
  readonly options: ServerOptions;
  /** Null = no price is known, and none is counted. */
  readonly price: Price | null;
  readonly journal: Journal;
  readonly environment: Environment;
  readonly signal: AbortSignal;
  /** Counts tokens exactly, where a request would not fit in the budget by its bytes. */
  readonly count?: CountTokens;
}

/** How far a requester is, for whoever draws it. */
export interface RequesterState {
  readonly requests: number;
  readonly tokens: number;
  readonly spent: number;
  readonly width: number;
  /** Failures by kind. */
  readonly failures: Readonly<Record<string, number>>;
}

/**
 * Brings programs to their results at any server that speaks OpenAI's chat completions. Equal requests are sent once;
 * every answer is journalled before it is used. Retries are ours, not the SDK's: that obeys any Retry-After and does not
 * time out a stalled body.
 */
export class Requester {
  readonly #parts: RequesterParts;
  readonly #client: Client;
  readonly #concurrency: AdaptiveConcurrency;
  readonly #budget: Budget;
  readonly #underWay = new Map<string, Promise<boolean>>();
  readonly #failures: Record<string, number> = {};
  /** Fires when the run is stopped or must stop; requests under way still come to their end in the second case. */
  readonly #stop = new AbortController();
  readonly #abort = () => {
    this.#stop.abort(this.#parts.signal.reason);
    this.#client.abort();
  };
  #first: Promise<unknown> | null = null;
  #isAccepted = false;
  /** Requests that were refused for what they are before any was accepted. */
  readonly #suspects: Suspect[] = [];
  #requests = 0;
  #tokens = 0;
  #inARow: string[] = [];
  /** Of the limit of tokens, how many times as many an answer has had; at least 1. */
  #excess = 1;
  /** Bytes a token, as the server's own counts show. */
  #ratio = BYTES_A_TOKEN;

  constructor(parts: RequesterParts) {
    const { options, environment, journal, signal } = parts;
    this.#parts = parts;
    this.#client = new Client(options, environment);
    const limits = { ...options, timeoutMs: 1000 * options.timeoutSeconds };
    this.#concurrency = new AdaptiveConcurrency(limits, environment.clock, this.#client.openai.baseURL);
    this.#budget = new Budget(options.budget, journal.spent);
    if (signal.aborted) this.#abort();
    signal.addEventListener("abort", this.#abort);
  }

  get state(): RequesterState {
    return {
      requests: this.#requests,
      tokens: this.#tokens,
      spent: this.#budget.spent,
      width: this.#concurrency.width,
      failures: this.#failures,
    };
  }

  /**
   * What a program comes to; null if the server failed one of its requests after all tries. `statusOf` says whether a
   * result is of use (`ok`), so that a run stops where too many in a row are not. Throws what must stop the run:
   * UsageError for a refused key, model or parameter, LimitError when budget or quota are used up, RemoteError when the
   * server is not there or fails again and again.
   */
  async run<Result>(program: Program<Result>, statusOf: (result: Result) => string): Promise<Result | null> {
    try {
      return await this.#run(program, statusOf);
    } catch (error) {
      this.#stop.abort(error);
      throw error;
    }
  }

  async #run<Result>(program: Program<Result>, statusOf: (result: Result) => string): Promise<Result | null> {
    const { journal } = this.#parts;
    let step = program.next();
    let isNew = false;
    while (!step.done) {
      const { request, key } = step.value;
      isNew ||= journal.get(key) === undefined;
      const answer = await this.answer(request, key);
      if (!answer) return null;
      step = program.next(answer);
    }
    if (isNew) this.#note(statusOf(step.value));
    return step.value;
  }

  /** The answer to a request, from the journal or the server; null if there is none after all tries. */
  async answer(request: ChatRequest, key: string): Promise<Answer | null> {
    const { journal } = this.#parts;
    const known = journal.get(key) ?? this.#suspected(key);
    if (known) return known;
    if (!(await this.#answered(request, key))) return null;
    const answer = journal.get(key) ?? this.#suspected(key);
    if (!answer) throw new Error(`the journal has no answer to ${key}, which has just been written`);
    return answer;
  }

  /** Ends what is under way. A refusal that no other request has told anything about is then its conversation's own. */
  async close(): Promise<void> {
    this.#parts.signal.removeEventListener("abort", this.#abort);
    await Promise.allSettled(this.#underWay.values());
    await this.#client.close();
    if (!this.#stop.signal.aborted) this.#accept();
  }

  /** What a request that is left open will be answered with, unless the settings turn out to be wrong. */
  #suspected(key: string): Answer | undefined {
    const found = this.#suspects.find(({ about }) => about.key === key);
    return found && { ...found.about, ...oddAnswer(found.said), usd: 0 };
  }

  /** Sees to it that the journal has an answer to a request; false if there is none after all tries. */
  #answered(request: ChatRequest, key: string): Promise<boolean> {
    const known = this.#underWay.get(key);
    if (known) return known;
    const asked = this.#afterFirst(() => this.#persist(request, key)).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, asked);
    return asked;
  }

  /** The first request goes alone, so that a wrong key or model costs one request and marks no conversation. */
  async #afterFirst(ask: () => Promise<boolean>): Promise<boolean> {
    while (this.#first !== null && !this.#isAccepted) await this.#first.catch(() => {});
    this.#stop.signal.throwIfAborted();
    if (this.#isAccepted) return ask();
    const first = ask();
    this.#first = first;
    try {
      return await first;
    } finally {
      this.#first = null;
    }
  }

  async #persist(request: ChatRequest, key: string): Promise<boolean> {
    const { options, environment } = this.#parts;
    const attempt = async () => {
      while (!(await this.#sendOnce(request, key))); // until it is no longer the server's wish to be asked later
    };
    const patience = { tries: options.tries, firstMs: 500, longestMs: LONGEST_WAIT_MS };
    try {
      await retry(attempt, { ...patience, sleep: environment.clock.sleep, signal: this.#stop.signal });
      return true;
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      this.#note(error.message);
      return false;
    }
  }

  /**
   * Sends a request once it is its turn and it can be paid for. True: there is an answer; false: it goes again, which is
   * not its fault. Throws TransientError for a failure of this request.
   */
  async #sendOnce(request: ChatRequest, key: string): Promise<boolean> {
    const worst = this.#worstCase(request);
    await this.#budget.reserve(worst ?? 0);
    let paid = 0;
    try {
      const tokens = inputBytes(request) / this.#ratio + outputLimit(request);
      const ticket = await this.#concurrency.acquire(tokens, this.#stop.signal);
      try {
        return await this.#send(request, key, worst, ticket, (usd) => {
          paid = usd;
        });
      } catch (error) {
        // Before the next request takes this one's place.
        if (!(error instanceof TransientError)) this.#stop.abort(error);
        throw error;
      } finally {
        this.#concurrency.release();
      }
    } finally {
      this.#budget.settle(worst ?? 0, paid);
    }
  }

  async #send(
    request: ChatRequest,
    key: string,
    worst: number | null,
    ticket: Awaited<ReturnType<AdaptiveConcurrency["acquire"]>>,
    pay: (usd: number) => void,
  ): Promise<boolean> {
    const { journal, signal, options } = this.#parts;
    const about = { key, requested_model: request.model, mode: "sync" as const };
    journal.add({ ...about, status: "sent", usd: worst });
    this.#requests++;
    const got = await this.#client.send(request);
    if (got.kind === "answer") {
      if (got.headers) this.#concurrency.observeHeaders(got.headers);
      this.#concurrency.onAnswer(ticket);
      const usd = isCounted(got.answer) ? costOf(got.answer, this.#parts.price, "sync") : worst;
      pay(usd ?? 0);
      journal.add({ ...about, ...got.answer, usd });
      this.#accept();
      this.#learn(request, got.answer);
      return true;
    }
    if (got.kind === "odd") {
      this.#concurrency.onReached();
      this.#odd(about, got.said);
      return true;
    }
    const billed = got.kind === "again" ? got.billed : signal.aborted ? "unknown" : "nothing";
    const usd = typeof billed === "string" ? worst : costOf(billed, this.#parts.price, "sync");
    journal.add({ ...about, status: billed === "nothing" ? "failed" : "lost", usd });
    if (billed !== "nothing") pay(usd ?? 0);
    signal.throwIfAborted();
    if (got.kind === "stop") throw got.error;
    const why = got.kind === "refused" ? "HTTP 429" : got.why;
    this.#failures[why] = (this.#failures[why] ?? 0) + 1;
    if (got.kind === "refused") {
      if (got.headers) this.#concurrency.observeHeaders(got.headers);
      this.#concurrency.onRateLimit(ticket, got.waitMs);
      return false;
    }
    if (got.kind === "down") {
      this.#concurrency.onDown(ticket, got.why, options.tries);
      return false;
    }
    if (got.billed !== "unknown") this.#concurrency.onReached();
    else if (got.why.startsWith("no answer")) this.#concurrency.onTimeout(ticket);
    throw new TransientError(why, { waitMs: got.waitMs ?? 0 });
  }

  /** A request went through as it is: what was refused before was refused for itself. */
  #accept(): void {
    this.#isAccepted = true;
    for (const { about, said } of this.#suspects.splice(0))
      this.#parts.journal.add({ ...about, ...oddAnswer(said), usd: 0 });
  }

  /**
   * A request was refused for what it is. Before any was accepted that may be the fault of the settings: it is left open
   * until another goes through. Throws UsageError when a second one is refused in the same way.
   */
  #odd(about: Suspect["about"], said: string): void {
    const { journal } = this.#parts;
    if (this.#isAccepted) {
      journal.add({ ...about, ...oddAnswer(said), usd: 0 });
      return;
    }
    journal.add({ ...about, status: "failed", usd: 0 });
    const isSame = (other: Suspect) => inKind(other.said) === inKind(said);
    const isSettings = this.#suspects.some(isSame) || this.#suspects.length >= MOST_SUSPECTS;
    this.#suspects.push({ about, said });
    if (isSettings) throw new UsageError(`${this.#client.openai.baseURL}: ${said}`);
  }

  /** The most that a request can cost; null = no price is known. A text has no more tokens than bytes. */
  #worstCase(request: ChatRequest): number | null {
    const { price, count, options } = this.#parts;
    const output_tokens = outputLimit(request) * this.#excess;
    const cost = (input_tokens: number) => costOf({ input_tokens, cached_tokens: 0, output_tokens }, price, "sync");
    const byBytes = cost(inputBytes(request) + 8 * (request.messages.length + 1));
    if (byBytes === null || options.budget === null || count === undefined || this.#budget.fits(byBytes))
      return byBytes;
    return cost(requestTokens(request, count));
  }

  #learn(request: ChatRequest, { input_tokens, output_tokens }: ServerAnswer): void {
    // A server that does not keep to the limit would pass the budget: what it may take from now on is what it took.
    const limit = outputLimit(request);
    if (output_tokens !== null && limit > 0 && output_tokens > limit) {
      this.#excess = Math.max(this.#excess, output_tokens / limit);
      this.#failures[OVER_LIMIT] = (this.#failures[OVER_LIMIT] ?? 0) + 1;
    }
    if (!input_tokens) return;
    this.#tokens += input_tokens + (output_tokens ?? 0);
    this.#ratio += (Math.max(1, inputBytes(request) / input_tokens) - this.#ratio) / 50;
  }

  /** Counts results in a row that are of no use, and stops the run when there are too many. */
  #note(status: string): void {
    if (status === "ok") {
      this.#inARow = [];
      return;
    }
    if (status === "invalid" || status === "refused") this.#failures[status] = (this.#failures[status] ?? 0) + 1;
    this.#inARow.push(status);
    const { maxFailures } = this.#parts.options;
    if (this.#inARow.length < maxFailures) return;
    throw new RemoteError(
      `${this.#client.openai.baseURL}: ${maxFailures} conversations in a row without a usable answer: ${tally(this.#inARow)}; what is done is kept, run the same command again to go on`,
    );
  }
}

/** A request that was refused, and in which words. */
interface Suspect {
  readonly about: Pick<Answer, "key" | "requested_model" | "mode">;
  readonly said: string;
}

/** What answers that are longer than was asked for are counted as. */
const OVER_LIMIT = "longer than the token limit";

/** After so many refusals, each in other words, and nothing else, the settings are to blame all the same. */
const MOST_SUSPECTS = 4;

/** Words without what differs between two refusals of one kind: numbers, and what is quoted. */
function inKind(said: string): string {
  return said.replaceAll(/(["'`]).*?\1|[\d.,]+/g, "").toLowerCase();
}

/** `3 HTTP 500, 1 refused`: how often each word is there, the most frequent first. */
function tally(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([word, count]) => `${count} ${word}`)
    .join(", ");
}
