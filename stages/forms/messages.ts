import { z } from "zod";
import { defineForm } from "./form.ts";
import { messageOf } from "./message-of.ts";
import { recipesOf } from "./recipes/recipes-of.ts";
import { trl } from "./recipes/trl.ts";

/** Chat messages: the intent as the system's, the turns, and the target as the last, a user's. The loss is on that alone. */
export const messagesForm = defineForm({
  columns: z.strictObject({
    messages: z.array(z.strictObject({ role: z.enum(["system", "user", "assistant"]), content: z.string() })),
  }),
  meanings: { messages: "the dialogue as messages" },
  isText: true,
  holdsSeveral: false,
  row: ({ messages }) => ({ messages: messages.map(({ role, content }) => ({ role, content })) }),
  read({ messages }, chat) {
    // A log of chats looks the same, but it ends with an answer.
    if (messages.at(-1)?.role !== "user") return null;
    return chat.render(
      messages.map(({ role, content }, index) => messageOf(role, content, index === messages.length - 1)),
    );
  },
  recipes: (facts) => recipesOf(facts, [trl(facts)]),
});
