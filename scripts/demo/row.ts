// From the compact form to a row with exactly the columns of WildChat-1M. All values are synthetic and fixed.

import { createHash } from "node:crypto";
import type { DemoConversation, DemoTurn } from "./conversation.ts";
import { USERS } from "./users.ts";

/** A row as it is handed to the Parquet writer, its keys named like the columns. */
export type DemoRow = Record<string, unknown> & { conversation_hash: string; timestamp: bigint; hashed_ip: string };

/** The categories of OpenAI moderation, in the three spellings of the dataset. */
export const MODERATION_CATEGORIES = [
  "harassment",
  "harassment/threatening",
  "harassment_threatening",
  "hate",
  "hate/threatening",
  "hate_threatening",
  "self-harm",
  "self-harm/instructions",
  "self-harm/intent",
  "self_harm",
  "self_harm_instructions",
  "self_harm_intent",
  "sexual",
  "sexual/minors",
  "sexual_minors",
  "violence",
  "violence/graphic",
  "violence_graphic",
] as const;

/** The scores of Detoxify. */
export const DETOXIFY_SCORES = [
  "identity_attack",
  "insult",
  "obscene",
  "severe_toxicity",
  "sexual_explicit",
  "threat",
  "toxicity",
] as const;

/** What a row without a conversation has instead of a hash of its text. */
const NO_CONVERSATION = "demo-null-conversation";

/** From which day on which two models answer; three people in four use the first. */
const MODELS = [
  ["2024-02-20", "gpt-3.5-turbo-0125", "gpt-4-0125-preview"],
  ["2023-11-10", "gpt-3.5-turbo-0613", "gpt-4-1106-preview"],
  ["2023-06-28", "gpt-3.5-turbo-0613", "gpt-4-0314"],
  ["2023-04-09", "gpt-3.5-turbo-0301", "gpt-4-0314"],
] as const;

const USER_AGENTS = [
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.5 Safari/605.1.15",
  "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0",
  "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Mobile Safari/537.36",
] as const;

/** Lower-case hex SHA-256 of a text. */
export function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

/** JSON text of a string as Python's `json.dumps` writes it: everything but printable ASCII is escaped. */
function pythonJsonString(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** WildChat's hash of a conversation's content: the first 32 hex digits of the SHA-256 of its Python-style JSON. */
function conversationHash(turns: readonly { content: string | null; role: string }[]): string {
  const items = turns.map(({ content, role }) => {
    const text = content === null ? "null" : pythonJsonString(content);
    return `{"content": ${text}, "role": ${pythonJsonString(role)}}`;
  });
  return sha256(`[${items.join(", ")}]`).slice(0, 32);
}

/** The turns with their roles spelled out. */
function rolesOf(turns: DemoConversation["turns"]): DemoTurn[] {
  return turns.map((turn, index) =>
    typeof turn === "string" ? { role: index % 2 === 0 ? "user" : "assistant", content: turn } : turn,
  );
}

function isBlank(content: string | null): boolean {
  return content === null || content.trim() === "";
}

function modelOf(userNumber: number, day: string): string {
  const models = MODELS.find(([from]) => day >= from);
  if (models === undefined) throw new Error(`no model had been released on ${day}`);
  return userNumber % 4 === 0 ? models[2] : models[1];
}

function openaiModeration(blank: boolean): unknown {
  const each = (value: unknown) => Object.fromEntries(MODERATION_CATEGORIES.map((name) => [name, value]));
  const [category, score] = blank ? [null, null] : [false, 0.0001];
  return { categories: each(category), category_scores: each(score), flagged: blank ? null : false };
}

/** Scores of one turn; toxicity above 0.1 is what makes a turn count as toxic. */
function detoxifyModeration(blank: boolean, toxic: boolean): unknown {
  const score = blank ? null : 0.0002;
  const scores = Object.fromEntries(DETOXIFY_SCORES.map((name) => [name, score]));
  return toxic ? { ...scores, insult: 0.08, toxicity: 0.14 } : scores;
}

/** The row of the `index`-th conversation written down; `index` only feeds the made-up clock and round numbers. */
export function toRow(demo: DemoConversation, index: number): DemoRow {
  const user = USERS.get(demo.user);
  if (user === undefined) throw new Error(`unknown demo user ${demo.user}`);
  const turns: { role: string; content: string | null }[] = rolesOf(demo.turns);
  const damaged = turns[1];
  if (demo.broken === "null_content" && damaged !== undefined) damaged.content = null;

  const elsewhere = demo.country !== undefined && demo.country !== user.country;
  const place = { country: demo.country ?? user.country, state: elsewhere ? null : user.state };
  const hashed_ip = sha256(`demo-user:${demo.user}`);
  const userNumber = Number(demo.user.slice(1));
  const userAgent = USER_AGENTS[userNumber % USER_AGENTS.length] ?? USER_AGENTS[0];
  const header = { "accept-language": user.acceptLanguage, "user-agent": userAgent };
  const language = demo.language ?? "English";
  const toxic = demo.toxic ?? false;
  const startMs = Date.parse(`${demo.day}T08:00:00Z`) + ((index * 487) % 40_000) * 1000;

  // A round is a user turn and the answer to it; both carry the same number.
  let round = 0;
  const conversation = turns.map(({ role, content }) => {
    if (role === "user") round += 1;
    const isUser = role === "user";
    return {
      content,
      country: isUser ? place.country : null,
      hashed_ip: isUser ? hashed_ip : null,
      header: isUser ? header : null,
      language: isBlank(content) ? "Nolang" : language,
      redacted: (content ?? "").includes("<PRESIDIO_ANONYMIZED_"),
      role,
      state: isUser ? place.state : null,
      timestamp: role === "assistant" ? BigInt(startMs + round * 73_000) * 1000n : null,
      toxic: toxic && isUser && round === 1,
      turn_identifier: BigInt(100_000 + index * 20 + round),
    };
  });

  const isNull = demo.broken === "null_conversation";
  return {
    conversation_hash: isNull ? sha256(NO_CONVERSATION).slice(0, 32) : conversationHash(turns),
    model: modelOf(userNumber, demo.day),
    timestamp: BigInt(startMs + round * 73_000) * 1000n,
    conversation: isNull ? null : conversation,
    turn: BigInt(round),
    language,
    openai_moderation: isNull ? null : turns.map(({ content }) => openaiModeration(isBlank(content))),
    detoxify_moderation: isNull
      ? null
      : conversation.map((turn) => detoxifyModeration(isBlank(turn.content), turn.toxic)),
    toxic,
    redacted: demo.redacted ?? false,
    state: place.state,
    country: place.country,
    hashed_ip,
    header,
  };
}
