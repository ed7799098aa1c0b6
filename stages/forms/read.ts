/** Rows of a finished dataset, of any form -> what the model sees. */
import { z } from "zod";
import type { ChatFormat } from "../../pipeline/text/chat-template/chat-template.ts";
import { oneOf } from "../../pipeline/text/control-tokens.ts";
import type { Message, Segment } from "../../pipeline/text/segment.ts";
import { END, Sample } from "../../schemas/sample.ts";
import { axolotl } from "./axolotl/form.ts";
import { messagesForm } from "./messages/form.ts";
import { openai } from "./openai/form.ts";
import { samplesForm } from "./samples/form.ts";
import { tokensForm } from "./tokens/form.ts";
import { torchtune } from "./torchtune/form.ts";
import { trl } from "./trl/form.ts";

/** Token ids with the places that count towards the loss, or segments that are still to be tokenised. */
export type Seen = { readonly ids: readonly number[]; readonly inLoss: readonly boolean[] } | readonly Segment[];

type Reader = (row: unknown, chat: ChatFormat) => Seen | null;

function reader<T extends z.ZodRawShape>(
  form: { columns: z.ZodObject<T> },
  read: (row: z.infer<z.ZodObject<T>>, chat: ChatFormat) => Seen | null,
): Reader {
  const columns = z.object(form.columns.shape);
  return (row, chat) => {
    const parsed = columns.safeParse(row);
    return parsed.success ? read(parsed.data as z.infer<z.ZodObject<T>>, chat) : null;
  };
}

const message = (role: Message["role"], content: string, loss = false): Message => {
  return { role, content, loss, end: loss && content === END };
};

/** Rows of samples say which target is the end, whatever somebody typed. */
const samplesWithKind = { columns: samplesForm.columns.extend({ kind: Sample.shape.kind }) };

/** Those of OpenAI's roles that are the other way round here. */
const SWAPPED_BACK = { system: "system", user: "assistant", assistant: "user" } as const;

const READERS: readonly Reader[] = [
  // Of bins too, which have no places of targets.
  reader({ columns: tokensForm.columns.pick({ input_ids: true, labels: true }) }, ({ input_ids, labels }) => ({
    ids: input_ids,
    inLoss: labels.map((label) => label !== -100),
  })),
  reader(torchtune, ({ segments }) => segments),
  reader(axolotl, ({ segments }, chat) => segments.flatMap(({ label, text }) => pieces(text, label, chat))),
  reader(trl, ({ prompt, completion }, chat) => [...pieces(prompt, false, chat), ...pieces(completion, true, chat)]),
  reader(samplesWithKind, ({ intent, context, target, kind }, chat) => {
    const system = intent === null ? [] : [message("system", intent)];
    const turns = context.map(({ role, content }) => message(role, content));
    return chat.render([...system, ...turns, { ...message("user", target, true), end: kind === "end" }]);
  }),
  reader(openai, ({ messages }, chat) =>
    chat.render(messages.map(({ role, content, weight }) => message(SWAPPED_BACK[role], content, weight === 1))),
  ),
  reader(messagesForm, ({ messages }, chat) => {
    // A log of chats looks the same, but it ends with an answer.
    if (messages.at(-1)?.role !== "user") return null;
    return chat.render(messages.map(({ role, content }, at) => message(role, content, at === messages.length - 1)));
  }),
];

/** What a model sees of a row; null = it is a row of no form. Forms without a text of their own are rendered with `chat`. */
export function seen(row: unknown, chat: ChatFormat): Seen | null {
  for (const read of READERS) {
    const found = read(row, chat);
    if (found) return found;
  }
  return null;
}

/** Text in pieces: where the control tokens of the format stand. */
function pieces(text: string, loss: boolean, chat: ChatFormat): Segment[] {
  const parts = text.split(new RegExp(`(${oneOf([...chat.controls, END])})`));
  return parts
    .map((part, at) => ({ text: part, control: at % 2 === 1, loss }))
    .filter((segment) => segment.text !== "");
}
