import { LimitError } from "../errors.ts";

/**
 * Dollars that may still be spent. Before a request is sent, the most that it can cost is set aside; when it is over,
 * what it did cost is counted instead. Spent and set aside together never exceed the cap.
 */
export class Budget {
  readonly #cap: number;
  #spent: number;
  #aside = 0;
  readonly #waiting: (() => void)[] = [];

  /** `spent`: what earlier runs have spent of the same cap; null = no cap. */
  constructor(cap: number | null, spent: number) {
    this.#cap = cap ?? Number.POSITIVE_INFINITY;
    this.#spent = spent;
  }

  get spent(): number {
    return this.#spent;
  }

  /** True if so many dollars fit beside what is spent and set aside. */
  fits(usd: number): boolean {
    return this.#spent + this.#aside + usd <= this.#cap;
  }

  /**
   * Sets dollars aside, waiting for requests under way where they may leave room. Throws LimitError when nothing more is
   * under way and they do not fit.
   */
  async reserve(usd: number): Promise<void> {
    while (!this.fits(usd)) {
      if (this.#aside === 0) throw this.reached(usd);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#aside += usd;
  }

  /** A request is over: what was set aside for it is free again, but for what it did cost. */
  settle(aside: number, usd: number): void {
    this.#aside = Math.max(0, this.#aside - aside);
    if (this.#aside < 1e-12) this.#aside = 0;
    this.#spent += usd;
    for (const resume of this.#waiting.splice(0)) resume();
  }

  /** That the cap is reached, in words. */
  reached(usd: number): LimitError {
    const least = roundedUp(this.#spent + usd);
    const [cap, spent, next] = [this.#cap, this.#spent, usd].map((each) => `$${each.toFixed(each < 1 ? 4 : 2)}`);
    return new LimitError(
      `the budget of ${cap} is reached: ${spent} spent, and the next request may cost ${next}. Nothing is lost; the same command with a budget of at least $${least} goes on`,
      { budget: least },
    );
  }
}

/** Dollars rounded up to a hundredth of a cent. */
function roundedUp(usd: number): number {
  return Math.ceil(usd * 1e4 - 1e-9) / 1e4;
}
