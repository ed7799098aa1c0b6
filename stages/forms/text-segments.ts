import type { ChatFormat } from "../../pipeline/text/chat-template/chat-format.ts";
import { END, oneOf } from "../../pipeline/text/control-tokens.ts";
import type { Segment } from "../../pipeline/text/segment.ts";

/** Text as a tokenizer that knows the chat format's control tokens reads it: in pieces, where these stand. */
export function textSegments(text: string, loss: boolean, chat: ChatFormat): Segment[] {
  const parts = text.split(new RegExp(`(${oneOf([...chat.controls, END])})`));
  return parts
    .map((part, index) => ({ text: part, control: index % 2 === 1, loss }))
    .filter((segment) => segment.text !== "");
}
