import { z } from "zod";
import { namesFiles, operational } from "../../pipeline/setting-marks.ts";
import { ROLES } from "./import/read.ts";
import { INTENT_PREFIX } from "./prompt.ts";

/** The role of the model that writes intents. */
export const ROLE = "intents";

/** The options of the stage. */
export const IntentsOptions = z.strictObject({
  provider: z
    .enum(["openai", "batch", "import", "recorded", "none"])
    .default("openai")
    .describe(
      "where intents come from: an OpenAI-compatible server, OpenAI's Batch API, what somebody published, a file of one's own, or nowhere",
    ),
  recorded: namesFiles(
    z.string().nullable().default(null).describe("JSONL file with conversation_id and intent, for `recorded`"),
  ),
  import: namesFiles(
    z
      .array(z.string())
      .default([])
      .describe(
        "published intents, for `import`: Parquet or JSONL files, globs, folders, or hf://datasets/<owner>/<name>@<revision>/<path>",
      ),
    "file,…",
  ),
  importColumns: z
    .strictObject(Object.fromEntries(ROLES.map((role) => [role, z.string().optional()])))
    .nullable()
    .default(null)
    .describe(
      "which column of the published intents holds what, such as id=chat_id,intent=goal,text=first_prompt; also text_sha256, model",
    ),
  intentPrompt: namesFiles(
    z
      .string()
      .nullable()
      .default(null)
      .describe("file with another prompt; [CONVERSATION] stands where the conversation goes"),
  ),
  intentPrefix: z.string().default(INTENT_PREFIX).describe("how every intent must start; empty = no check"),
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
  answers: operational(
    namesFiles(
      z
        .array(z.string())
        .default([])
        .describe(
          "folders of other runs, or of their journals, whose answers to the same requests are used and not paid for again; they are only read",
        ),
      "folder",
    ),
  ),
  unanswered: z
    .enum(["stop", "reject"])
    .default("stop")
    .describe("conversations without an answer after all tries: stop at the end, or reject them"),
});
export type IntentsOptions = z.infer<typeof IntentsOptions>;

/** True if a language model writes the intents, so that they cost something. */
export function isAsked(provider: IntentsOptions["provider"]): boolean {
  return provider === "openai" || provider === "batch";
}
