import { z } from "zod";
import type { RawConversation, Source } from "./source.ts";

const Row = z.object({
  conversation_id: z.string().min(1),
  model: z.string().nullish(),
  conversation: z.array(z.object({ role: z.string(), content: z.string() })),
  language: z.string().nullish(),
  openai_moderation: z.array(z.object({ flagged: z.boolean().nullish() })).nullish(),
  redacted: z.boolean().nullish(),
});

/** A row of LMSYS-Chat-1M (Zheng et al. 2023). It names no user, no country and no time; a message that is flagged makes it toxic. */
function convert(row: Record<string, unknown>): RawConversation {
  const lmsys = row as z.infer<typeof Row>;
  return {
    source_id: lmsys.conversation_id,
    user: null,
    country: null,
    language: lmsys.language ?? null,
    model: lmsys.model ?? null,
    started_at: null,
    turns: lmsys.conversation,
    redacted: lmsys.redacted ?? null,
    toxic: lmsys.openai_moderation?.some((each) => each.flagged === true) ?? null,
  };
}

const needs = ["conversation_id", "model", "conversation", "language", "openai_moderation", "redacted"];
const moderation = "list_transform(openai_moderation, lambda m: {'flagged': m.flagged}) AS openai_moderation";

/** A million conversations, gated on the Hub. The commit is one that public code pins. */
export const lmsysChat1m: Source = {
  name: "lmsys-chat-1m",
  summary:
    "lmsys/lmsys-chat-1m, 1,000,000 conversations with 25 models; it names no users, so that every conversation stands alone and the same person may be in every split",
  hub: {
    repo: "lmsys/lmsys-chat-1m",
    revision: "200748d9d3cddcc9d782887541057aca0b18c5da",
    files: ["data/train-*.parquet"],
  },
  license: "other",
  credit:
    "LMSYS-Chat-1M: Zheng et al. 2023, arXiv 2309.11998, under its own agreement, which does not let its text be passed on",
  noUsers: "it names neither users nor countries",
  defaults: { split: { by: "groups" } },
  row: () => Row,
  fields: () => ({ id: "conversation_id", personal: [] }),
  select: () => ({
    needs,
    sql: needs.map((name) => (name === "openai_moderation" ? moderation : `"${name}"`)).join(", "),
  }),
  convert,
};
