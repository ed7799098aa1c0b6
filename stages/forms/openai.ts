import { z } from "zod";
import type { Message } from "../../pipeline/text/segment.ts";
import { defineForm } from "./form.ts";
import { messageOf } from "./message-of.ts";
import { openai as recipe } from "./recipes/openai.ts";

const SWAPPED = { system: "system", user: "assistant", assistant: "user" } as const;

function swapped({ role, content, loss }: Message) {
  return { role: SWAPPED[role], content, weight: role === "user" ? Number(loss) : null };
}

/**
 * For OpenAI's supervised fine-tuning (rules as documented in 2025; nothing here was sent to it).
 *
 * It trains assistant messages only, so the two sides change places: what the person said is `assistant`, what the assistant said is `user`,
 * the intent stays `system`. No token can be added: the end is the *text* `<|endconversation|>`. The template is OpenAI's own.
 * A weight is 0 or 1, so of weighted ends those under one half are rejected, as `flip --end-labels confident` does.
 */
export const openai = defineForm({
  columns: z.strictObject({
    messages: z.array(
      z.strictObject({
        role: z.enum(["system", "user", "assistant"]),
        content: z.string(),
        /** 1 = trained on, 0 = context; null = not an assistant message (the recipe leaves the key out, as OpenAI demands). */
        weight: z.int().nullable(),
      }),
    ),
  }),
  meanings: { messages: "the dialogue as messages" },
  isText: true,
  holdsSeveral: true,
  wholeWeights: true,
  row: ({ messages }) => ({ messages: messages.map(swapped) }),
  read: ({ messages }, chat) =>
    chat.render(messages.map(({ role, content, weight }) => messageOf(SWAPPED[role], content, weight === 1))),
  recipes: (facts) => (facts.splits.includes("train") ? [recipe(facts)] : []),
});
