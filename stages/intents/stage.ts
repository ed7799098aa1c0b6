/**
 * Conversations -> intents: the high-level goal of each, written by a language model that sees the whole conversation
 * ("Flipping the Dialogue", section 2.2 and appendix E), or taken from a file, or left out (the paper's ablation).
 * A conversation without a valid intent leaves with its reason. Paid answers are journalled and never asked for twice:
 * `ask` sees to it that the journal has them all, `judge` makes the rows of a shard of it.
 */
import { join } from "node:path";
import type { z } from "zod";
import { UsageError } from "../../pipeline/errors.ts";
import { withSmallHeap } from "../../pipeline/heap.ts";
import { Journal } from "../../pipeline/models/journal.ts";
import type { World } from "../../pipeline/plan.ts";
import { defineStage } from "../../pipeline/stage.ts";
import type { Task } from "../../pipeline/task.ts";
import { Conversation } from "../../schemas/conversation.ts";
import { Intent } from "../../schemas/intent.ts";
import type { Tally } from "../../schemas/manifest.ts";
import type { Rejection } from "../../schemas/rejection.ts";
import { generated } from "./generated.ts";
import { IMPORT, localFiles, pinImports } from "./import/files.ts";
import { IMPORTED, imported, joinImports } from "./import/join.ts";
import { IntentsOptions, UNHASHED } from "./options.ts";
import { loadPrompt } from "./prompt.ts";
import { none, type Provider, type Reply } from "./provider.ts";
import { measure } from "./quality.ts";
import { recorded } from "./recorded.ts";

/** Folder of the stage that holds what was paid for. */
export const JOURNAL = "journal";

/** What speaks with a language model, loaded where one is asked: its packages are large. */
const asking = () => import("./ask.ts");

/** Throws UsageError if the provider cannot work: no file, or neither a key nor a server that needs none. */
async function requireProvider(options: IntentsOptions, { env }: World): Promise<void> {
  if (options.provider === "recorded" && options.recorded === null)
    throw new UsageError("--intents recorded needs --recorded FILE");
  if (options.provider === "import" && options.import.length === 0)
    throw new UsageError("--intents import needs --import FILE,… or --import hf://datasets/<owner>/<name>/<path>");
  if (options.intentPrompt !== null) loadPrompt(options.intentPrompt);
  if (["openai", "batch"].includes(options.provider)) (await asking()).requireServer(options, env);
}

/** Sees to it that all that the provider needs is there. */
async function ask(task: Task<IntentsOptions>): Promise<Partial<Tally>> {
  const { options, world, signal } = task;
  if (options.provider === "import") return joinImports(task);
  if (options.provider !== "openai" && options.provider !== "batch") return {};
  const { askByBatch, askFor, conversationsLeft, requireAnswers } = await asking();
  const total = (await task.manifest("dedup")).kept;
  const journal = await Journal.open(task.path(JOURNAL));
  try {
    if (options.provider === "batch") await askByBatch(task, journal, join(task.path(JOURNAL), "batches"));
    const report = (done: number, note: string) => task.report(done, total, "intents", note);
    const parts = { options, journal, world, signal, total, report };
    const { unanswered } = await askFor(conversationsLeft(task), parts);
    requireAnswers(unanswered, options);
  } finally {
    journal.close();
  }
  return {};
}

/** The journals that this thread has open: reading one anew for every shard would take longer than the shard. */
const journals = new Map<string, Journal>();

function journalOf(task: Task<IntentsOptions>): Journal {
  const path = task.path(JOURNAL);
  const known = journals.get(path);
  if (known?.isCurrent) return known;
  known?.close();
  journals.delete(path);
  const open = Journal.read(path);
  if (!open) throw new UsageError(`${path}: no journal; task 0 of intents asks for the answers`);
  journals.set(path, open);
  return open;
}

async function providerFor(task: Task<IntentsOptions>, wanted: ReadonlySet<string>): Promise<Provider> {
  const { options, world, signal } = task;
  switch (options.provider) {
    case "none":
      return none;
    case "import":
      return imported(task);
    case "recorded":
      return recorded(options.recorded ?? "", { wanted, source: task.plan.source }, options.intentPrefix, signal);
    default:
      return generated((await asking()).questionOf(options, world.env), journalOf(task));
  }
}

const Asked = Conversation.pick({ id: true, turns: true });

/** The conversations of the shard; without their turns where no intent is made of them. */
async function* askedOf(task: Task<IntentsOptions>): AsyncGenerator<z.infer<typeof Asked>> {
  if (task.options.provider !== "none") yield* task.read("prepare", "conversations", Asked);
  else
    for await (const { id } of task.read("prepare", "conversations", Asked.pick({ id: true }))) yield { id, turns: [] };
}

/** The intents of one shard, in the order of its conversations. */
async function judge(task: Task<IntentsOptions>): Promise<Partial<Tally>> {
  const dropped = await task.dropped(["dedup"]);
  const wanted = new Set<string>();
  for await (const { id } of task.read("prepare", "conversations", Asked.pick({ id: true })))
    if (!dropped.has(id)) wanted.add(id);
  const provider = await providerFor(task, wanted);
  const rejections: Rejection[] = [];
  const tokens = { input_tokens: 0, output_tokens: 0 };
  async function* rows(): AsyncGenerator<Intent> {
    for await (const conversation of askedOf(task)) {
      if (!wanted.has(conversation.id)) continue;
      const { detail, ...reply } = provider.intentOf(conversation);
      const intent = rowOf(conversation, reply, task.options);
      if (intent.status !== "ok") rejections.push(rejectionOf(intent, detail));
      tokens.input_tokens += intent.input_tokens ?? 0;
      tokens.output_tokens += intent.output_tokens ?? 0;
      yield intent;
    }
  }
  const all = await task.write("intents", Intent, rows());
  const rejected = await task.writeRejections(rejections);
  return { taken: all, in: all, kept: all - rejections.length, rejected, counts: tokens };
}

function rowOf({ id, turns }: Pick<Conversation, "id" | "turns">, reply: Reply, options: IntentsOptions): Intent {
  const quality = measure(reply.intent, turns, options);
  const isDropped = reply.status === "ok" && quality.specificity === "specified" && options.specified === "drop";
  return { conversation_id: id, ...reply, ...quality, ...(isDropped && { status: "specified" }) };
}

function rejectionOf(intent: Intent, detail: Record<string, unknown> = {}): Rejection {
  const { conversation_id, status, model, origin } = intent;
  return {
    id: conversation_id,
    conversation_id,
    stage: "intents",
    reason: status,
    detail: JSON.stringify({ origin, model, ...detail }),
  };
}

export const intents = defineStage({
  name: "intents",
  summary: "the high-level goal of each conversation",
  reads: ["prepare", "dedup"],
  unit: "conversations",
  options: IntentsOptions,
  unhashed: UNHASHED,
  require: requireProvider,
  pin: async (options, world) =>
    options.provider === "import" ? { ...options, import: await pinImports(options.import, world) } : options,
  files: ({ provider, recorded, intentPrompt, import: published }) =>
    provider === "import" ? localFiles(published) : [recorded, intentPrompt].filter((path) => path !== null),
  lasting: [JOURNAL, IMPORT],
  isIntermediate: (name) => name.startsWith(`${IMPORTED}-`),
  phases: [
    { name: "ask", tasks: () => 1, run: (task) => withSmallHeap(() => ask(task)), inMain: () => 1 },
    { name: "judge", tasks: (plan) => plan.shards, run: (task) => withSmallHeap(() => judge(task)) },
  ],
});
