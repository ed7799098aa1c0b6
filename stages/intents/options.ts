import { z } from "zod";
import { ROLES } from "./import/read.ts";
import { INTENT_PREFIX } from "./prompt.ts";

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

/** The options of the stage. */
export const IntentsOptions = z.strictObject({
  provider: z
    .enum(["openai", "batch", "import", "recorded", "none"])
    .default("openai")
    .describe(
      "where intents come from: an OpenAI-compatible server, OpenAI's Batch API, what somebody published, a file of one's own, or nowhere",
    ),
  recorded: z.string().nullable().default(null).describe("JSONL file with conversation_id and intent, for `recorded`"),
  import: z
    .array(z.string())
    .default([])
    .describe(
      "published intents, for `import`: Parquet or JSONL files, globs, folders, or hf://datasets/<owner>/<name>@<revision>/<path>",
    ),
  importColumns: z
    .strictObject(Object.fromEntries(ROLES.map((role) => [role, z.string().optional()])))
    .nullable()
    .default(null)
    .describe(
      "which column of the published intents holds what, such as id=chat_id,intent=goal,text=first_prompt; also text_sha256, model",
    ),
  model: z.string().default("gpt-4o").describe("model that writes the intents"),
  baseUrl: z
    .string()
    .nullable()
    .default(null)
    .describe("address of an OpenAI-compatible server; default: OPENAI_BASE_URL, else OpenAI"),
  intentPrompt: z
    .string()
    .nullable()
    .default(null)
    .describe("file with another prompt; [CONVERSATION] stands where the conversation goes"),
  intentPrefix: z.string().default(INTENT_PREFIX).describe("how every intent must start; empty = no check"),
  temperature: z.number().min(0).max(2).nullable().default(0).describe("sampling temperature; null = the server's own"),
  maxOutputTokens: z.int().min(1).default(200).describe("most tokens of an answer"),
  tokenLimitName: z
    .enum(["max_completion_tokens", "max_tokens"])
    .default("max_completion_tokens")
    .describe("what the server calls that limit"),
  contextTokens: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe("tokens that the model takes at a time; default: as known for the model"),
  maxIntentWords: z.int().min(1).default(100).describe("words that an intent may have"),
  specified: z
    .enum(["keep", "drop"])
    .default("keep")
    .describe("intents that give away details: keep them, as published, or drop them"),
  specifiedCopy: z
    .int()
    .min(1)
    .default(8)
    .describe("words in a row copied from the user that make an intent a specified one"),
  specifiedShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.8)
    .describe("share of its content words found in the user turns above which an intent is a specified one"),
  specifiedWords: z
    .int()
    .min(1)
    .default(8)
    .describe("content words that an intent must have for that share to tell anything"),
  unanswered: z
    .enum(["stop", "reject"])
    .default("stop")
    .describe("conversations without an answer after all tries: stop at the end, or reject them"),
  budget: z.number().min(0).nullable().default(null).describe("dollars that may be spent in all on this run's intents"),
  price: Price.nullable()
    .default(null)
    .describe("dollars for a million tokens, such as input=2.5,output=10,cached=1.25; default: as known for the model"),
  concurrency: z.int().min(1).default(64).describe("most requests at a time"),
  requestsPerMinute: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe("requests a minute that are never exceeded; default: as the server says"),
  tokensPerMinute: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe("tokens a minute that are never exceeded; default: as the server says"),
  tries: z.int().min(1).default(6).describe("how often a request is sent before its conversation is given up"),
  maxFailures: z
    .int()
    .min(1)
    .default(50)
    .describe("conversations in a row without a usable answer after which the run stops"),
  batchRequests: z.int().min(1).max(50_000).default(50_000).describe("most requests of a batch"),
  batchMegabytes: z.number().positive().max(200).default(190).describe("most megabytes of a batch's file"),
  enqueuedTokens: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe("most tokens in batches at a time; default: as the server says when it has no room"),
  batchTail: z
    .int()
    .min(0)
    .default(50)
    .describe("with so many requests left, or fewer, batches end and the rest is asked for one by one"),
  timeoutSeconds: z.number().positive().default(120).describe("longest time for one answer, body and all"),
});
export type IntentsOptions = z.infer<typeof IntentsOptions>;

/** Options that decide how answers are come by, and nothing of what is written. */
export const UNHASHED = [
  "budget",
  "price",
  "concurrency",
  "requestsPerMinute",
  "tokensPerMinute",
  "tries",
  "maxFailures",
  "timeoutSeconds",
  "batchRequests",
  "batchMegabytes",
  "enqueuedTokens",
  "batchTail",
] as const satisfies (keyof IntentsOptions)[];
