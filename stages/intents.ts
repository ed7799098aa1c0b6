/**
 * Conversations -> intents: the high-level goal of each, written by a language model that sees the whole conversation
 * ("Flipping the Dialogue", section 2.2 and appendix E), or taken from a file, or left out (the paper's ablation).
 * A conversation without a valid intent leaves with its reason. Paid answers are journalled and never asked for twice.
 */
import PQueue from "p-queue";
import { z } from "zod";
import { UsageError } from "../pipeline/errors.ts";
import type { World } from "../pipeline/plan.ts";
import { defineStage } from "../pipeline/stage.ts";
import type { Task } from "../pipeline/task.ts";
import { Conversation } from "../schemas/conversation.ts";
import { Intent } from "../schemas/intent.ts";
import type { Tally } from "../schemas/manifest.ts";
import type { Rejection } from "../schemas/rejection.ts";
import { Journal } from "./intents/journal.ts";
import { openai, serverAccess } from "./intents/openai.ts";
import { INTENT_PREFIX, loadPrompt } from "./intents/prompt.ts";
import { none, type Provider } from "./intents/provider.ts";
import { recorded } from "./intents/recorded.ts";

const IntentsOptions = z.strictObject({
  provider: z
    .enum(["openai", "recorded", "none"])
    .default("openai")
    .describe("where intents come from: an OpenAI-compatible server, a file, or nowhere"),
  recorded: z.string().nullable().default(null).describe("JSONL file with conversation_id and intent, for `recorded`"),
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
  concurrency: z.int().min(1).default(16).describe("requests at a time"),
  tries: z.int().min(1).default(6).describe("how often a request is sent before the run stops"),
  timeoutSeconds: z.number().positive().default(120).describe("longest time for one answer, body and all"),
});
type IntentsOptions = z.infer<typeof IntentsOptions>;

/** Throws UsageError if the provider cannot work: no file, or neither a key nor a server that needs none. */
function requireProvider(options: IntentsOptions, { env }: World): void {
  if (options.provider === "recorded" && options.recorded === null)
    throw new UsageError("--intents recorded needs --recorded FILE");
  if (options.intentPrompt !== null) loadPrompt(options.intentPrompt);
  if (options.provider === "openai") serverAccess(options, env);
}

async function providerFor(task: Task<IntentsOptions>, wanted: ReadonlySet<string>): Promise<Provider> {
  const { options, world, signal } = task;
  if (options.provider === "none") return none;
  if (options.provider === "recorded") {
    return recorded(options.recorded ?? "", { wanted, source: task.plan.source }, options.intentPrefix, signal);
  }
  const journal = await Journal.open(task.path("journal"), String(task.index).padStart(5, "0"));
  return openai(options, loadPrompt(options.intentPrompt), journal, world, signal);
}

const Id = Conversation.pick({ id: true });
const Asked = Conversation.pick({ id: true, turns: true });

/** Asks for every conversation of a shard, `concurrency` at a time; intents come in the order of the conversations. */
async function ask(task: Task<IntentsOptions>): Promise<Partial<Tally>> {
  const dropped = await task.dropped(["dedup"]);
  const wanted = new Set<string>();
  for await (const { id } of task.read("prepare", "conversations", Id)) if (!dropped.has(id)) wanted.add(id);
  const provider = await providerFor(task, wanted);
  const intents = await askAll(task, provider, wanted).finally(() => provider.close());
  const rejections = intents.filter(({ status }) => status !== "ok").map(rejectionOf);
  await task.write("intents", Intent, intents);
  const rejected = await task.writeRejections(rejections);
  const sum = (key: "input_tokens" | "output_tokens") =>
    intents.reduce((total, intent) => total + (intent[key] ?? 0), 0);
  return {
    taken: intents.length,
    in: intents.length,
    kept: intents.length - rejections.length,
    rejected,
    counts: { input_tokens: sum("input_tokens"), output_tokens: sum("output_tokens") },
  };
}

async function askAll(task: Task<IntentsOptions>, provider: Provider, wanted: ReadonlySet<string>): Promise<Intent[]> {
  const intents: Intent[] = [];
  const queue = new PQueue({ concurrency: provider.concurrency });
  let failure: { error: unknown } | undefined;
  let place = 0;
  let done = 0;
  for await (const conversation of conversationsOf(task, provider, wanted)) {
    if (failure) break;
    await queue.onSizeLessThan(provider.concurrency);
    const at = place++;
    void queue.add(async () => {
      try {
        if (failure) return;
        intents[at] = { conversation_id: conversation.id, ...(await provider.intentOf(conversation)) };
        task.report(++done, wanted.size, "intents");
      } catch (error) {
        failure ??= { error };
      }
    });
  }
  await queue.onIdle();
  if (failure) throw failure.error;
  return intents;
}

async function* conversationsOf(
  task: Task<IntentsOptions>,
  provider: Provider,
  wanted: ReadonlySet<string>,
): AsyncGenerator<Pick<Conversation, "id" | "turns">> {
  if (!provider.readsText) {
    for (const id of wanted) yield { id, turns: [] };
    return;
  }
  for await (const conversation of task.read("prepare", "conversations", Asked)) {
    if (wanted.has(conversation.id)) yield conversation;
  }
}

function rejectionOf({ conversation_id, status, model, origin }: Intent): Rejection {
  return {
    id: conversation_id,
    conversation_id,
    stage: "intents",
    reason: status,
    detail: JSON.stringify({ origin, model }),
  };
}

export const intents = defineStage({
  name: "intents",
  summary: "the high-level goal of each conversation",
  reads: ["prepare", "dedup"],
  unit: "conversations",
  options: IntentsOptions,
  require: requireProvider,
  files: ({ recorded, intentPrompt }) => [recorded, intentPrompt].filter((path) => path !== null),
  lasting: ["journal"],
  phases: [{ name: "ask", tasks: (plan) => plan.shards, run: ask, inMain: () => 1 }],
});
