import { calcPrice } from "@pydantic/genai-prices";
import type { Answer } from "./journal.ts";
import type { Price } from "./server-options.ts";

const OPENAI = "https://api.openai.com/v1";

/** What is publicly known of a model at a server: its price and how many tokens it takes. Both null for one's own server. */
export function knownModel(model: string, baseUrl: string = OPENAI): { price: Price | null; context: number | null } {
  // A thousand at a time: some models cost more where a request is very long.
  const priced = (usage: Record<string, number>) => calcPrice(usage, model, { providerApiUrl: baseUrl });
  const plain = priced({ input_tokens: 1000 });
  if (!plain) return { price: null, context: null };
  const input = 1000 * plain.input_price;
  const cached = 1000 * (priced({ input_tokens: 1000, cache_read_tokens: 1000 })?.input_price ?? plain.input_price);
  const output = 1000 * (priced({ output_tokens: 1000 })?.output_price ?? 0);
  // Only OpenAI's own Batch API is used here: its price is half of the other.
  return { price: { input, output, cached, batch: 0.5 }, context: plain.model.context_window ?? null };
}

/** Tokens of one request or of many. */
export type Usage = Pick<Answer, "input_tokens" | "cached_tokens" | "output_tokens" | "thinking_tokens">;

/** What tokens cost in dollars; null = no price is known. */
export function costOf(usage: Usage, price: Price | null, mode: Answer["mode"]): number | null {
  if (price === null) return null;
  const cached = usage.cached_tokens ?? 0;
  const dollars =
    ((usage.input_tokens ?? 0) - cached) * price.input +
    cached * (price.cached ?? price.input) +
    (usage.output_tokens ?? 0) * price.output;
  return (dollars * (mode === "batch" ? price.batch : 1)) / 1e6;
}
