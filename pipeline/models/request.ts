import type OpenAI from "openai";
import { digest } from "../hash.ts";
import type { Answer } from "./journal.ts";

/** A chat completion to be asked for. */
export type ChatRequest = OpenAI.ChatCompletionCreateParamsNonStreaming;

/** Bytes of UTF-8 a token, on the small side for English. */
export const BYTES_A_TOKEN = 3.3;

/**
 * What a request is known by: what is asked, the version of the prompt that it was made from, and which of several
 * answers to the same request it is, from 0. Equal keys share one answer; so ten samples of one prompt are ten rollouts.
 */
export function requestKey(request: ChatRequest, promptVersion: string, rollout = 0): string {
  return digest({ ...request, prompt_version: promptVersion, ...(rollout > 0 && { rollout }) });
}

/** Most tokens that the answer to a request may have. */
export function outputLimit(request: ChatRequest): number {
  return request.max_completion_tokens ?? request.max_tokens ?? 0;
}

/** Bytes of the texts of a request: no byte-level tokenizer makes more tokens of them. */
export function inputBytes(request: ChatRequest): number {
  return request.messages.reduce((sum, { content }) => sum + Buffer.byteLength(String(content ?? "")), 0);
}

/** A request of a program, with the role of the model that is to answer it. */
export interface ModelRequest {
  readonly role: string;
  readonly request: ChatRequest;
  /** See `requestKey`. */
  readonly key: string;
}

/**
 * A conversation with language models as a generator: it yields requests, is given their answers, and ends with a result.
 * It knows no network and no journal. Which request comes next follows from the answers alone, so a run that goes on asks
 * exactly what the first would have asked.
 */
export type Program<Result> = Generator<ModelRequest, Result, Answer>;

/** What a program comes to with the answers that are there: its result, or the first request that has none. */
export function replay<Result>(
  program: Program<Result>,
  find: (key: string) => Answer | undefined,
): { readonly request: ModelRequest } | { readonly result: Result } {
  let step = program.next();
  while (!step.done) {
    const answer = find(step.value.key);
    if (!answer) return { request: step.value };
    step = program.next(answer);
  }
  return { result: step.value };
}
