import { textOfParts } from "../../../pipeline/text/parts.ts";

/** Fields that an answer lies in, as servers and their logs wrap it; of several candidates it is the first. */
const WRAPPERS = [
  "message",
  "content",
  "text",
  "output",
  "answer",
  "response",
  "generations",
  "choices",
  "kwargs",
  "value",
];

/** The text of an answer that stands by itself, as text, a message, a list of parts or what servers send. Undefined = none is found. */
export function answerIn(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value)) return isParts(value) ? (textOfParts(value) ?? undefined) : answerIn(value[0]);
  const own = value as Record<string, unknown>;
  for (const name of WRAPPERS) {
    const found = answerIn(own[name]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** True for what `answerIn` finds a text in. */
export function isAnswer(value: unknown): boolean {
  return answerIn(value) !== undefined;
}

/** True for a list of parts of one text, such as `{"type": "text", "text": "..."}`. */
function isParts(list: readonly unknown[]): boolean {
  return (
    list.length > 0 &&
    list.every((part) => typeof part === "object" && part !== null && "type" in part && "text" in part)
  );
}
