import { z } from "zod";
import { Conversation, Turn } from "../../schemas/conversation.ts";
import { Sample } from "../../schemas/sample.ts";

const { source, language, country, model, user_id } = Conversation.shape;

/** A row of a dataset in form `samples`, as it is read back from a file. */
export const DatasetRow = z.strictObject({
  ...Sample.omit({ context_turns: true, weight: true }).shape,
  source,
  intent: z.string().nullable(),
  context: z.array(Turn),
  target: z.string().min(1),
  language,
  country,
  model,
  user_id,
  context_tokens: z.int().nullable(),
  target_tokens: z.int().nullable(),
  dropped_turns: z.int().min(0),
});
export type DatasetRow = z.infer<typeof DatasetRow>;
