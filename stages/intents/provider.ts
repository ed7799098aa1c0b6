import type { Conversation } from "../../schemas/conversation.ts";
import type { Intent } from "../../schemas/intent.ts";

/** What a provider says about one conversation: the intent row but for the id. A status other than `ok` is a rejection. */
export type Reply = Omit<Intent, "conversation_id">;

/** Where intents come from. Asked for many conversations at a time; each answer depends on its conversation alone. */
export interface Provider {
  /** How many conversations may be asked for at a time. */
  readonly concurrency: number;
  /** False: the id of a conversation is enough, its text need not be read. */
  readonly readsText: boolean;
  /** Throws what must stop the run; whatever concerns only this conversation is a status. */
  intentOf(conversation: Pick<Conversation, "id" | "turns">): Promise<Reply>;
  close(): Promise<void>;
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
export const none: Provider = {
  concurrency: 1,
  readsText: false,
  intentOf: async () => noIntent("ok", "none"),
  close: async () => {},
};
