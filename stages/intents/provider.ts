import type { Conversation } from "../../schemas/conversation.ts";
import type { Intent } from "../../schemas/intent.ts";
import type { Quality } from "./quality.ts";

/** What a provider says about one conversation: the intent row but for the id and what is measured. A status other than `ok` is a rejection. */
export type Reply = Omit<Intent, "conversation_id" | keyof Quality> & {
  /** What the rejection says beside origin and model. */
  readonly detail?: Record<string, unknown>;
  /** True if the server itself has left out a part of the prompt. */
  readonly promptCut?: boolean;
};

/** Where intents come from, once whatever had to be asked for is there. Each reply depends on its conversation alone. */
export interface Provider {
  /** Throws what must stop the run; whatever concerns only this conversation is a status. */
  intentOf(conversation: Pick<Conversation, "id" | "turns">): Reply;
}

/** A reply without an intent. */
export function noIntent(status: string, origin: Intent["origin"]): Reply {
  return {
    intent: null,
    status,
    origin,
    model: null,
    prompt_version: null,
    truncated: false,
    input_tokens: null,
    output_tokens: null,
  };
}

/** The ablation of the paper: samples are conditioned on nothing but the turns. */
export const none: Provider = { intentOf: () => noIntent("ok", "none") };
