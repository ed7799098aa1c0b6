import { z } from "zod";
import { compare } from "../../pipeline/order.ts";
import type { Paths, RawConversation, Source, Unusable } from "./source.ts";
import { Time, utc } from "./time.ts";

const Message = z.object({
  message_id: z.string().min(1),
  text: z.string(),
  role: z.enum(["prompter", "assistant"]),
  lang: z.string().nullish(),
  deleted: z.boolean().nullish(),
  rank: z.int().nullish(),
  synthetic: z.boolean().nullish(),
  model_name: z.string().nullish(),
  created_date: Time,
  get replies(): z.ZodOptional<z.ZodNullable<z.ZodArray<typeof Message>>> {
    return z.array(Message).nullish();
  },
});
type Message = z.infer<typeof Message>;

const Row = z.object({ message_tree_id: z.string().min(1), prompt: Message });

/**
 * A tree of OpenAssistant messages (Köpf et al. 2023). `best` follows the best-ranked reply at each step and gives one
 * conversation; `leaves` gives one for each leaf. Several people speak in a path, so that the tree stands for the user:
 * its paths share their beginnings and must not be parted. Messages that were deleted are left out with all below them.
 */
function convertAll(row: Record<string, unknown>, which: Paths): (RawConversation | Unusable)[] {
  const { message_tree_id, prompt } = row as z.infer<typeof Row>;
  const paths = which === "best" ? [bestPath(prompt)] : [...allPaths(prompt)];
  return paths.map((path) => {
    const source_id = which === "best" ? message_tree_id : (path.at(-1)?.message_id ?? message_tree_id);
    return conversationOf(path, source_id, message_tree_id);
  });
}

function conversationOf(path: readonly Message[], source_id: string, tree: string): RawConversation | Unusable {
  const synthetic = path.findIndex((message) => message.role === "prompter" && message.synthetic === true);
  if (synthetic >= 0) return { reason: "synthetic_user", source_id, detail: { message: synthetic } };
  return {
    source_id,
    user: tree,
    country: null,
    language: path[0]?.lang ?? null,
    model: path.findLast((message) => message.role === "assistant")?.model_name ?? null,
    started_at: utc(path[0]?.created_date),
    ended_at: utc(path.at(-1)?.created_date),
    turns: path.map(({ role, text }) => ({ role: role === "prompter" ? "user" : "assistant", content: text })),
    redacted: null,
    toxic: null,
  };
}

/** Replies that are still there, the best-ranked first; those without a rank last, equal ones by id. */
function repliesOf(message: Message): Message[] {
  const replies = (message.replies ?? []).filter((reply) => reply.deleted !== true);
  const rank = (reply: Message) => reply.rank ?? Number.POSITIVE_INFINITY;
  return replies.sort((a, b) => (rank(a) === rank(b) ? compare(a.message_id, b.message_id) : rank(a) - rank(b)));
}

function bestPath(root: Message): Message[] {
  const path: Message[] = [];
  for (let message: Message | undefined = root; message !== undefined; message = repliesOf(message)[0])
    path.push(message);
  return path;
}

function* allPaths(message: Message, before: readonly Message[] = []): Generator<Message[]> {
  const path = [...before, message];
  const replies = repliesOf(message);
  if (replies.length === 0) yield path;
  for (const reply of replies) yield* allPaths(reply, path);
}

const needs = ["message_tree_id", "prompt"];

/** The trees that were ready for export, one a row. The commit is one that public code pins. Languages are codes, such as `en`. */
export const oasst2: Source = {
  name: "oasst2",
  summary: "OpenAssistant/oasst2, message trees: one conversation a tree or a leaf; the tree stands for the user",
  hub: {
    repo: "OpenAssistant/oasst2",
    revision: "179dd21fc55192153d94adb0e0ce8f69e222bf75",
    files: ["2023-11-05_oasst2_ready.trees.jsonl.gz"],
  },
  license: "apache-2.0",
  credit: "OpenAssistant Conversations: Köpf et al. 2023, arXiv 2304.07327",
  defaults: { prepare: { language: "en" } },
  row: () => Row,
  fields: () => ({ id: "message_tree_id", personal: [] }),
  select: () => ({ needs, sql: needs.map((name) => `"${name}"`).join(", ") }),
  convert: (row) => convertAll(row, "best")[0] as RawConversation | Unusable,
  convertAll,
};
