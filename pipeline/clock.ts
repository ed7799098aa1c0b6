import { setTimeout as delay } from "node:timers/promises";

/** Time, as the code that waits for servers takes it from the world. */
export interface Clock {
  /** Milliseconds since some moment. */
  now(): number;
  /** Rejects with the signal's AbortError. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The time of the machine. */
export const realClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, { signal }),
};
