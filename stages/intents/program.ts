/**
 * The requests that the intent of one conversation takes, one after the other: the question, and where the answer makes it
 * necessary the same with fewer turns, with twice the token limit, or with a word on what was wrong.
 */
import { isPromptCut } from "../../pipeline/models/cut-prompt.ts";
import type { Answer } from "../../pipeline/models/journal.ts";
import { BYTES_A_TOKEN, type ChatRequest, type Program, requestKey } from "../../pipeline/models/request.ts";
import { spoken } from "../../pipeline/models/spoken.ts";
import type { Turn } from "../../schemas/conversation.ts";
import { complaint, type Fault, readAnswer, type Shape } from "./answer.ts";
import { ROLE } from "./options.ts";
import { fillPrompt, type Prompt } from "./prompt.ts";

/** What decides the requests. */
export interface Question extends Shape {
  readonly prompt: Prompt;
  readonly model: string;
  readonly temperature: number | null;
  readonly maxOutputTokens: number;
  readonly tokenLimitName: "max_completion_tokens" | "max_tokens";
  /** Tokens that the model takes at a time; null = not known. */
  readonly contextTokens: number | null;
  /** More fields of a request, for one's own server. */
  readonly request: Readonly<Record<string, unknown>>;
  /** True for a request that must not be sent, since it and its answer may take more tokens than were allowed. */
  readonly isTooMuch?: (request: ChatRequest) => boolean;
}

/** What became of a conversation. `status` is that of its intent. */
export interface Outcome {
  readonly status: "ok" | "invalid" | Exclude<Answer["status"], "answered">;
  readonly intent: string | null;
  /** What was wrong with the last answer; null = nothing, or it did not come to that. */
  readonly fault: Fault | null;
  readonly truncated: boolean;
  /** True if the server itself has left out a part of a prompt, by its own count of tokens. */
  readonly promptCut: boolean;
  readonly answers: readonly Answer[];
}

/**
 * Of an answer that was cut off before anything was said, how many tokens thinking took of how many; null = it was not,
 * or nothing tells of thoughts.
 */
export function thoughtAll(answer: Answer | undefined): { thinking: number; limit: number } | null {
  if (answer?.status !== "cut_off" || spoken(answer.text ?? "").trim() !== "") return null;
  const limit = answer.output_tokens ?? 0;
  // A server that does not count thoughts may have left them in the text.
  const thinking = answer.thinking_tokens ?? (answer.text?.trim() ? limit : 0);
  return thinking > 0 && thinking >= 0.9 * limit ? { thinking, limit } : null;
}

/** What to do where a model thinks until nothing is left to say it with. */
export const AGAINST_THOUGHTS =
  'raise models.intents.maxOutputTokens, or let it think less, such as by --request \'{"reasoning_effort":"low"}\' (models.intents.request)';

/** How often turns are left out, each time twice as many, before a conversation is given up as too long. */
const MOST_CUTS = 3;

/** The requests that a conversation takes, each to be followed by its answer, and in the end what became of it. */
export function* intentProgram(turns: readonly Turn[], question: Question): Program<Outcome> {
  const answers: Answer[] = [];
  let request = firstRequest(turns, question);
  let cuts = 0;
  let longer = false;
  let again = false;
  let promptCut = false;
  const end = (status: Outcome["status"], more: { intent?: string; fault?: Fault } = {}): Outcome => {
    return {
      status,
      intent: more.intent ?? null,
      fault: more.fault ?? null,
      truncated: cuts > 0 || promptCut,
      promptCut,
      answers,
    };
  };
  const cut = (): boolean => {
    const fewer = cuts < MOST_CUTS ? withoutMiddle(turns, question, 0.5 ** cuts) : null;
    if (fewer === null) return false;
    cuts++;
    request = firstRequest(fewer, question);
    return true;
  };
  while (question.isTooMuch?.(request)) if (!cut()) return end("too_long");
  for (;;) {
    const answer = yield { role: ROLE, request, key: requestKey(request, question.prompt.version) };
    answers.push(answer);
    promptCut ||= isPromptCut(request, answer.input_tokens);
    if (answer.status === "too_long") {
      if (!cut()) return end("too_long");
    } else if (answer.status === "cut_off" && !longer) {
      longer = true;
      request = { ...request, [question.tokenLimitName]: 2 * question.maxOutputTokens };
    } else if (answer.status === "answered") {
      const read = readAnswer(answer.text, question, turns);
      if (read.kind === "intent") return end("ok", { intent: read.intent });
      if (read.kind === "refused") return end("refused");
      if (again) return end("invalid", { fault: read.fault });
      again = true;
      request = withComplaint(request, answer, complaint(read.fault, question));
    } else return end(answer.status);
  }
}

/** What a conversation is asked first. */
export function firstRequest(turns: readonly Turn[], question: Question): ChatRequest {
  return {
    model: question.model,
    messages: [{ role: "user", content: fillPrompt(question.prompt, { turns }) }],
    [question.tokenLimitName]: question.maxOutputTokens,
    ...(question.temperature !== null && { temperature: question.temperature }),
    ...question.request,
  };
}

function withComplaint(request: ChatRequest, { text }: Answer, content: string): ChatRequest {
  const said: ChatRequest["messages"] = text?.trim() ? [{ role: "assistant", content: text }] : [];
  return { ...request, messages: [...request.messages, ...said, { role: "user", content }] };
}

/**
 * The turns without those in the middle: turns from the beginning and the end, in turn, while they fit in three quarters
 * of the model's context or, where that is not known, in half of the conversation; `share`: of that room. Null if no turn
 * can be left out, or none would stay.
 */
function withoutMiddle(turns: readonly Turn[], question: Question, share: number): Turn[] | null {
  const bytes = turns.map(({ content }) => Buffer.byteLength(content) + 16);
  const all = bytes.reduce((sum, each) => sum + each, 0);
  const whole =
    question.contextTokens === null
      ? all / 2
      : 0.75 * BYTES_A_TOKEN * (question.contextTokens - question.maxOutputTokens) -
        Buffer.byteLength(question.prompt.text);
  const room = share * Math.min(whole, all);
  let used = 0;
  const take = (at: number) => {
    const fits = used + (bytes[at] ?? 0) <= room;
    if (fits) used += bytes[at] ?? 0;
    return fits;
  };
  let [head, tail] = [0, 0];
  let [headFits, tailFits] = [true, true];
  while (head + tail < turns.length && (headFits || tailFits)) {
    const atHead = headFits && (head <= tail || !tailFits);
    if (!atHead) tailFits = take(turns.length - 1 - tail) && ++tail > 0;
    else headFits = take(head) && ++head > 0;
  }
  if (head === 0 || head + tail >= turns.length) return null;
  const left = turns.length - head - tail;
  const gap: Turn = { role: "user", content: `[${left} turns left out]` };
  return [...turns.slice(0, head), gap, ...turns.slice(turns.length - tail)];
}
