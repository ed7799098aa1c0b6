import { z } from "zod";
import { artefactsOf, passing, rejections, table } from "../../pipeline/artefact.ts";
import { Intent } from "../../schemas/intent.ts";

/** Folder of the stage with what was paid for. */
export const JOURNAL = "journal";
/** Folder of the stage with what was fetched. */
export const IMPORT = "import";

/** What was published of one conversation; a conversation of which nothing was has no row. */
const Imported = z.strictObject({
  conversation_id: z.string(),
  /** Null = several intents were published for its text. */
  intent: z.string().nullable(),
  model: z.string().nullable(),
});
/** See its schema. */
export type Imported = z.infer<typeof Imported>;

/** What `intents` writes. */
export const conditioned = artefactsOf("intents", {
  intents: table(Intent, "the goal of one conversation, or why there is none"),
  rejections: rejections(),
  imported: passing(table(Imported, "what was published of the conversations of a shard")),
});
