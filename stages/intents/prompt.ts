import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { UsageError } from "../../pipeline/errors.ts";
import type { Turn } from "../../schemas/conversation.ts";

/** Where the conversation goes in a prompt template; the same mark as in the paper's appendix E. */
const PLACE = "[CONVERSATION]";

/** How every intent starts in the published training data ("Flipping the Dialogue", appendix E). */
export const INTENT_PREFIX = "You are a user chatting with an assistant language model to";

/**
 * Our own wording. The structure is the paper's: an instruction, the fixed beginning, three worked examples, the
 * conversation as `<user>:` and `<assistant>:` lines, and a last line that asks for the summary alone.
 */
export const DEFAULT_PROMPT = `Below is a conversation between a user and an assistant model. Describe in one sentence what the user wanted from the conversation as a whole.

Stay at the level of the goal: name the kind of thing that is wanted and its subject, and leave out the details that the user gives along the way, such as names, numbers, code, constraints or the order of the questions. Describe the user's goal, not what the assistant did.
Start the sentence with "${INTENT_PREFIX}".

Example 1
Conversation:
<user>: whats a good way to keep basil alive indoors
<assistant>: Put it in a bright window, water it when the top of the soil is dry, and pinch off flowers as they appear.
Summary:
${INTENT_PREFIX} learn how to look after an indoor herb.

Example 2
Conversation:
<user>: SELECT name, count(*) FROM orders GROUP BY 1 HAVING count > 3   -- error near count
<assistant>: In HAVING you need to repeat the aggregate: HAVING count(*) > 3.
<user>: works. now only last 30 days
<assistant>: Add WHERE created_at >= now() - interval '30 days' before GROUP BY.
<user>: can it also show customers w/o any orders
<assistant>: Yes: start from customers and LEFT JOIN orders, with the date condition in the ON clause.
Summary:
${INTENT_PREFIX} fix and extend a database query.

Example 3
Conversation:
<user>: write a short speech for my sisters wedding, im the older brother
<assistant>: Good evening everyone. For those who don't know me, I'm the one who taught her to ride a bike and then watched her overtake me at everything else…
<user>: less jokes more about our childhood
<assistant>: Good evening. When we were small, the garden behind our house was our whole world…
<user>: make it half as long pls
<assistant>: Good evening. The garden behind our house was our whole world…
Summary:
${INTENT_PREFIX} get a personal speech for a family celebration written and revised.

Now the conversation to describe:
${PLACE}

Answer with the summary alone.`;

/** A prompt template and the version that it is known by. */
export type Prompt = { text: string; version: string };

/** The default prompt, or the one in a file. Throws UsageError if the file does not say once where the conversation goes. */
export function loadPrompt(path: string | null): Prompt {
  const text = path === null ? DEFAULT_PROMPT : readFileSync(path, "utf8");
  const places = text.split(PLACE).length - 1;
  if (places !== 1)
    throw new UsageError(`${path}: has ${PLACE} ${places} times; expected once, where the conversation goes`);
  return { text, version: createHash("sha256").update(text).digest("hex").slice(0, 12) };
}

/** The prompt for one conversation: the template with all its turns in place, each as a `<role>:` line. */
export function fillPrompt(prompt: Prompt, conversation: { readonly turns: readonly Turn[] }): string {
  const lines = conversation.turns.map(({ role, content }) => `<${role}>: ${content}`);
  return prompt.text.replace(PLACE, () => lines.join("\n"));
}

/**
 * What a model answered, as an intent: white space and one pair of quotes around it taken off, then checked for the
 * beginning that every intent has ("" = no check). The status is `ok`, `empty` or `wrong_prefix`, with what was found.
 */
export function readIntent(
  answer: string | null,
  prefix: string,
): { status: "ok" | "empty" | "wrong_prefix"; intent: string | null; detail?: { found: string } } {
  const trimmed = (answer ?? "").trim();
  const bare = /^(["“”'`]).*(["“”'`])$/s.test(trimmed) ? trimmed.slice(1, -1).trim() : trimmed;
  if (bare === "") return { status: "empty", intent: null };
  if (!bare.startsWith(prefix)) {
    return { status: "wrong_prefix", intent: null, detail: { found: bare.slice(0, 300).toWellFormed() } };
  }
  return { status: "ok", intent: bare.toWellFormed() };
}
