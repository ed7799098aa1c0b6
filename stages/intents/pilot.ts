import type { Outcome } from "./program.ts";

/** What conversations that were answered really used, all their requests together, one with the other. */
export interface Pilot {
  readonly conversations: number;
  /** Requests a conversation. */
  readonly requests: number;
  readonly input_tokens: number;
  readonly cached_tokens: number;
  readonly output_tokens: number;
  /** Of these, what the model only thought. */
  readonly thinking_tokens: number;
  /** Standard error of `output_tokens`. */
  readonly output_error: number;
  /** Input tokens that the server counted, of those that were counted here for the first request of each. */
  readonly ratio: number;
}

/** So many answered conversations say what there is to know; more would take the time to count them. */
const MOST_USED = 2000;

/** Adds up what answered conversations used, the first 2,000 of them. */
export class Used {
  readonly #sum = {
    conversations: 0,
    requests: 0,
    input: 0,
    cached: 0,
    output: 0,
    thinking: 0,
    squares: 0,
    counted: 0,
  };

  /** `count`: tokens of the conversation's first request as they are counted here. */
  add({ answers }: Outcome, count: () => number): void {
    const total = (key: "input_tokens" | "cached_tokens" | "output_tokens" | "thinking_tokens") =>
      answers.reduce((sum, answer) => sum + (answer[key] ?? 0), 0);
    const input = total("input_tokens");
    if (input === 0 || this.#sum.conversations >= MOST_USED) return;
    const output = total("output_tokens");
    this.#sum.conversations++;
    this.#sum.requests += answers.length;
    this.#sum.input += input;
    this.#sum.cached += total("cached_tokens");
    this.#sum.output += output;
    this.#sum.thinking += total("thinking_tokens");
    this.#sum.squares += output ** 2;
    this.#sum.counted += count();
  }

  /** What they used, one with the other; null = the server told of none. */
  get pilot(): Pilot | null {
    const { conversations, requests, input, cached, output, thinking, squares, counted } = this.#sum;
    if (conversations === 0) return null;
    const mean = output / conversations;
    const variance = Math.max(0, squares / conversations - mean ** 2);
    return {
      conversations,
      requests: requests / conversations,
      input_tokens: input / conversations,
      cached_tokens: cached / conversations,
      output_tokens: mean,
      thinking_tokens: thinking / conversations,
      output_error: Math.sqrt(variance / conversations),
      ratio: input / counted,
    };
  }
}
