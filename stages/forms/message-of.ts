import { END } from "../../pipeline/text/control-tokens.ts";
import type { Message } from "../../pipeline/text/segment.ts";

/** A message of a row that is read back; a target that is the end token's spelling is the end. */
export function messageOf(role: Message["role"], content: string, loss = false): Message {
  return { role, content, loss, end: loss && content === END };
}
