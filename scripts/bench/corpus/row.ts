import { createHash } from "node:crypto";
import { DETOXIFY_SCORES, MODERATION_CATEGORIES } from "../../demo/row.ts";
import type { MadeDialogue, MadeMessage } from "./conversation.ts";
import { type Person, syntheticHash } from "./people.ts";
import { Random } from "./random.ts";

/** A row with the columns of WildChat-1M in their order, as the Parquet writer takes them. */
export type WildRow = Record<string, unknown>;

/** The models, with the day from which on each was there, and how much it was used. A quarter is of the GPT-4 family. */
const MODELS = [
  { from: "2023-04-09", weight: 30, name: "gpt-3.5-turbo-0301" },
  { from: "2023-04-09", weight: 9, name: "gpt-4-0314" },
  { from: "2023-06-28", weight: 60, name: "gpt-3.5-turbo-0613" },
  { from: "2023-11-10", weight: 14, name: "gpt-4-1106-preview" },
  { from: "2024-02-20", weight: 90, name: "gpt-3.5-turbo-0125" },
  { from: "2024-02-20", weight: 20, name: "gpt-4-0125-preview" },
].map((model) => ({ ...model, fromMs: Date.parse(model.from) }));

const FIRST_MS = Date.parse("2023-04-09T00:00:00Z");
const LAST_MS = Date.parse("2024-04-29T00:00:00Z");
/** Numbers of rounds that each conversation has for itself. */
const ROUNDS = 256;

const NO_CATEGORIES = each(MODERATION_CATEGORIES, () => false);
const BLANK_MODERATION = {
  categories: each(MODERATION_CATEGORIES, () => null),
  category_scores: each(MODERATION_CATEGORIES, () => null),
  flagged: null,
};
const BLANK_SCORES = each(DETOXIFY_SCORES, () => null);

function each<T>(names: readonly string[], value: () => T): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, value()]));
}

/** A conversation as a row. Nothing is toxic, as in the public release. */
export function rowOf(seed: string, dialogue: MadeDialogue): WildRow {
  const { number, person, elsewhere, language, messages } = dialogue;
  const random = new Random(seed, "row", number);
  const startMs = Math.floor(FIRST_MS + random.unit() * (LAST_MS - FIRST_MS));
  const moved = elsewhere === null ? messages.length : 2 * random.below(messages.length / 2 + 1);
  let ms = startMs;
  const conversation = messages.map((message, at) => {
    ms += Math.round(random.around(20_000, 1));
    return turnOf(message, at < moved ? person : (elsewhere ?? person), ms, number * ROUNDS + (at >> 1));
  });
  const main = moved * 2 >= messages.length ? person : (elsewhere ?? person);
  const model = random.weighted(MODELS.filter(({ fromMs }) => fromMs <= startMs)).name;
  return {
    conversation_hash: contentHash(messages),
    model,
    timestamp: BigInt(ms) * 1000n,
    conversation,
    turn: BigInt(messages.length / 2),
    language,
    openai_moderation: messages.map((message) => moderation(message, random)),
    detoxify_moderation: messages.map((message) => scores(message, random)),
    toxic: false,
    redacted: conversation.some((turn) => turn.redacted),
    state: main.state,
    country: main.country,
    hashed_ip: main.hashed_ip,
    header: main.header,
  };
}

const REDACTED = Buffer.from("<PRESIDIO_ANONYMIZED_");

function turnOf(
  { role, content, language }: MadeMessage,
  { country, state, hashed_ip, header }: Person,
  ms: number,
  round: number,
) {
  const isUser = role === "user";
  return {
    content,
    country: isUser ? country : null,
    hashed_ip: isUser ? hashed_ip : null,
    header: isUser ? header : null,
    language,
    redacted: isUser && Buffer.from(content.buffer, content.byteOffset, content.length).includes(REDACTED),
    role,
    state: isUser ? state : null,
    timestamp: isUser ? null : BigInt(ms) * 1000n,
    toxic: false,
    turn_identifier: BigInt(round),
  };
}

/** Equal content, equal hash. WildChat hashes the content's JSON as Python writes it; this is the hash of its bytes. */
function contentHash(messages: readonly MadeMessage[]): string {
  const hash = createHash("sha256");
  for (const { content } of messages) hash.update(`${content.length}\n`).update(content);
  return syntheticHash(hash.digest(), 32);
}

function moderation({ language }: MadeMessage, random: Random): unknown {
  if (language === "Nolang") return BLANK_MODERATION;
  return {
    categories: NO_CATEGORIES,
    category_scores: each(MODERATION_CATEGORIES, () => small(random)),
    flagged: false,
  };
}

function scores({ language }: MadeMessage, random: Random): unknown {
  return language === "Nolang" ? BLANK_SCORES : each(DETOXIFY_SCORES, () => small(random));
}

/** A score far below what counts. */
function small(random: Random): number {
  return random.unit() * random.unit() * 0.01;
}
