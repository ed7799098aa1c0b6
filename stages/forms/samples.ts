import { z } from "zod";
import { Turn } from "../../schemas/conversation.ts";
import { Sample } from "../../schemas/sample.ts";
import { defineForm } from "./form.ts";
import { messageOf } from "./message-of.ts";

/** Context and target apart and as they are, for whoever renders them: nothing is made text yet. */
export const samplesForm = defineForm({
  columns: z.strictObject({
    /** The goal the model is conditioned on; null = none (ablation). */
    intent: z.string().nullable(),
    /** The turns before the target, in order; empty for the first. */
    context: z.array(Turn),
    /** The user turn to predict, exactly as typed, or `<|endconversation|>` when `kind` is `end`. */
    target: z.string(),
  }),
  meanings: {
    intent: "the person's goal, given to the model; null = none",
    context: "the turns before the target",
    target: "what the user says next, as typed, or `<|endconversation|>`",
  },
  isText: false,
  holdsSeveral: false,
  row({ messages }) {
    const intent = messages[0]?.role === "system" ? messages[0].content : null;
    const context = messages.slice(intent === null ? 0 : 1, -1).map(({ role, content }) => ({ role, content }));
    return { intent, context, target: messages.at(-1)?.content ?? "" };
  },
  read({ intent, context, target }, chat, whole) {
    // Rows of samples say which target is the end, whatever somebody typed.
    const kind = Sample.shape.kind.safeParse(whole["kind"]);
    if (!kind.success) return null;
    const system = intent === null ? [] : [messageOf("system", intent)];
    const turns = context.map(({ role, content }) => messageOf(role, content));
    return chat.render([...system, ...turns, { ...messageOf("user", target, true), end: kind.data === "end" }]);
  },
  recipes: () => [],
});
