/** What a chat format writes around the texts of messages, found by having it write some. */

import type { Message, Segment } from "../segment.ts";
import type { ChatFormat } from "./chat-format.ts";

/** Stands for the text of a message; a private-use character, which no template writes. */
const TEXT = "\ue000";

/** Dialogues such as will be written, rendered: with intents or without, at the first turn and later. */
export function tried(chat: ChatFormat, hasIntents: boolean): Segment[][] {
  const said = (role: Message["role"]) => ({ role, content: TEXT, loss: false, end: false });
  const before = hasIntents ? [said("system")] : [];
  return [[], [said("user"), said("assistant")]].map((turns) =>
    chat.render([...before, ...turns, { ...said("user"), loss: true }]),
  );
}

/** What a chat format writes around the texts of messages. */
export interface Frame {
  /** What stands between the control token before a text and the text, such as a newline, where anything does. */
  readonly headers: readonly string[];
  /** The control token that ends a target; null = none does. */
  readonly stop: string | null;
}

/** The frame of a chat format, as it shows in dialogues with intents or without. */
export function frameOf(chat: ChatFormat, hasIntents: boolean): Frame {
  const dialogues = tried(chat, hasIntents);
  const headers = new Set<string>();
  for (const segments of dialogues) {
    // What follows a text before any control token is cut by no tokenizer, so it is no header.
    let header: string | null = "";
    for (const { text, control } of segments) {
      if (text === TEXT && header) headers.add(header);
      if (control) header = "";
      else header = text === TEXT || header === null ? null : header + text;
    }
  }
  const last = dialogues.at(-1) ?? [];
  const after = last.slice(last.findLastIndex(({ text }) => text === TEXT) + 1);
  return { headers: [...headers], stop: after.find(({ control }) => control)?.text ?? null };
}
