/**
 * When a request may be sent. The number at a time and the requests and tokens a minute are learned: from the
 * `x-ratelimit-*` headers where the server sends them, else from how fast it answers; never beyond the user's own limits.
 * A refusal (429) or a timeout halves them once an episode, and they grow back slowly. A server that cannot be reached
 * holds everything back but one request at a time that tries it.
 */

import type { Clock } from "../clock.ts";
import { LimitError, RemoteError } from "../errors.ts";

/** Limits that are never exceeded. */
export interface ConcurrencyLimits {
  readonly concurrency: number;
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  readonly timeoutMs: number;
}

/** A request that may be sent. */
export type Ticket = { readonly sentAt: number; readonly tokens: number };

/** The longest time that a server can make us wait at a time. */
export const LONGEST_WAIT_MS = 60_000;
/** Refused for so long without one success, a run stops. */
const REFUSED_MS = 30 * 60_000;
/** Out of reach for so long, a run stops. */
const DOWN_MS = 10 * 60_000;
/** Requests at a time to begin with at a server that does not tell its limits. */
const FIRST_WIDTH = 8;
/** What may be sent at once after a silence, of the limit a minute. */
const BURST_MS = 1000;

/** Decides when requests may be sent. `place` names the server in messages. */
export class AdaptiveConcurrency {
  readonly #limits: ConcurrencyLimits;
  readonly #clock: Clock;
  readonly #place: string;
  #width: number;
  #isStarting = true;
  #share = 1;
  #told = { requests: Number.POSITIVE_INFINITY, tokens: Number.POSITIVE_INFINITY };
  #isTold = false;
  #inFlight = 0;
  /** The most at a time in the last window of as many answers as may be under way. */
  #peak = 0;
  #sinceWindow = 0;
  #queue: Promise<void> = Promise.resolve();
  #freed: (() => void) | null = null;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #nextRequest = Number.NEGATIVE_INFINITY;
  #nextTokens = Number.NEGATIVE_INFINITY;
  #episode = Number.NEGATIVE_INFINITY;
  #refusedSince: number | null = null;
  #downSince: number | null = null;
  #downAt = Number.NEGATIVE_INFINITY;
  #downTries = 0;
  #wasReached = false;
  #latency: number | null = null;
  #best = Number.POSITIVE_INFINITY;

  constructor(limits: ConcurrencyLimits, clock: Clock, place: string) {
    this.#limits = limits;
    this.#clock = clock;
    this.#place = place;
    this.#width = Math.min(FIRST_WIDTH, limits.concurrency);
  }

  /** Requests that may be under way at this moment. */
  get width(): number {
    return this.#downSince === null ? Math.max(1, Math.floor(this.#width)) : 1;
  }

  /** Requests and tokens a minute at this moment; infinite = no limit is known. */
  get perMinute(): { requests: number; tokens: number } {
    const { requestsPerMinute, tokensPerMinute } = this.#limits;
    const own = {
      requests: requestsPerMinute ?? Number.POSITIVE_INFINITY,
      tokens: tokensPerMinute ?? Number.POSITIVE_INFINITY,
    };
    return {
      requests: this.#share * Math.min(this.#told.requests, own.requests),
      tokens: this.#share * Math.min(this.#told.tokens, own.tokens),
    };
  }

  /** Waits until a request of about so many tokens may be sent, first come first served. */
  async acquire(tokens: number, signal: AbortSignal): Promise<Ticket> {
    const before = this.#queue;
    let leave = () => {};
    this.#queue = new Promise((resolve) => {
      leave = resolve;
    });
    await before;
    try {
      await this.#admission(tokens, signal);
      this.#inFlight++;
      this.#peak = Math.max(this.#peak, this.#inFlight);
      return { sentAt: this.#clock.now(), tokens };
    } finally {
      leave();
    }
  }

  /** A request came back, whatever it brought. */
  release(): void {
    this.#inFlight--;
    this.#freed?.();
  }

  /** The server answered as it should. */
  onAnswer({ sentAt }: Ticket): void {
    this.onReached();
    this.#refusedSince = null;
    const took = this.#clock.now() - sentAt;
    this.#latency = this.#latency === null ? took : this.#latency + (took - this.#latency) / Math.max(4, this.#width);
    this.#best = Math.min(this.#best, this.#latency);
    if (this.#latency > this.#limits.timeoutMs / 2) {
      this.#narrow(sentAt, 0.875);
      return;
    }
    if (this.#latency > 4 * this.#best) this.#isStarting = false;
    // A width that is not made use of tells nothing of a greater one.
    if (2 * this.#peak >= this.#width)
      this.#width = Math.min(this.#limits.concurrency, this.#width + (this.#isStarting ? 1 : 1 / this.#width));
    this.#share = Math.min(1, this.#share + 0.01 / this.#width);
    if (++this.#sinceWindow < this.#width) return;
    this.#sinceWindow = 0;
    this.#peak = this.#inFlight;
  }

  /** The server refused because of too many requests, and may have said how long to wait. Throws LimitError after half an hour of it. */
  onRateLimit(ticket: Ticket, waitMs: number | null): void {
    this.onReached();
    const now = this.#clock.now();
    this.#refusedSince ??= now;
    if (now - this.#refusedSince >= REFUSED_MS) {
      throw new LimitError(
        `${this.#place}: 30 minutes of "too many requests" without one answer; what is done is kept, run the same command again to go on`,
      );
    }
    const isNew = ticket.sentAt >= this.#episode;
    this.#narrow(ticket.sentAt, 0.5);
    const wait = waitMs ?? Math.random() * Math.min(LONGEST_WAIT_MS, 1000 / this.#share);
    if (isNew || waitMs !== null) this.#pause(wait);
  }

  /** No answer came in time. */
  onTimeout({ sentAt }: Ticket): void {
    this.#narrow(sentAt, 0.5);
  }

  /** The server cannot be reached. Throws RemoteError when it has been so for long, or was never there. */
  onDown({ sentAt }: Ticket, why: string, tries: number): void {
    const now = this.#clock.now();
    // Those that were under way at the same time tell nothing new.
    if (sentAt < this.#downAt) return;
    this.#downAt = now;
    this.#downSince ??= now;
    this.#downTries++;
    const isOver = this.#wasReached ? now - this.#downSince >= DOWN_MS : this.#downTries >= tries;
    if (isOver) {
      throw new RemoteError(
        `${this.#place}: gave up after ${this.#downTries} tries: connection failed (${why}); run the same command again to go on`,
      );
    }
    this.#pause(Math.random() * Math.min(30_000, 500 * 2 ** this.#downTries));
  }

  /** The server answered something, so it is there. */
  onReached(): void {
    this.#wasReached = true;
    this.#downSince = null;
    this.#downTries = 0;
  }

  /** What the server tells of its limits. */
  observeHeaders(headers: Headers): void {
    const requests = limitIn(headers, "requests");
    const tokens = limitIn(headers, "tokens");
    if (requests) this.#told.requests = requests.perMinute;
    if (tokens) this.#told.tokens = tokens.perMinute;
    if ((requests || tokens) && !this.#isTold) {
      // The server watches over the rate, so there is no need to feel for the number at a time.
      this.#isTold = true;
      if (this.#isStarting) this.#width = this.#limits.concurrency;
    }
    const empty = [requests, tokens].filter((each) => each?.remaining === 0).map((each) => each?.resetMs ?? 0);
    if (empty.length > 0) this.#pause(Math.max(...empty));
  }

  async #admission(tokens: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#inFlight >= this.width) {
        await this.#slot(signal);
        continue;
      }
      const now = this.#clock.now();
      const wait = Math.max(this.#pausedUntil, this.#nextRequest - BURST_MS, this.#nextTokens - BURST_MS) - now;
      if (wait <= 0) break;
      await this.#clock.sleep(Math.ceil(wait), signal);
    }
    const now = this.#clock.now();
    const rate = this.perMinute;
    this.#nextRequest = Math.max(this.#nextRequest, now) + 60_000 / rate.requests;
    this.#nextTokens = Math.max(this.#nextTokens, now) + (60_000 * tokens) / rate.tokens;
  }

  #slot(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = () => reject(signal.reason);
      signal.addEventListener("abort", stop, { once: true });
      this.#freed = () => {
        this.#freed = null;
        signal.removeEventListener("abort", stop);
        resolve();
      };
    });
  }

  /** Narrows once an episode: requests that were sent before the last narrowing tell nothing new. */
  #narrow(sentAt: number, factor: number): void {
    this.#isStarting = false;
    if (sentAt < this.#episode) return;
    this.#episode = this.#clock.now();
    this.#width = Math.max(1, this.#width * factor);
    this.#share = Math.max(1 / 64, this.#share * factor);
  }

  #pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + Math.min(ms, LONGEST_WAIT_MS));
  }
}

/** What the headers tell of one limit; null = nothing that makes sense. */
function limitIn(headers: Headers, what: "requests" | "tokens") {
  const read = (name: string) => headers.get(`x-ratelimit-${name}-${what}`);
  const limit = Number(read("limit") ?? Number.NaN);
  const remaining = Number(read("remaining") ?? Number.NaN);
  const resetMs = durationMs(read("reset"));
  if (!(limit > 0) || !(remaining >= 0)) return null;
  // The reset is the time until the limit is whole again: far above a minute, the limit is one for a day.
  const used = limit - remaining;
  const periodMs = resetMs !== null && used > 0 ? (resetMs * limit) / used : 60_000;
  return { perMinute: periodMs > 5 * 60_000 ? limit / 1440 : limit, remaining, resetMs: resetMs ?? 0 };
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `6m0s`, `12ms`, `1.5s` or a number of seconds, in ms; null = none of these. */
export function durationMs(text: string | null): number | null {
  if (text === null || text.trim() === "") return null;
  if (/^\d+(\.\d+)?$/.test(text)) return 1000 * Number(text);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join("") !== text) return null;
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (UNITS[unit ?? ""] ?? 0), 0);
}
