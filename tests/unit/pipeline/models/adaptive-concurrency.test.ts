import { beforeEach, describe, expect, test } from "vitest";
import type { Clock } from "../../../../pipeline/clock.ts";
import { LimitError, RemoteError } from "../../../../pipeline/errors.ts";
import {
  AdaptiveConcurrency,
  type ConcurrencyLimits,
  durationMs,
  type Ticket,
} from "../../../../pipeline/models/adaptive-concurrency.ts";

const { signal } = new AbortController();
let now: number;
const clock: Clock = {
  now: () => now,
  async sleep(ms) {
    now += ms;
  },
};

beforeEach(() => {
  now = 1_000_000;
});

function adaptive(limits: Partial<ConcurrencyLimits> = {}): AdaptiveConcurrency {
  return new AdaptiveConcurrency(
    { concurrency: 64, requestsPerMinute: null, tokensPerMinute: null, timeoutMs: 120_000, ...limits },
    clock,
    "http://server",
  );
}

/** What a server with these limits says: so much is left of both, whole again in a while. */
function limitHeaders(
  requests: number,
  tokens: number,
  left = { requests: requests - 1, tokens: tokens - 1 },
): Headers {
  const reset = (limit: number, remaining: number) => `${Math.round(((limit - remaining) / limit) * 60_000)}ms`;
  return new Headers({
    "x-ratelimit-limit-requests": String(requests),
    "x-ratelimit-limit-tokens": String(tokens),
    "x-ratelimit-remaining-requests": String(left.requests),
    "x-ratelimit-remaining-tokens": String(left.tokens),
    "x-ratelimit-reset-requests": reset(requests, left.requests),
    "x-ratelimit-reset-tokens": reset(tokens, left.tokens),
  });
}

/** Requests one after the other, each answered at once: how many seconds they took. */
async function secondsFor(each: AdaptiveConcurrency, requests: number, tokens = 1): Promise<number> {
  const started = now;
  for (let sent = 0; sent < requests; sent++) {
    const ticket = await each.acquire(tokens, signal);
    each.onAnswer(ticket);
    each.release();
  }
  return (now - started) / 1000;
}

/** Answers windows of as many requests as may be under way, each after `ms`. Returns the width after it. */
async function windows(each: AdaptiveConcurrency, count: number, ms: number): Promise<number> {
  for (let done = 0; done < count; done++) {
    const tickets: Ticket[] = [];
    for (let open = each.width; open > 0; open--) tickets.push(await each.acquire(1, signal));
    now += ms;
    for (const ticket of tickets) {
      each.onAnswer(ticket);
      each.release();
    }
  }
  return each.width;
}

describe("the rate", () => {
  test("is that of the server's headers, for requests and for tokens", async () => {
    const byRequests = adaptive();
    byRequests.observeHeaders(limitHeaders(600, 1e9));
    expect(await secondsFor(byRequests, 600)).toBeCloseTo(59, 0);
    const byTokens = adaptive();
    byTokens.observeHeaders(limitHeaders(1e6, 60_000));
    expect(await secondsFor(byTokens, 60, 1000)).toBeCloseTo(58, 0);
  });

  test("is never above the user's own, whatever the server allows", async () => {
    const each = adaptive({ requestsPerMinute: 120 });
    each.observeHeaders(limitHeaders(10_000, 1e9));
    expect(await secondsFor(each, 240)).toBeGreaterThan(117);
    const tokens = adaptive({ tokensPerMinute: 6000 });
    expect(await secondsFor(tokens, 120, 100)).toBeGreaterThan(117);
  });

  test("is that of the server where the user allows more", async () => {
    const each = adaptive({ requestsPerMinute: 10_000 });
    each.observeHeaders(limitHeaders(60, 1e9));
    expect(await secondsFor(each, 60)).toBeGreaterThan(57);
  });

  test("of a limit for a day is known by its reset", () => {
    const each = adaptive();
    each.observeHeaders(
      new Headers({
        "x-ratelimit-limit-requests": "1440",
        "x-ratelimit-remaining-requests": "1439",
        "x-ratelimit-reset-requests": "1m0s",
      }),
    );
    expect(each.perMinute.requests).toBe(1);
  });

  test.each(["-1", "0", "many"])("ignores a limit that makes no sense: %s", (limit) => {
    const each = adaptive();
    each.observeHeaders(new Headers({ "x-ratelimit-limit-tokens": limit, "x-ratelimit-remaining-tokens": "-1" }));
    expect(each.perMinute.tokens).toBe(Number.POSITIVE_INFINITY);
  });

  test("waits for the reset when nothing is left", async () => {
    const each = adaptive();
    each.observeHeaders(limitHeaders(600, 1e6, { requests: 300, tokens: 0 }));
    expect(await secondsFor(each, 1)).toBe(60);
  });
});

describe("the number at a time", () => {
  test("begins low at a server that tells no limits, and doubles while its answers come as fast", async () => {
    const each = adaptive();
    expect(each.width).toBe(8);
    expect(await windows(each, 1, 100)).toBeGreaterThanOrEqual(12);
    expect(await windows(each, 4, 100)).toBe(64);
  });

  test("is as high as allowed at once where the server tells its limits", () => {
    const each = adaptive();
    each.observeHeaders(limitHeaders(600, 1e6));
    expect(each.width).toBe(64);
  });

  test("stops doubling when answers take four times as long, and shrinks when they take half of the time limit", async () => {
    const each = adaptive({ timeoutMs: 10_000 });
    const before = await windows(each, 1, 100);
    const slow = await windows(each, 3, 1000);
    expect(slow).toBeLessThan(before * 2);
    expect(await windows(each, 6, 8000)).toBeLessThan(slow);
  });

  test("is halved once by many timeouts of one time, and again by those of a later time", async () => {
    const each = adaptive();
    await windows(each, 6, 100);
    expect(each.width).toBe(64);
    const [first, second] = [await each.acquire(1, signal), await each.acquire(1, signal)];
    now += 1000;
    each.onTimeout(first);
    each.onTimeout(second);
    expect(each.width).toBe(32);
    now += 1;
    const later = await each.acquire(1, signal);
    now += 1;
    each.onTimeout(later);
    expect(each.width).toBe(16);
  });
});

describe("too many requests (429)", () => {
  test("halves rate and number at a time once an episode, and both grow back slowly", async () => {
    const each = adaptive();
    each.observeHeaders(limitHeaders(6000, 1e9));
    const tickets = [await each.acquire(1, signal), await each.acquire(1, signal), await each.acquire(1, signal)];
    now += 10;
    for (const ticket of tickets) {
      each.onRateLimit(ticket, 1000);
      each.release();
    }
    expect(each.width).toBe(32);
    expect(each.perMinute.requests).toBe(3000);
    const after = await windows(each, 1, 100);
    expect(after).toBeLessThanOrEqual(34);
    expect(await windows(each, 80, 100)).toBe(64);
    expect(each.perMinute.requests).toBeCloseTo(6000, -2);
  });

  test("makes everybody wait for as long as it says, a minute at most", async () => {
    const each = adaptive();
    const ticket = await each.acquire(1, signal);
    each.onRateLimit(ticket, 5000);
    each.release();
    const before = now;
    const again = await each.acquire(1, signal);
    expect(now - before).toBe(5000);
    each.onRateLimit(again, 1e9);
    each.release();
    const then = now;
    await each.acquire(1, signal);
    expect(now - then).toBe(60_000);
  });

  test("for half an hour without a success stops the run; one success begins the half hour anew", async () => {
    const each = adaptive();
    const refuse = async (minutes: number) => {
      for (let at = 0; at < minutes; at++) {
        const ticket = await each.acquire(1, signal);
        each.onRateLimit(ticket, 60_000);
        each.release();
      }
    };
    await refuse(29);
    each.onAnswer(await each.acquire(1, signal));
    each.release();
    await refuse(29);
    await expect(refuse(3)).rejects.toThrow(LimitError);
  });
});

describe("a server out of reach", () => {
  test("lets one request at a time try it", async () => {
    const each = adaptive();
    each.onAnswer(await each.acquire(1, signal));
    each.release();
    const tickets = [await each.acquire(1, signal), await each.acquire(1, signal)];
    for (const ticket of tickets) {
      each.onDown(ticket, "ECONNREFUSED", 6);
      each.release();
    }
    expect(each.width).toBe(1);
    each.onAnswer(await each.acquire(1, signal));
    expect(each.width).toBeGreaterThan(1);
  });

  test("that never answered is given up after the tries; one that did, after ten minutes", async () => {
    const never = adaptive();
    const lose = async (each: AdaptiveConcurrency) => {
      const ticket = await each.acquire(1, signal);
      now += 1;
      each.onDown(ticket, "ECONNREFUSED", 3);
      each.release();
    };
    await lose(never);
    await lose(never);
    await expect(lose(never)).rejects.toThrow(RemoteError);
    const once = adaptive();
    once.onReached();
    const started = now;
    await expect(
      (async () => {
        for (;;) {
          await lose(once);
          now += 10_000;
        }
      })(),
    ).rejects.toThrow(RemoteError);
    expect(now - started).toBeGreaterThan(600_000);
  });
});

test.each([
  ["12ms", 12],
  ["1s", 1000],
  ["6m0s", 360_000],
  ["1h2m3.5s", 3_723_500],
  ["7", 7000],
  ["0.25", 250],
  ["soon", null],
  ["", null],
  [null, null],
])("the reset %j is %j ms", (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});
