// A small OpenAI on loopback: POST /v1/chat/completions without streaming, as OpenAI answers it. It can be told to refuse,
// fail, cut its answers short, fall silent or talk nonsense, request by request.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** The body of a request: what is asked for, and how. */
export type ChatRequest = {
  model: string;
  messages: { role: string; content: string }[];
  [parameter: string]: unknown;
};

/** One request as it arrived. `answered` turns true when a whole completion was sent. */
type ChatRequestRecord = {
  path: string;
  authorization: string | null;
  body: ChatRequest;
  /** The content of the last message. */
  prompt: string;
  answered: boolean;
  /** The model was at work: a bill would have it. */
  isBilled: boolean;
  usage: { input_tokens: number; output_tokens: number };
};

/** How one request is answered. `afterBytes` counts bytes of the body; null = not even the head of the answer is sent. */
export type Behaviour =
  | { kind: "answer"; text: string | null; finish?: "stop" | "length" | "content_filter"; cachedTokens?: number }
  | { kind: "refusal"; text: string }
  | { kind: "error"; status: number; code: string | null; message: string; headers?: Record<string, string> }
  | { kind: "cut"; afterBytes: number | null }
  | { kind: "stall"; afterBytes: number | null }
  | { kind: "body"; body: string | Buffer; type: string; headers?: Record<string, string> };

export type ServerSetup = {
  /** What is answered where nothing else was scripted. */
  answer: (request: ChatRequest) => string;
  /** How long the answer takes, in milliseconds. */
  delayMs?: (request: ChatRequest) => number;
  /** Headers of every answer, such as `x-ratelimit-limit-requests`. */
  headers?: Record<string, string>;
  /** Default: a free one. */
  port?: number;
};

/** The running server. `script` queues one entry a request (null: answers); `always` is used when the queue is empty. */
export type OpenAIServer = {
  /** Base URL, as `--base-url` wants it. */
  url: string;
  requests: ChatRequestRecord[];
  /** The most requests that were under way at a time. */
  mostAtOnce: () => number;
  script(...behaviours: (Behaviour | null)[]): void;
  always(behaviour: Behaviour | null): void;
  close(): Promise<void>;
};

/** The errors of OpenAI that a client meets, in their shape, in our words. */
export const errors = {
  wrongKey: (key: string): Behaviour => error(401, "invalid_api_key", `This API key is not right: ${key}`),
  unknownModel: error(404, "model_not_found", "The model does not exist or you may not use it"),
  tooLong: error(400, "context_length_exceeded", "The messages have more tokens than the model takes"),
  contentFilter: error(400, "content_filter", "The content policy was triggered by the prompt"),
  badParameter: error(400, "unsupported_parameter", "Unsupported parameter: 'max_completion_tokens'"),
  noQuota: error(429, "insufficient_quota", "You have used up your quota"),
  noMoney: error(429, "billing_hard_limit_reached", "The billing limit is reached"),
  forbidden: error(403, "unsupported_country_region_territory", "Not from here"),
  odd: error(400, "invalid_prompt", "Something in this prompt cannot be read"),
  tooFast: (retryAfter: string): Behaviour => {
    return { ...error(429, "rate_limit_exceeded", "Too many requests"), headers: { "retry-after": retryAfter } };
  },
  broken: (status: number): Behaviour => error(status, null, "The server had an error"),
};

function error(status: number, code: string | null, message: string): Extract<Behaviour, { kind: "error" }> {
  return { kind: "error", status, code, message };
}

/** Starts the server on 127.0.0.1. */
export async function startOpenAI(setup: ServerSetup): Promise<OpenAIServer> {
  const requests: ChatRequestRecord[] = [];
  const queue: (Behaviour | null)[] = [];
  let standing: Behaviour | null = null;
  let underWay = 0;
  let most = 0;

  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    const body = JSON.parse(await textOf(request)) as ChatRequest;
    const authorization = request.headers.authorization ?? null;
    const prompt = body.messages.at(-1)?.content ?? "";
    const behaviour = (queue.length > 0 ? queue.shift() : standing) ?? { kind: "answer", text: setup.answer(body) };
    const record: ChatRequestRecord = {
      ...{ path: request.url ?? "", authorization, body, prompt, answered: false },
      isBilled: behaviour.kind !== "error",
      usage: usageOf(body, "text" in behaviour ? (behaviour.text ?? "") : ""),
    };
    requests.push(record);
    underWay++;
    most = Math.max(most, underWay);
    response.on("close", () => underWay--);
    await delay(setup.delayMs?.(body) ?? 0);
    for (const [name, value] of Object.entries(setup.headers ?? {})) response.setHeader(name, value);
    await send(response, record, behaviour);
  };

  const server: Server = createServer((request, response) => {
    response.on("error", () => {}); // the client may leave whenever it likes
    if (request.method !== "POST" || request.url !== "/v1/chat/completions") {
      response.writeHead(404).end();
      return;
    }
    respond(request, response).catch((error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => server.listen(setup.port ?? 0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    mostAtOnce: () => most,
    script: (...behaviours) => void queue.push(...behaviours),
    always: (behaviour) => {
      standing = behaviour;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function send(response: ServerResponse, record: ChatRequestRecord, behaviour: Behaviour): Promise<void> {
  if (response.destroyed) return;
  switch (behaviour.kind) {
    case "error": {
      const { status, code, message, headers } = behaviour;
      const body = { error: { message, type: "invalid_request_error", param: null, code } };
      response.writeHead(status, { "content-type": "application/json", "x-request-id": "req_loopback", ...headers });
      response.end(JSON.stringify(body));
      return;
    }
    case "body":
      response.writeHead(200, { "content-type": behaviour.type, ...behaviour.headers }).end(behaviour.body);
      return;
    case "cut":
    case "stall": {
      const whole = Buffer.from(JSON.stringify(completion(record.body, { content: "never heard to its end" }, "stop")));
      if (behaviour.afterBytes !== null) {
        response.writeHead(200, { "content-type": "application/json", "content-length": whole.length });
        response.write(whole.subarray(0, behaviour.afterBytes));
        await delay(20); // time to read what was sent: a client may drop unread bytes when the connection breaks
      }
      if (behaviour.kind === "cut") response.destroy();
      return;
    }
    default: {
      const message = behaviour.kind === "refusal" ? { refusal: behaviour.text } : { content: behaviour.text };
      const finish = behaviour.kind === "answer" ? (behaviour.finish ?? "stop") : "stop";
      response.writeHead(200, { "content-type": "application/json", "x-request-id": "req_loopback" });
      const cached = behaviour.kind === "answer" ? (behaviour.cachedTokens ?? 0) : 0;
      const text = JSON.stringify(completion(record.body, message, finish, cached));
      await new Promise<void>((resolve) => response.end(text, () => resolve()));
      record.answered = true;
    }
  }
}

/** Tokens, counted at four characters each. */
function usageOf(request: ChatRequest, answer: string): { input_tokens: number; output_tokens: number } {
  const tokens = (text: string) => Math.ceil(text.length / 4);
  return {
    input_tokens: tokens(request.messages.map((each) => each.content).join("")),
    output_tokens: tokens(answer),
  };
}

/** A chat completion as OpenAI sends it; the model is named with its date, and tokens are counted at four characters each. */
function completion(
  request: ChatRequest,
  message: { content?: string | null; refusal?: string },
  finish_reason: string,
  cached_tokens = 0,
): object {
  const used = usageOf(request, message.content ?? message.refusal ?? "");
  const [prompt_tokens, completion_tokens] = [used.input_tokens, used.output_tokens];
  return {
    id: "chatcmpl-loopback",
    object: "chat.completion",
    created: 1_700_000_000,
    model: `${request.model}-2024-08-06`,
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: null, refusal: null, annotations: [], ...message },
        logprobs: null,
        finish_reason,
      },
    ],
    usage: {
      prompt_tokens,
      completion_tokens,
      total_tokens: prompt_tokens + completion_tokens,
      prompt_tokens_details: { cached_tokens, audio_tokens: 0 },
    },
    system_fingerprint: null,
  };
}
