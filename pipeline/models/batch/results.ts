import type OpenAI from "openai";
import { z } from "zod";
import { readCompletion, readError } from "../client.ts";
import type { Journal } from "../journal.ts";
import { costOf } from "../prices.ts";
import type { Price } from "../server-options.ts";

/** One line of an output or error file. Further fields are passed over. */
const ResultLine = z.object({
  custom_id: z.string(),
  response: z.object({ status_code: z.int(), body: z.unknown() }).nullish(),
  error: z.object({ code: z.string().nullish(), message: z.string().nullish() }).nullish(),
});

const ErrorBody = z.object({
  error: z.object({ code: z.string().nullish(), type: z.string().nullish(), message: z.string().nullish() }),
});

/** What lines of results are for. */
export interface ResultsParts {
  readonly journal: Journal;
  readonly price: Price | null;
  /** The model that was asked for. */
  readonly requestedModel: string;
  readonly client: Pick<OpenAI, "baseURL" | "apiKey">;
  /** Requests of the batch that have no answer yet; those that get one are taken out. */
  readonly waiting: Set<string>;
}

/**
 * Takes one line of an output or error file into the journal. Lines come in any order, some twice, some never, some for
 * requests that were answered elsewhere in the meantime: only the first final answer to a request that waits is taken.
 * A line that says that the request did not come to its end changes nothing: the request stays among those that wait.
 */
export function takeResult(line: unknown, { journal, price, requestedModel, client, waiting }: ResultsParts): void {
  const parsed = ResultLine.safeParse(line);
  if (!parsed.success || !waiting.has(parsed.data.custom_id)) return;
  const { custom_id: key, response } = parsed.data;
  if (!response) return;
  const got = response.status_code === 200 ? completionIn(response.body) : errorIn(response, client);
  if (got.kind !== "answer") return;
  waiting.delete(key);
  const usd = costOf(got.answer, price, "batch");
  journal.add({ key, requested_model: requestedModel, mode: "batch", ...got.answer, usd });
}

function completionIn(body: unknown) {
  return readCompletion(body as OpenAI.ChatCompletion | null, null);
}

function errorIn({ status_code, body }: { status_code: number; body: unknown }, client: ResultsParts["client"]) {
  const { error } = ErrorBody.safeParse(body).data ?? { error: {} };
  const said = { status: status_code, code: error.code ?? error.type ?? null, message: error.message ?? "" };
  return readError(said, null, client, false);
}
