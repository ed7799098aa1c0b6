import { setTimeout as sleep } from "node:timers/promises";
import OpenAI, { APIConnectionError, APIError, APIUserAbortError } from "openai";
import { LimitError, RemoteError, systemCode, UsageError } from "../../pipeline/errors.ts";
import type { World } from "../../pipeline/plan.ts";
import { digest } from "../../pipeline/random.ts";
import type { Conversation } from "../../schemas/conversation.ts";
import type { Journal, JournalEntry } from "./journal.ts";
import { fillPrompt, type Prompt, readIntent } from "./prompt.ts";
import { noIntent, type Provider, type Reply } from "./provider.ts";

/** What decides the text of an answer, and how it is asked for. */
export interface OpenAIOptions {
  readonly model: string;
  readonly baseUrl: string | null;
  readonly temperature: number | null;
  readonly maxOutputTokens: number;
  readonly tokenLimitName: "max_completion_tokens" | "max_tokens";
  readonly intentPrefix: string;
  readonly concurrency: number;
  readonly tries: number;
  readonly timeoutSeconds: number;
}

/**
 * Key and address of the server. Throws UsageError if there is neither, or if one of them cannot be used: checked here
 * since `fetch` would repeat a header or address that it cannot use, secret included, in its own message.
 */
export function serverAccess(
  options: Pick<OpenAIOptions, "baseUrl">,
  env: NodeJS.ProcessEnv,
): { apiKey: string; baseURL: string | undefined } {
  const apiKey = env["OPENAI_API_KEY"]?.trim() || undefined;
  const baseURL = options.baseUrl || env["OPENAI_BASE_URL"] || undefined;
  if (apiKey === undefined && baseURL === undefined) {
    throw new UsageError(
      "--intents openai needs OPENAI_API_KEY in the environment, or --base-url of a server that needs none; --intents none makes samples without intents",
    );
  }
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new UsageError("OPENAI_API_KEY holds a character that no key has (a space, line break or curly quote?)");
  }
  const url = baseURL !== undefined && URL.canParse(baseURL) ? new URL(baseURL) : null;
  const isPlain = url !== null && /^https?:$/.test(url.protocol) && !url.username && !url.password;
  if (baseURL !== undefined && !isPlain) {
    throw new UsageError(
      "--base-url (or OPENAI_BASE_URL) is not a plain http(s) address without user name and password, such as http://localhost:8000/v1",
    );
  }
  return { apiKey: apiKey ?? "none", baseURL };
}

type Request = OpenAI.ChatCompletionCreateParamsNonStreaming;
/** A final answer, or that it is worth trying again, after `waitMs` if the server says so. */
type Attempt = Omit<JournalEntry, "key"> | { again: string; waitMs: number | null };

/** The longest time that a server may make us wait before a retry. */
const LONGEST_WAIT_MS = 60_000;

/**
 * Intents from any server that speaks OpenAI's chat completions. Every final answer goes through the journal, so that equal
 * requests are sent once. Retries are ours, not the SDK's: that obeys any Retry-After and does not time out a stalled body.
 * Throws UsageError for a refused key, model or parameter, LimitError when the account's quota is used up, and
 * RemoteError when the server still fails after all tries.
 */
export function openai(
  options: OpenAIOptions,
  prompt: Prompt,
  journal: Journal,
  world: World,
  signal: AbortSignal,
): Provider {
  const { apiKey, baseURL } = serverAccess(options, world.env);
  const client = new OpenAI({
    apiKey,
    ...(baseURL && { baseURL }),
    maxRetries: 0,
    fetch: world.fetch,
  });
  const underway = new Map<string, Promise<JournalEntry>>();

  const answer = async (request: Request, key: string): Promise<JournalEntry> => {
    const entry = { key, ...(await askUntilFinal(client, request, options, signal)) };
    journal.add(entry);
    return entry;
  };

  return {
    concurrency: options.concurrency,
    readsText: true,
    async intentOf(conversation) {
      const request = requestFor(conversation, prompt, options);
      const key = digest({ ...request, prompt_version: prompt.version });
      const known = journal.get(key);
      if (known) return replyFrom(known, prompt, options);
      const asked = underway.get(key) ?? answer(request, key).finally(() => underway.delete(key));
      underway.set(key, asked);
      return replyFrom(await asked, prompt, options);
    },
    async close() {
      await Promise.allSettled(underway.values());
      journal.close();
    },
  };
}

function requestFor(conversation: Pick<Conversation, "turns">, prompt: Prompt, options: OpenAIOptions): Request {
  return {
    model: options.model,
    messages: [{ role: "user", content: fillPrompt(prompt, conversation) }],
    [options.tokenLimitName]: options.maxOutputTokens,
    ...(options.temperature !== null && { temperature: options.temperature }),
  };
}

function replyFrom(entry: JournalEntry, prompt: Prompt, options: OpenAIOptions): Reply {
  const { status, text, model, input_tokens, output_tokens } = entry;
  const read = status === "answered" ? readIntent(text, options.intentPrefix) : { status, intent: null };
  return {
    ...noIntent("ok", "generated"),
    ...read,
    model,
    prompt_version: prompt.version,
    input_tokens,
    output_tokens,
  };
}

async function askUntilFinal(
  client: OpenAI,
  request: Request,
  options: OpenAIOptions,
  signal: AbortSignal,
): Promise<Omit<JournalEntry, "key">> {
  for (let attempt = 1; ; attempt++) {
    const got = await ask(client, request, options, signal);
    if (!("again" in got)) return got;
    if (attempt >= options.tries)
      throw new RemoteError(
        `${client.baseURL}: gave up after ${attempt} tries: ${got.again}; run the same command again to go on`,
      );
    const backoff = Math.random() * Math.min(LONGEST_WAIT_MS, 500 * 2 ** attempt);
    await sleep(Math.min(LONGEST_WAIT_MS, Math.max(got.waitMs ?? 0, backoff)), undefined, { signal });
  }
}

async function ask(client: OpenAI, request: Request, options: OpenAIOptions, signal: AbortSignal): Promise<Attempt> {
  const deadline = AbortSignal.timeout(1000 * options.timeoutSeconds);
  try {
    const completion = await client.chat.completions.create(request, { signal: AbortSignal.any([signal, deadline]) });
    return readCompletion(completion);
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.aborted) return { again: `no answer within ${options.timeoutSeconds} s`, waitMs: null };
    return readFailure(error, client);
  }
}

function readCompletion(completion: OpenAI.ChatCompletion): Attempt {
  const choice = (completion as OpenAI.ChatCompletion | null)?.choices?.[0];
  if (!choice?.message) return { again: "an answer that is not a chat completion", waitMs: null };
  const refused = Boolean(choice.message.refusal) || choice.finish_reason === "content_filter";
  return {
    status: refused ? "refused" : choice.finish_reason === "length" ? "cut_off" : "answered",
    text: refused ? null : choice.message.content,
    model: completion.model ?? null,
    input_tokens: completion.usage?.prompt_tokens ?? null,
    output_tokens: completion.usage?.completion_tokens ?? null,
  };
}

function readFailure(error: unknown, { baseURL, apiKey }: OpenAI): Attempt {
  const final = (status: JournalEntry["status"]) => {
    return { status, text: null, model: null, input_tokens: null, output_tokens: null };
  };
  if (error instanceof APIUserAbortError || error instanceof APIConnectionError || isBrokenBody(error)) {
    return { again: `connection failed (${systemCode(error) ?? (error as Error).message})`, waitMs: null };
  }
  if (error instanceof SyntaxError) return { again: "an answer that is not JSON", waitMs: null };
  if (!(error instanceof APIError)) throw error;
  const { status, code, message } = error;
  if (code === "context_length_exceeded" || (status === 400 && TOO_LONG.test(message))) return final("too_long");
  if (code === "content_filter" || code === "content_policy_violation") return final("refused");
  if (code === "insufficient_quota") {
    throw new LimitError(
      `${baseURL}: the account's quota is used up; what is done is kept, run the same command again to go on`,
    );
  }
  if (status === 408 || status === 409 || status === 429 || (status ?? 0) >= 500) {
    return { again: `HTTP ${status}`, waitMs: retryAfter(error) };
  }
  // Without the cause, which holds the request: a server may repeat the key that it refuses.
  throw new UsageError(`${baseURL}: HTTP ${message}`.replaceAll(String(apiKey), "(key)"));
}

/** How servers without OpenAI's error codes say that a conversation is too long for the model. */
const TOO_LONG = /maximum context length|exceeds? the (available )?context/i;

/** A body that ends early comes as undici's own TypeError, which the SDK passes on as it is. */
function isBrokenBody(error: unknown): boolean {
  return error instanceof TypeError && error.cause instanceof Error;
}

/** Milliseconds that the server asks us to wait; null = it says nothing. */
function retryAfter(error: InstanceType<typeof APIError>): number | null {
  const header = error.headers?.get("retry-after");
  if (!header) return null;
  const ms = /^\d+(\.\d+)?$/.test(header) ? 1000 * Number(header) : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}
