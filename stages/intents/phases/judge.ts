import { NotReadyError } from "../../../pipeline/errors.ts";
import { Journal } from "../../../pipeline/models/journal.ts";
import type { Task } from "../../../pipeline/task.ts";
import type { Conversation } from "../../../schemas/conversation.ts";
import type { Intent } from "../../../schemas/intent.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import type { Rejection } from "../../../schemas/rejection.ts";
import { deduplicated } from "../../dedup/artefacts.ts";
import { prepared } from "../../prepare/artefacts.ts";
import { conditioned, JOURNAL } from "../artefacts.ts";
import { generated } from "../generated.ts";
import { imported } from "../import/join.ts";
import type { IntentsOptions } from "../options.ts";
import { none, type Provider, type Reply } from "../provider.ts";
import { measureIntent } from "../quality.ts";
import { recorded } from "../recorded.ts";

type Asked = Pick<Conversation, "id" | "turns">;

/** The intents of one shard, in the order of its conversations. */
export async function judge(task: Task<IntentsOptions>): Promise<Partial<Tally>> {
  const dropped = await task.dropped([deduplicated.rejections]);
  const wanted = new Set<string>();
  for await (const { id } of task.read(prepared.conversations, ["id"])) if (!dropped.has(id)) wanted.add(id);
  const provider = await providerFor(task, wanted);
  const rejections: Rejection[] = [];
  let cut = 0;
  const tokens = { input_tokens: 0, output_tokens: 0 };
  async function* rows(): AsyncGenerator<Intent> {
    for await (const conversation of conversationsOf(task)) {
      if (!wanted.has(conversation.id)) continue;
      const { detail, promptCut, ...reply } = provider.intentOf(conversation);
      const intent = intentOf(conversation, reply, task.options);
      if (intent.status !== "ok") rejections.push(rejectionOf(intent, detail));
      if (promptCut) cut++;
      tokens.input_tokens += intent.input_tokens ?? 0;
      tokens.output_tokens += intent.output_tokens ?? 0;
      yield intent;
    }
  }
  const all = await task.write(conditioned.intents, rows());
  const rejected = await task.reject(rejections);
  return {
    taken: all,
    in: all,
    kept: all - rejections.length,
    rejected,
    counts: { ...tokens, ...(cut > 0 && { prompts_cut: cut }) },
  };
}

/** The conversations of the shard; without their turns where no intent is made of them. */
async function* conversationsOf(task: Task<IntentsOptions>): AsyncGenerator<Asked> {
  if (task.options.provider !== "none") yield* task.read(prepared.conversations, ["id", "turns"]);
  else for await (const { id } of task.read(prepared.conversations, ["id"])) yield { id, turns: [] };
}

async function providerFor(task: Task<IntentsOptions>, wanted: ReadonlySet<string>): Promise<Provider> {
  const { options, environment, signal } = task;
  switch (options.provider) {
    case "none":
      return none;
    case "import":
      return imported(task);
    case "recorded": {
      const about = { wanted, source: task.plan.source };
      return recorded(task.resolve(options.recorded ?? ""), about, options.intentPrefix, signal);
    }
    default: {
      const { askSettings, questionOf } = await import("../ask.ts");
      const question = await questionOf(askSettings(task), environment.env, (path) => task.resolve(path));
      return generated(question, journalOf(task));
    }
  }
}

/** The journals that this thread has open: reading one anew for every shard would take longer than the shard. */
const journals = new Map<string, Journal>();

function journalOf(task: Task<IntentsOptions>): Journal {
  const path = task.ownPath(JOURNAL);
  const known = journals.get(path);
  if (known?.isCurrent) return known;
  known?.close();
  journals.delete(path);
  const open = Journal.read(path);
  if (!open) throw new NotReadyError(`${path}: no journal; phase \`ask\` of intents asks for the answers`);
  journals.set(path, open);
  return open;
}

function intentOf({ id, turns }: Asked, reply: Reply, options: IntentsOptions): Intent {
  const quality = measureIntent(reply.intent, turns, options);
  const isDropped = reply.status === "ok" && quality.specificity === "specified" && options.specified === "drop";
  return { conversation_id: id, ...reply, ...quality, ...(isDropped && { status: "specified" }) };
}

function rejectionOf(intent: Intent, detail: Record<string, unknown> = {}): Rejection {
  const { conversation_id, status, model, origin } = intent;
  return {
    id: conversation_id,
    conversation_id,
    stage: conditioned.intents.stage,
    reason: status,
    detail: JSON.stringify({ origin, model, ...detail }),
  };
}
