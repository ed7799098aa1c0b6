import { z } from "zod";
import type { Form } from "../../../pipeline/text/segment.ts";

/** Chat messages: the intent as the system's, the turns, and the target as the last, a user's. The loss is on that alone. */
export const messagesForm = {
  columns: z.strictObject({
    messages: z.array(z.strictObject({ role: z.enum(["system", "user", "assistant"]), content: z.string() })),
  }),
  isText: true,
  packs: false,
  row: ({ messages }) => ({ messages: messages.map(({ role, content }) => ({ role, content })) }),
} satisfies Form;
