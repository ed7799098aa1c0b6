import { z } from "zod";
import type { Form } from "../../../pipeline/text/segment.ts";
import { Turn } from "../../../schemas/conversation.ts";

/** Context and target apart and as they are, for whoever renders them: nothing is made text yet. */
export const samplesForm = {
  columns: z.strictObject({
    /** The goal the model is conditioned on; null = none (ablation). */
    intent: z.string().nullable(),
    /** The turns before the target, in order; empty for the first. */
    context: z.array(Turn),
    /** The user turn to predict, exactly as typed, or `<|endconversation|>` when `kind` is `end`. */
    target: z.string(),
  }),
  isText: false,
  packs: false,
  row({ messages }) {
    const intent = messages[0]?.role === "system" ? messages[0].content : null;
    const context = messages.slice(intent === null ? 0 : 1, -1).map(({ role, content }) => ({ role, content }));
    return { intent, context, target: messages.at(-1)?.content ?? "" };
  },
} satisfies Form;
