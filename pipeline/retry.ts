import type { Clock } from "./clock.ts";

/** A failure that a later try may not meet. */
export class TransientError extends Error {
  override name = "TransientError";
  /** How long whoever failed asks to be left alone, in ms. */
  readonly waitMs: number;
  constructor(message: string, options: { cause?: unknown; waitMs?: number } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.waitMs = options.waitMs ?? 0;
  }
}

/** How often and how patiently something is tried. */
export interface Patience {
  /** Failures in a row after which it is given up. */
  readonly tries: number;
  /** Back-off after the first failure, which doubles with each, and the longest, in ms. */
  readonly firstMs: number;
  readonly longestMs: number;
  readonly sleep: Clock["sleep"];
  readonly signal: AbortSignal;
  /** How far all tries together have come: a failure after progress is the first of a new row. */
  readonly progress?: () => number;
}

/**
 * Tries until it works. Waits between tries as long as it was asked to, and at least a random part of the back-off, so
 * that those who failed together do not come back together. Throws the last TransientError when it gives up, and any
 * other error at once.
 */
export async function retry<T>(attempt: () => Promise<T>, patience: Patience): Promise<T> {
  const { tries, firstMs, longestMs, sleep, signal, progress = () => 0 } = patience;
  for (let failures = 0; ; ) {
    signal.throwIfAborted();
    const before = progress();
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TransientError)) throw error;
      failures = progress() > before ? 0 : failures + 1;
      if (failures >= tries) throw error;
      const backOff = Math.random() * Math.min(longestMs, firstMs * 2 ** failures);
      await sleep(Math.max(error.waitMs, backOff), signal);
    }
  }
}
