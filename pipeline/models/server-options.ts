import { z } from "zod";
import { decisive, operational } from "../setting-marks.ts";

const dollars = z.coerce.number().min(0);

/** Dollars for a million tokens. */
export const Price = z.strictObject({
  input: dollars,
  output: dollars,
  /** Input that the server had in its cache; the same as `input` where it is left out. */
  cached: dollars.optional(),
  /** What the Batch API asks, as a share of the price. */
  batch: dollars.default(0.5),
});
export type Price = z.infer<typeof Price>;

/** A language model in one role: which it is, where it is asked, and what asking it may take. The same for every role. */
export const ServerOptions = z.strictObject({
  model: z.string().min(1).describe("name of the model, as the server knows it"),
  baseUrl: z
    .string()
    .nullable()
    .default(null)
    .describe("address of an OpenAI-compatible server; default: OPENAI_BASE_URL, else OpenAI"),
  temperature: z.number().min(0).max(2).nullable().default(0).describe("sampling temperature; null = the server's own"),
  maxOutputTokens: z.int().min(1).default(200).describe("most tokens of an answer"),
  tokenLimitName: z
    .enum(["max_completion_tokens", "max_tokens"])
    .default("max_completion_tokens")
    .describe("what the server calls that limit"),
  request: z
    .record(z.string(), z.json())
    .default({})
    .describe('more fields of every request, as JSON, such as {"reasoning_effort":"low"}'),
  contextTokens: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe("tokens that the model takes at a time: never more are sent; default: as known for the model"),
  budget: operational(
    z.number().min(0).nullable().default(null).describe("dollars that may be spent on it in all, in one run"),
  ),
  price: operational(
    Price.nullable()
      .default(null)
      .describe(
        "dollars for a million tokens, such as input=2.5,output=10,cached=1.25; default: as known for the model",
      ),
  ),
  concurrency: operational(z.int().min(1).default(64).describe("most requests at a time")),
  requestsPerMinute: operational(
    z
      .number()
      .positive()
      .nullable()
      .default(null)
      .describe("requests a minute that are never exceeded; default: as the server says"),
  ),
  tokensPerMinute: operational(
    z
      .number()
      .positive()
      .nullable()
      .default(null)
      .describe("tokens a minute that are never exceeded; default: as the server says"),
  ),
  tries: operational(z.int().min(1).default(6).describe("how often a request is sent before it is given up")),
  maxFailures: operational(
    z.int().min(1).default(50).describe("conversations in a row without a usable answer after which the run stops"),
  ),
  timeoutSeconds: operational(z.number().positive().default(120).describe("longest time for one answer, body and all")),
  batchRequests: operational(z.int().min(1).max(50_000).default(50_000).describe("most requests of a batch")),
  batchMegabytes: operational(z.number().positive().max(200).default(190).describe("most megabytes of a batch's file")),
  enqueuedTokens: operational(
    z
      .number()
      .positive()
      .nullable()
      .default(null)
      .describe("most tokens in batches at a time; default: as the server says when it has no room"),
  ),
  batchFiles: operational(
    z
      .enum(["delete", "keep"])
      .default("delete")
      .describe("files of batches at the server, once their answers are here: delete them, or keep them there"),
  ),
  batchTail: operational(
    z
      .int()
      .min(0)
      .default(50)
      .describe("with so many requests left, or fewer, batches end and the rest is asked for one by one"),
  ),
});
export type ServerOptions = z.infer<typeof ServerOptions>;

/** What decides the answers of the models in some roles. */
export function decisiveModels(models: Readonly<Record<string, Record<string, unknown>>>) {
  const shown = Object.entries(models).map(([role, settings]) => [role, decisive(ServerOptions, settings)] as const);
  return Object.fromEntries(shown);
}
