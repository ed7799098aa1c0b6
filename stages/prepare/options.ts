import { z } from "zod";
import { ChatColumns } from "../sources/chat.ts";
import { ROW_KIND_NAMES } from "../sources/logs/index.ts";

/** The options of `prepare`: which conversations stay, what is repaired, and where columns of one's own logs are. */
export const PrepareOptions = z.strictObject({
  language: z
    .string()
    .min(1)
    .default("English")
    .describe("language of the conversations to keep, by its English name or its code, or `any`"),
  unknownLanguage: z
    .enum(["keep", "drop"])
    .default("keep")
    .describe("conversations whose language the source does not say"),
  toxic: z.enum(["drop", "keep"]).default("drop").describe("conversations that the source flags as toxic"),
  redacted: z
    .enum(["keep", "drop"])
    .default("keep")
    .describe("conversations from which the source removed personal data"),
  roles: z
    .enum(["reject", "repair"])
    .default("reject")
    .describe(
      "system turns, tool turns and broken alternation: reject, or leave out system turns, tool turns and leading assistant turns and join neighbours of one role with a blank line",
    ),
  repeats: z
    .enum(["drop", "keep"])
    .default("drop")
    .describe("rows whose id was seen before (WildChat: the same content): keep the earliest, or all under new ids"),
  paths: z
    .enum(["best", "leaves"])
    .default("best")
    .describe(
      "source `oasst2`: the best-ranked path of each message tree (of equal ranks the smaller message id), or one path for each of its leaves",
    ),
  maxBadRows: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe("share of rows that may fail their schema before the run stops"),
  maxRowBytes: z
    .int()
    .min(1000)
    .max(64e6)
    .default(64e6)
    .describe("most bytes of a row of the input; a larger one is rejected, and never held in memory"),
  rows: z
    .enum(ROW_KIND_NAMES)
    .nullable()
    .default(null)
    .describe(
      "source `chat`: what a row is: a conversation, a prompt and its answer (pair), or, of conversations with their id in common, a message or a prompt and its answer (exchange); null = found by its columns",
    ),
  timeFormat: z
    .string()
    .includes("%", { error: "expected a format such as %d/%m/%Y %H:%M" })
    .nullable()
    .default(null)
    .describe(
      "source `chat`: how times are written that are no ISO 8601, such as %d/%m/%Y %H:%M; %Z is their zone, else they are UTC",
    ),
  roleMap: z
    .record(z.string(), z.enum(["user", "assistant", "system", "tool"]))
    .default({})
    .describe("source `chat`: who is meant by names of roles of one's own, such as caller=user,desk=assistant"),
  columns: ChatColumns.prefault({}).describe(
    "source `chat`: which column holds what, such as id=conversation_id,user=who",
  ),
});
export type PrepareOptions = z.infer<typeof PrepareOptions>;
