import { type Clock, realClock } from "./clock.ts";

/** What code takes from outside itself; tests put plain objects here. */
export interface Environment {
  readonly env: NodeJS.ProcessEnv;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
}

/** The real environment, but for what is given. */
export function realEnvironment(given: Partial<Environment> = {}): Environment {
  return { env: process.env, fetch: globalThis.fetch, clock: realClock, ...given };
}
