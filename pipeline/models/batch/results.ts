import type OpenAI from "openai";
import { z } from "zod";
import type { Journal } from "../journal.ts";
import { costOf } from "../prices.ts";
import { isCounted, oddAnswer, readBody } from "../server-answer.ts";
import type { Price } from "../server-options.ts";

/** One line of an output or error file. Further fields are passed over. */
const ResultLine = z.object({
  custom_id: z.string(),
  response: z.object({ status_code: z.coerce.number().catch(200), body: z.unknown() }),
});

/** What lines of results are for. */
export interface ResultsParts {
  readonly journal: Journal;
  readonly price: Price | null;
  /** The model that was asked for. */
  readonly requestedModel: string;
  readonly client: Pick<OpenAI, "baseURL" | "apiKey">;
  /** Requests of the batch that have no answer yet, with the most that each can cost; those that get one are taken out. */
  readonly waiting: Map<string, number | null>;
}

/**
 * Takes one line of an output or error file into the journal, by the rules for answers that come one by one. Lines come in
 * any order, some twice, some never, some for requests that were answered elsewhere in the meantime: only the first final
 * answer to a request that waits is taken. A line that is no final answer leaves the request among those that wait, and
 * what it was billed for is counted.
 */
export function takeResult(line: unknown, { journal, price, requestedModel, client, waiting }: ResultsParts): void {
  const parsed = ResultLine.safeParse(line);
  if (!parsed.success || !waiting.has(parsed.data.custom_id)) return;
  const { custom_id: key, response } = parsed.data;
  const worst = waiting.get(key) ?? null;
  const got = readBody(response.body, { status: response.status_code, headers: null }, client);
  const about = { key, requested_model: requestedModel, mode: "batch" as const };
  if (got.kind === "again" && got.billed !== "nothing") {
    const usd = got.billed === "unknown" ? worst : costOf(got.billed, price, "batch");
    journal.add({ ...about, status: "lost", usd });
  }
  if (got.kind !== "answer" && got.kind !== "odd") return;
  waiting.delete(key);
  const answer = got.kind === "odd" ? oddAnswer(got.said) : got.answer;
  const usd = isCounted(answer) ? costOf(answer, price, "batch") : worst;
  journal.add({ ...about, ...answer, usd });
}
