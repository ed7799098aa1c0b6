import { z } from "zod";
import type { RawConversation, Source } from "./source.ts";
import { Time, utc } from "./time.ts";

const Row = z.object({
  conversation_id: z.string().min(1),
  model: z.string().nullish(),
  timestamp: Time,
  conversation: z.array(z.object({ role: z.string(), content: z.string() })),
  language: z.string().nullish(),
  toxic: z.boolean().nullish(),
  redacted: z.boolean().nullish(),
});

/** A row of the older allenai/WildChat. Its time is that of the last turn; when the conversation began is not known. */
function convert(row: Record<string, unknown>): RawConversation {
  const wild = row as z.infer<typeof Row>;
  return {
    source_id: wild.conversation_id,
    user: null,
    country: null,
    language: wild.language ?? null,
    model: wild.model ?? null,
    started_at: utc(wild.timestamp),
    ended_at: utc(wild.timestamp),
    turns: wild.conversation,
    redacted: wild.redacted ?? null,
    toxic: wild.toxic ?? null,
  };
}

const needs = ["conversation_id", "model", "timestamp", "conversation", "language", "toxic", "redacted"];
const message = "{'role': m.role, 'content': m.content}";
const sql = needs
  .map((name) =>
    name === "conversation" ? `list_transform(conversation, lambda m: ${message}) AS conversation` : `"${name}"`,
  )
  .join(", ");

/** The release before WildChat-1M. No commit of it is known to be pinned in public: the one that `main` is, is noted in the plan. */
export const wildchatOld: Source = {
  name: "wildchat",
  summary:
    "allenai/WildChat, the older release of 529,428 conversations with ChatGPT; it has no hashed IP and no country, so that every conversation stands alone and the same person may be in every split",
  hub: { repo: "allenai/WildChat", revision: "main", files: ["data/train-*.parquet"] },
  license: "odc-by",
  credit: "WildChat: Zhao et al. 2024, arXiv 2405.01470, Allen Institute for AI",
  noUsers: "this older release has no hashed IP and no country; wildchat-1m has both",
  defaults: { split: { by: "groups" } },
  row: () => Row,
  fields: () => ({ id: "conversation_id", personal: [] }),
  select: () => ({ needs, sql }),
  convert,
};
