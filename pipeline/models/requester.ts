import type { Turn } from "../../schemas/conversation.ts";
import type { IntentsOptions, Price } from "../../stages/intents/options.ts";
import {
  BYTES_A_TOKEN,
  type ChatRequest,
  inputBytes,
  type Outcome,
  outputLimit,
  type Question,
  stepsOf,
} from "../../stages/intents/program.ts";
import { type Clock, realClock } from "../clock.ts";
import { RemoteError } from "../errors.ts";
import type { World } from "../plan.ts";
import { LONGEST_WAIT_MS, Pace } from "./adaptive-concurrency.ts";
import { Budget } from "./budget.ts";
import { Client, type ServerAnswer } from "./client.ts";
import { type CountTokens, requestTokens } from "./count-tokens.ts";
import type { Journal } from "./journal.ts";
import { costOf } from "./prices.ts";

/** What the engine is made of. */
export interface EngineParts {
  readonly options: IntentsOptions;
  readonly question: Question;
  /** Null = no price is known, and none is counted. */
  readonly price: Price | null;
  readonly journal: Journal;
  readonly world: World;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  /** Counts tokens exactly, where a request would not fit in the budget by its bytes. */
  readonly count?: CountTokens;
}

/** How far the engine is, for whoever draws it. */
export interface EngineState {
  readonly requests: number;
  readonly tokens: number;
  readonly spent: number;
  readonly width: number;
  /** Failures by kind. */
  readonly failures: Readonly<Record<string, number>>;
}

/**
 * Brings conversations to their outcome at any server that speaks OpenAI's chat completions. Equal requests are sent
 * once; every answer is journalled before it is used. Retries are ours, not the SDK's: that obeys any Retry-After and
 * does not time out a stalled body.
 */
export class Engine {
  readonly #parts: EngineParts;
  readonly #clock: Clock;
  readonly #client: Client;
  readonly #pace: Pace;
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
  #requests = 0;
  #tokens = 0;
  #inARow: string[] = [];
  /** Bytes a token, as the server's own counts show. */
  #ratio = BYTES_A_TOKEN;

  constructor(parts: EngineParts) {
    const { options, world, journal, signal } = parts;
    this.#parts = parts;
    this.#clock = parts.clock ?? realClock;
    this.#client = new Client(options, world);
    const limits = { ...options, timeoutMs: 1000 * options.timeoutSeconds };
    this.#pace = new Pace(limits, this.#clock, this.#client.openai.baseURL);
    this.#budget = new Budget(options.budget, journal.spent);
    if (signal.aborted) this.#abort();
    signal.addEventListener("abort", this.#abort);
  }

  get state(): EngineState {
    return {
      requests: this.#requests,
      tokens: this.#tokens,
      spent: this.#budget.spent,
      width: this.#pace.width,
      failures: this.#failures,
    };
  }

  /**
   * What becomes of a conversation; null if the server failed it after all tries. Throws what must stop the run:
   * UsageError for a refused key, model or parameter, LimitError when budget or quota are used up, RemoteError when the
   * server is not there or fails again and again.
   */
  async resolve(turns: readonly Turn[]): Promise<Outcome | null> {
    try {
      return await this.#resolve(turns);
    } catch (error) {
      this.#stop.abort(error);
      throw error;
    }
  }

  async #resolve(turns: readonly Turn[]): Promise<Outcome | null> {
    const { question, journal } = this.#parts;
    const steps = stepsOf(turns, question);
    let step = steps.next();
    let isNew = false;
    while (!step.done) {
      const { request, key } = step.value;
      let answer = journal.get(key);
      if (!answer) {
        isNew = true;
        if (!(await this.#answered(request, key))) return null;
        answer = journal.get(key);
      }
      if (!answer) throw new Error(`the journal has no answer to ${key}, which has just been written`);
      step = steps.next(answer);
    }
    if (isNew) this.#judge(step.value.status);
    return step.value;
  }

  async close(): Promise<void> {
    this.#parts.signal.removeEventListener("abort", this.#abort);
    await Promise.allSettled(this.#underWay.values());
    await this.#client.close();
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
    const { options } = this.#parts;
    for (let failures = 0; ; ) {
      const got = await this.#sendOnce(request, key);
      if (got === "answered") return true;
      if (got === "later") continue;
      failures++;
      if (failures >= options.tries) {
        this.#judge(got.why);
        return false;
      }
      const backOff = Math.random() * Math.min(LONGEST_WAIT_MS, 500 * 2 ** failures);
      await this.#clock.sleep(Math.max(got.waitMs ?? 0, backOff), this.#stop.signal);
    }
  }

  /** Sends a request once it is its turn and it can be paid for. `later`: not this request's fault, it goes again. */
  async #sendOnce(
    request: ChatRequest,
    key: string,
  ): Promise<"answered" | "later" | { why: string; waitMs: number | null }> {
    const { journal, signal, options } = this.#parts;
    const worst = this.#worstCase(request);
    await this.#budget.reserve(worst ?? 0);
    let paid = 0;
    try {
      const about = { key, asked: request.model, mode: "sync" as const };
      const ticket = await this.#pace.enter(
        inputBytes(request) / this.#ratio + outputLimit(request),
        this.#stop.signal,
      );
      try {
        journal.add({ ...about, status: "sent", usd: worst });
        this.#requests++;
        const got = await this.#client.send(request, !this.#isAccepted);
        if (got.kind === "answer") {
          if (got.headers) this.#pace.told(got.headers);
          this.#pace.succeeded(ticket);
          this.#isAccepted = true;
          const usd = costOf(got.answer, this.#parts.price, "sync");
          paid = usd ?? 0;
          journal.add({ ...about, ...got.answer, usd });
          this.#learn(request, got.answer);
          return "answered";
        }
        const isBilled = (got.kind === "again" && !got.isHeard) || signal.aborted;
        journal.add({ ...about, status: isBilled ? "unheard" : "failed", usd: worst });
        if (isBilled) paid = worst ?? 0;
        signal.throwIfAborted();
        if (got.kind === "stop") throw got.error;
        const why = got.kind === "refused" ? "HTTP 429" : got.why;
        this.#failures[why] = (this.#failures[why] ?? 0) + 1;
        if (got.kind === "refused") {
          if (got.headers) this.#pace.told(got.headers);
          this.#pace.refused(ticket, got.waitMs);
          return "later";
        }
        if (got.kind === "down") {
          this.#pace.isDown(ticket, got.why, options.tries);
          return "later";
        }
        if (got.isHeard) this.#pace.reached();
        else if (got.why.startsWith("no answer")) this.#pace.timedOut(ticket);
        return { why, waitMs: got.waitMs };
      } catch (error) {
        // Before the next request takes this one's place.
        this.#stop.abort(error);
        throw error;
      } finally {
        this.#pace.leave();
      }
    } finally {
      this.#budget.settle(worst ?? 0, paid);
    }
  }

  /** The most that a request can cost; null = no price is known. A text has no more tokens than bytes. */
  #worstCase(request: ChatRequest): number | null {
    const { price, count, options } = this.#parts;
    const output_tokens = outputLimit(request);
    const cost = (input_tokens: number) => costOf({ input_tokens, cached_tokens: 0, output_tokens }, price, "sync");
    const byBytes = cost(inputBytes(request) + 8 * (request.messages.length + 1));
    if (byBytes === null || options.budget === null || count === undefined || this.#budget.fits(byBytes))
      return byBytes;
    return cost(requestTokens(request, count));
  }

  #learn(request: ChatRequest, { input_tokens, output_tokens }: ServerAnswer): void {
    if (!input_tokens) return;
    this.#tokens += input_tokens + (output_tokens ?? 0);
    this.#ratio += (Math.max(1, inputBytes(request) / input_tokens) - this.#ratio) / 50;
  }

  /** Counts conversations in a row that came to nothing, and stops the run when there are too many. */
  #judge(status: string): void {
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

/** `3 HTTP 500, 1 refused`: how often each word is there, the most frequent first. */
function tally(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([word, count]) => `${count} ${word}`)
    .join(", ");
}
