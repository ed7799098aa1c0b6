import { z } from "zod";
import type { RawConversation, Source } from "./source.ts";
import { Time, utc } from "./time.ts";

const Message = z.object({
  role: z.string(),
  content: z.string(),
  timestamp: Time,
});

const Row = z.object({
  conversation_hash: z.string().min(1),
  model: z.string().nullish(),
  timestamp: Time,
  conversation: z.array(Message),
  language: z.string().nullish(),
  toxic: z.boolean().nullish(),
  redacted: z.boolean().nullish(),
  country: z.string().nullish(),
  hashed_ip: z.string().nullish(),
});

/**
 * A WildChat row (dataset cards of allenai/WildChat-1M and -4.8M). `country` and `hashed_ip` are the row's own majority
 * votes; the row's `timestamp` is that of the last turn, so the earliest of the messages is taken where there is one.
 * Request headers and states are not even read.
 */
function convert(row: Record<string, unknown>): RawConversation {
  const wild = row as z.infer<typeof Row>;
  const times = wild.conversation
    .map((message) => utc(message.timestamp))
    .filter((time) => time !== null)
    .sort();
  return {
    source_id: wild.conversation_hash,
    user: wild.hashed_ip ?? null,
    country: wild.country ?? null,
    language: wild.language ?? null,
    model: wild.model ?? null,
    started_at: times[0] ?? utc(wild.timestamp),
    ended_at: utc(wild.timestamp) ?? times.at(-1) ?? null,
    turns: wild.conversation,
    redacted: wild.redacted ?? null,
    toxic: wild.toxic ?? null,
  };
}

const needs = [
  "conversation_hash",
  "model",
  "timestamp",
  "conversation",
  "language",
  "toxic",
  "redacted",
  "country",
  "hashed_ip",
];
const message = "{'role': m.role, 'content': m.content, 'timestamp': m.timestamp}";
const whole = `list_transform(conversation, lambda m: ${message})`;
/** True where `Row` would find no fault with the messages, which is told before anything else is. */
const isSound = "list_bool_and(list_transform(conversation, lambda m: m.role IS NOT NULL AND m.content IS NOT NULL))";

/** The columns as SQL: all of the text where it is read, none of it where it is not. */
function expressions(unread: string | null): string {
  const conversation = unread === null ? whole : `CASE WHEN (${unread}) AND ${isSound} THEN [] ELSE ${whole} END`;
  return needs.map((name) => (name === "conversation" ? `${conversation} AS conversation` : `"${name}"`)).join(", ");
}

function wildchat(name: string, summary: string, hub: Source["hub"]): Source {
  return {
    name,
    summary,
    hub,
    license: "odc-by",
    credit: "WildChat: Zhao et al. 2024, arXiv 2405.01470, Allen Institute for AI",
    row: () => Row,
    fields: () => ({ id: "conversation_hash", personal: ["hashed_ip"] }),
    select: (unread = null) => ({ needs, sql: expressions(unread) }),
    convert,
  };
}

/** 837,989 conversations without the toxic ones, 14 shards; what the paper used. The commit is one that public code pins. */
export const wildchat1m = wildchat("wildchat-1m", "allenai/WildChat-1M, 837,989 conversations with ChatGPT", {
  repo: "allenai/WildChat-1M",
  revision: "7d6490e462285cf85d91eabea0f9a954fbddcd1f",
  files: ["data/train-*.parquet"],
});

/** 3,199,860 conversations, 86 shards. Times have no zone and are UTC; the messages' other fields differ, none is used. */
export const wildchat48m = wildchat("wildchat-4.8m", "allenai/WildChat-4.8M, 3,199,860 conversations with ChatGPT", {
  repo: "allenai/WildChat-4.8M",
  revision: "c827c6df8fcf008219ffaffa4d1dd77491099367",
  files: ["data/train-*.parquet"],
});
