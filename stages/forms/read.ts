/** Rows of a finished dataset, of any form -> what the model sees. */
import { z } from "zod";
import type { ChatFormat } from "../../pipeline/text/chat-template/chat-format.ts";
import type { Form, ModelInput } from "./form.ts";
import { FORM_NAMES, formNamed } from "./index.ts";

/** What a model sees of a row; null = it is a row of no form. */
export function modelInput(row: unknown, chat: ChatFormat): ModelInput | null {
  for (const name of FORM_NAMES) {
    const found = readAs(formNamed(name), row, chat);
    if (found) return found;
  }
  return null;
}

/** No two forms have the same columns and mean different things, so the order in which they are tried is of no account. */
function readAs({ columns, toldBy, read }: Form, row: unknown, chat: ChatFormat): ModelInput | null {
  const own = toldBy ? columns.pick(Object.fromEntries(toldBy.map((name) => [name, true])) as never) : columns;
  const parsed = z.object(own.shape).safeParse(row);
  return parsed.success ? read(parsed.data, chat, row as Record<string, unknown>) : null;
}
