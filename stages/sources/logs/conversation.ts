/** One conversation a row, its messages in a list: what most APIs and trainers write, ShareGPT, LangSmith. */
import { z } from "zod";
import type { Columns } from "../source.ts";
import { answerIn, isAnswer } from "./answer.ts";
import { isPartOfMessage, messageSchema, projectMessage, turnOf } from "./message.ts";
import { at } from "./path.ts";
import type { RowKind } from "./row-kind.ts";

const messagesIn = (columns: Columns) => columns["messages"] || "messages";

/** One conversation a row, its messages in a list; the answer to the last of them may stand beside it. */
export const conversation: RowKind = {
  name: "conversation",
  summary: "a conversation with a list of messages",
  isInParts: false,
  telling: "messages",
  needs: ["messages"],
  may: ["response"],
  names: {
    response: ["outputs.generations", "outputs.output", "outputs.content", "outputs", "response.choices", "choices"],
  },
  isFit(key, value) {
    if (key === "messages") return objectsIn(value).length > 0;
    return key === "response" ? isAnswer(value) : isPartOfMessage(key, value);
  },
  inside: (row, columns) => objectsIn(at(row, messagesIn(columns))),
  schema(columns, common) {
    const list = z.array(messageSchema(columns));
    const answer = z
      .unknown()
      .refine((value) => value === null || value === undefined || isAnswer(value), { error: "an answer with text" });
    const response = columns["response"] && { [columns["response"]]: answer.optional() };
    return z.object({ ...common, ...response, [messagesIn(columns)]: list });
  },
  project(row, columns) {
    const list = fromJson(at(row, messagesIn(columns)));
    const messages = Array.isArray(list) ? list.map((each) => projectMessage(each, columns)) : list;
    const answer = columns["response"] && { [columns["response"]]: at(row, columns["response"]) };
    return { ...answer, [messagesIn(columns)]: messages };
  },
  turns(row, columns, roleOf) {
    const messages = row[messagesIn(columns)] as Record<string, unknown>[];
    const turns = messages.map((each) => turnOf(each, columns, roleOf));
    const answer = columns["response"] ? answerIn(row[columns["response"]]) : undefined;
    // What the list ends with has been answered already where it is an answer.
    if (answer !== undefined && turns.at(-1)?.role !== "assistant") turns.push({ role: "assistant", content: answer });
    return turns;
  },
};

/** The objects of a list, or of the list that a text holds as JSON. */
function objectsIn(value: unknown): Record<string, unknown>[] {
  const list = fromJson(value);
  const isObject = (each: unknown) => typeof each === "object" && each !== null && !Array.isArray(each);
  return Array.isArray(list) ? list.filter(isObject) : [];
}

/** A list that a column holds as JSON text. */
function fromJson(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
