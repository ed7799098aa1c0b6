// The compact form in which the demo conversations are written down in `texts/conversations.jsonl`. All of it is synthetic:
// every person, question and answer was made up for this project, and nothing was copied from a real log.

/** Every intent starts with these words; the demo files hold only what follows them. */
export const INTENT_PREFIX = "You are a user chatting with an assistant language model to ";

/** A turn with its role spelled out, for conversations that do not simply alternate. */
export type DemoTurn = { role: "user" | "assistant" | "system"; content: string };

/** A line of `texts/conversations.jsonl`. */
export type DemoConversation = {
  /** What the row is there for. */
  about: string;
  /** Key into `USERS`. */
  user: string;
  /** Day of the last turn, `YYYY-MM-DD`. */
  day: string;
  /** Plain strings alternate: user first, then assistant, and so on. */
  turns: readonly (string | DemoTurn)[];
  /** What the person is after, without `INTENT_PREFIX`. Absent: no recorded intent. Empty: recorded as an empty string. */
  intent?: string;
  /** The row's language label; English where absent. */
  language?: string;
  /** Where the person was, if not where `USERS` says. */
  country?: string;
  toxic?: boolean;
  redacted?: boolean;
  /** How the row is damaged: its conversation is null, or its second turn has null content. */
  broken?: "null_conversation" | "null_content";
};
