import { z } from "zod";
import { InputError } from "../../pipeline/errors.ts";
import { parseLine, readLines } from "../../pipeline/files/jsonl.ts";
import { conversationId } from "../sources/source.ts";
import { readIntent } from "./prompt.ts";
import { noIntent, type Provider } from "./provider.ts";

/** One line of a file of recorded intents; further fields are passed over. */
const Recorded = z.object({ conversation_id: z.string(), intent: z.string(), model: z.string().nullish() });

/**
 * Intents from a JSONL file (`conversation_id`, `intent`, optionally `model`; plain, `.gz` or `.zst`).
 * Memory: the intents of the conversations in `wanted`. An id may be the source's own, without the source before it. A conversation that is not in the file has the status `no_intent`.
 * Throws InputError at the first line that is not such an object, or that says something else of the same conversation.
 */
export async function recorded(
  path: string,
  { wanted, source }: { wanted: ReadonlySet<string>; source: string },
  prefix: string,
  signal: AbortSignal,
): Promise<Provider> {
  const intents = new Map<string, z.infer<typeof Recorded>>();
  for await (const line of readLines(path, signal)) {
    const row = read(line, path);
    const id = [row.conversation_id, conversationId(source, row.conversation_id)].find((each) => wanted.has(each));
    if (id === undefined) continue;
    const before = intents.get(id);
    if (before && before.intent !== row.intent)
      throw new InputError(`${path}:${line.number}: a second, different intent for ${row.conversation_id}; keep one`);
    intents.set(id, row);
  }
  return {
    intentOf({ id }) {
      const found = intents.get(id);
      if (!found) return noIntent("no_intent", "recorded");
      return { ...noIntent("ok", "recorded"), ...readIntent(found.intent, prefix), model: found.model ?? null };
    },
  };
}

function read(line: { number: number; bytes: Buffer }, path: string): z.infer<typeof Recorded> {
  try {
    return Recorded.parse(parseLine(line));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new InputError(`${path}:${line.number}: expected an object with conversation_id and intent: ${why}`, {
      cause,
    });
  }
}
