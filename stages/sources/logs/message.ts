/** A message of somebody's own log -> its role and its text. One message may be a row, or one of the list that a row has. */
import { z } from "zod";
import { textOfParts } from "../../../pipeline/text/parts.ts";
import type { Columns } from "../source.ts";
import { at } from "./path.ts";
import type { LogTurn, RoleOf, RowKind } from "./row-kind.ts";

/** Names for who speaks that are met in people's logs, brought to `user`, `assistant`, `system` and `tool`. */
const ROLES: Readonly<Record<string, string>> = {
  human: "user",
  prompter: "user",
  customer: "user",
  visitor: "user",
  gpt: "assistant",
  bot: "assistant",
  model: "assistant",
  ai: "assistant",
  chatbot: "assistant",
  agent: "assistant",
  chatgpt: "assistant",
  developer: "system",
  function: "tool",
  tool_result: "tool",
  function_response: "tool",
  observation: "tool",
};

/** Fields of messages that call tools, today's and the one before; they need not be there. */
export const CALLS = ["tool_calls", "function_call"];

const TEXT = "text, or a list of parts with text";

/** Who speaks may be said by a yes or no or a number, which a map of roles tells the meaning of. */
const Role = z.union([z.string(), z.boolean(), z.number()], { error: "text that says who speaks" });

const roleIn = (columns: Columns) => columns["role"] || "role";
const contentIn = (columns: Columns) => columns["content"] || "content";

/** A name of a role as the role that is meant; `own` tells of names that are people's own. */
export function roleNamed(name: unknown, own: Readonly<Record<string, string>>): string {
  const said = String(name).toLowerCase();
  return own[said] ?? ROLES[said] ?? said;
}

/** The schema of a message that was projected: who speaks, and a text, or none where a tool is called in place of words. */
export function messageSchema(columns: Columns, common: Record<string, z.ZodType> = {}): z.ZodObject {
  const content = contentIn(columns);
  const isSaid = (message: Record<string, unknown>) => {
    const said = message[content];
    return said === undefined ? isCalling(message) : textOfParts(said) !== undefined;
  };
  const any = Object.fromEntries([content, ...CALLS].map((name) => [name, z.unknown().optional()]));
  return z.object({ ...common, ...any, [roleIn(columns)]: Role }).refine(isSaid, { path: [content], error: TEXT });
}

/** True for a value that may say who speaks, or what. */
export function isPartOfMessage(key: string, value: unknown): boolean {
  return key === "content" ? textOfParts(value) !== undefined : Role.safeParse(value).success;
}

/** What of a message is looked at, under the names of the columns. */
export function projectMessage(message: unknown, columns: Columns): unknown {
  if (typeof message !== "object" || message === null || Array.isArray(message)) return message;
  const names = [roleIn(columns), contentIn(columns), ...CALLS];
  return Object.fromEntries(names.map((name) => [name, at(message, name)]));
}

/** The turn of a message that was projected. */
export function turnOf(message: Record<string, unknown>, columns: Columns, roleOf: RoleOf): LogTurn {
  const role = roleOf(message[roleIn(columns)]);
  const content = textOfParts(message[contentIn(columns)]) ?? "";
  // A call of a tool in place of words is no turn of a dialogue.
  return { role: role === "assistant" && content === "" && isCalling(message) ? "tool" : role, content };
}

function isCalling(message: Record<string, unknown>): boolean {
  return CALLS.some((call) => Boolean(message[call]));
}

/** One message a row; those with the same conversation id are a conversation. */
export const message: RowKind = {
  name: "message",
  summary: "one message of a conversation",
  isInParts: true,
  telling: "role",
  needs: ["id", "role", "content"],
  may: ["turn"],
  isFit: isPartOfMessage,
  schema: messageSchema,
  project: (row, columns) => projectMessage(row, columns) as Record<string, unknown>,
  turns: (row, columns, roleOf) => [turnOf(row, columns, roleOf)],
};
