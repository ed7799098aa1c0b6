import { z } from "zod";
import type { Form, Message } from "../../../pipeline/text/segment.ts";

const SWAPPED = { system: "system", user: "assistant", assistant: "user" } as const;

function swapped({ role, content, loss }: Message & { readonly loss: boolean }) {
  return { role: SWAPPED[role], content, weight: role === "user" ? Number(loss) : null };
}

/**
 * For OpenAI's supervised fine-tuning (rules as documented in 2025; nothing here was sent to it).
 *
 * It trains assistant messages only, so the two sides change places: what the person said is `assistant`, what the assistant said is `user`,
 * the intent stays `system`. No token can be added: the end is the *text* `<|endconversation|>`. The template is OpenAI's own.
 * A weight is 0 or 1, so of weighted ends those under one half are rejected, as `flip --end-labels confident` does.
 */
export const openai = {
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
  isText: true,
  packs: true,
  wholeWeights: true,
  row: ({ messages }) => ({ messages: messages.map(swapped) }),
} satisfies Form;
