// A small OpenAI Batch API on loopback: files by multipart upload, batches that go on a step each time somebody looks at
// them, output and error files. It can be told, batch by batch, to misbehave as the real one does.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

type Body = { model: string; messages: { role: string; content: string }[]; [parameter: string]: unknown };
/** One line of an input file. */
type RequestLine = { custom_id: string; method: string; url: string; body: Body };

/** How one batch goes. */
interface BatchManner {
  /** How it ends. */
  readonly end?: "completed" | "expired" | "cancelled" | "failed";
  /** Share of its requests that are done; the rest expires or is cancelled. */
  readonly done?: number;
  /** Share of its requests that are in neither file. */
  readonly missing?: number;
  /** Every line comes twice. */
  readonly isDoubled?: boolean;
  /** Lines of requests that belong to nobody. */
  readonly foreign?: number;
  /** Errors instead of answers, by the place of the request. */
  readonly errors?: Record<number, { status: number; code: string | null; message: string }>;
  /** Why it was not admitted. */
  readonly refusal?: { code: string; message: string };
  /** The connection breaks when it is made, though it is made. */
  readonly isCreatedUnheard?: boolean;
  /** How often the files of results break off in the middle. */
  readonly breaks?: number;
}

type StoredFile = { id: string; filename: string; text: string };
type StoredBatch = {
  id: string;
  status: string;
  input: string;
  metadata: Record<string, string>;
  manner: BatchManner;
  output: string | null;
  error: string | null;
  looks: number;
  lines: RequestLine[];
  breaks: number;
};

/** The running server. */
export interface BatchServer {
  readonly url: string;
  readonly uploads: { filename: string; bytes: number; lines: RequestLine[] }[];
  readonly batches: StoredBatch[];
  /** Prompts that were asked for one by one. */
  readonly asked: Body[];
  /** Custom ids that a batch has answered, in order; one that is there twice was paid for twice. */
  readonly answered: string[];
  /** Every call as `METHOD /path`. */
  readonly calls: string[];
  /** How the next batches go, in the order in which they are made. */
  script(...manners: BatchManner[]): void;
  /** Calls to be answered with this status before anything else. */
  fail(status: number, times: number): void;
  /** Called for each call before it is answered. */
  onCall: ((call: string) => void) | null;
  /** True: no file may be deleted. */
  undeletable: boolean;
  /** Names of the files that it holds. */
  readonly files: () => string[];
  close(): Promise<void>;
}

/** Starts the server. `looks`: how often a batch is looked at before it ends. */
export async function startBatch(answer: (body: Body) => string | null, looks = 2): Promise<BatchServer> {
  const files = new Map<string, StoredFile>();
  const manners: BatchManner[] = [];
  const failures: number[] = [];
  let number = 0;
  const store = (filename: string, text: string) => {
    const file = { id: `file-${++number}`, filename, text };
    files.set(file.id, file);
    return file;
  };

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "", "http://loopback");
    const call = `${request.method} ${url.pathname.replace("/v1", "")}`;
    server.calls.push(call);
    server.onCall?.(call);
    const bytes = await read(request);
    const failure = failures.shift();
    if (failure !== undefined) return json(response, { error: { message: "broken", code: null } }, failure);
    const [, kind, id, action] = url.pathname.replace("/v1", "").split("/");
    if (call === "POST /chat/completions") {
      const body = JSON.parse(bytes.toString()) as Body;
      server.asked.push(body);
      return json(response, completion(body, answer(body)));
    }
    if (call === "POST /files") {
      const form = await new Response(new Uint8Array(bytes), {
        headers: request.headers as Record<string, string>,
      }).formData();
      const file = form.get("file") as File;
      if (form.get("purpose") !== "batch") return json(response, { error: { message: "purpose" } }, 400);
      const text = await file.text();
      server.uploads.push({ filename: file.name, bytes: Buffer.byteLength(text), lines: lines(text) });
      return json(response, fileObject(store(file.name, text)));
    }
    if (call === "GET /files") return json(response, page([...files.values()].map(fileObject), url));
    if (kind === "files" && request.method === "DELETE") {
      if (server.undeletable) return json(response, { error: { message: "not allowed", code: null } }, 403);
      if (!files.delete(id ?? "")) return json(response, { error: { message: "no such file" } }, 404);
      return json(response, { id, object: "file", deleted: true });
    }
    if (kind === "files" && action === "content") return content(response, files.get(id ?? "")?.text ?? "", owner(id));
    if (call === "POST /batches") return createBatch(JSON.parse(bytes.toString()), response);
    if (call === "GET /batches") return json(response, page(server.batches.map(batchObject), url));
    const batch = server.batches.find((each) => each.id === id);
    if (!batch) return json(response, { error: { message: `no ${call}` } }, 404);
    if (action === "cancel") batch.manner = { ...batch.manner, end: "cancelled" };
    else step(batch);
    return json(response, batchObject(batch));
  };

  const owner = (file: string | undefined) =>
    server.batches.find((each) => each.output === file || each.error === file);

  const createBatch = (body: { input_file_id: string; metadata: Record<string, string> }, response: ServerResponse) => {
    const input = files.get(body.input_file_id);
    if (!input) return json(response, { error: { message: "no such file" } }, 400);
    const manner = manners.shift() ?? {};
    const batch: StoredBatch = {
      ...{ id: `batch_${++number}`, status: "validating", input: input.id, metadata: body.metadata, manner },
      ...{ output: null, error: null, looks: 0, lines: lines(input.text), breaks: manner.breaks ?? 0 },
    };
    server.batches.push(batch);
    if (manner.isCreatedUnheard) return response.destroy();
    return json(response, batchObject(batch));
  };

  const step = (batch: StoredBatch) => {
    batch.looks++;
    if (batch.manner.refusal) batch.status = "failed";
    else if (batch.looks < looks) batch.status = "in_progress";
    else if (batch.output === null && batch.error === null) finish(batch);
  };

  const finish = (batch: StoredBatch) => {
    const { manner } = batch;
    const end = manner.end ?? "completed";
    const done = Math.ceil((manner.done ?? 1) * batch.lines.length);
    const missing = Math.floor((manner.missing ?? 0) * batch.lines.length);
    const output: object[] = [];
    const error: object[] = [];
    for (const [at, { custom_id, body }] of batch.lines.entries()) {
      const wrong = manner.errors?.[at];
      if (at >= done) {
        if (end === "completed" || at < done + missing) continue;
        const code = end === "expired" ? "batch_expired" : "batch_cancelled";
        error.push({ id: `r${at}`, custom_id, response: null, error: { code, message: "not executed" } });
      } else if (at < missing && end === "completed") {
        // In neither file.
      } else if (wrong) {
        const failed = {
          error: { message: wrong.message, type: "invalid_request_error", param: null, code: wrong.code },
        };
        error.push({
          id: `r${at}`,
          custom_id,
          response: { status_code: wrong.status, request_id: "q", body: failed },
          error: null,
        });
      } else {
        server.answered.push(custom_id);
        const answered = completion(body, answer(body));
        output.push({
          id: `r${at}`,
          custom_id,
          response: { status_code: 200, request_id: "q", body: answered },
          error: null,
        });
      }
    }
    for (let extra = 0; extra < (manner.foreign ?? 0); extra++)
      output.push({ id: `x${extra}`, custom_id: `of somebody else ${extra}`, response: null, error: null });
    const text = (rows: object[]) =>
      (manner.isDoubled ? [...rows, ...rows] : rows)
        .reverse()
        .map((row) => `${JSON.stringify(row)}\n`)
        .join("");
    batch.output = output.length > 0 ? store("output.jsonl", text(output)).id : null;
    batch.error = error.length > 0 ? store("error.jsonl", text(error)).id : null;
    batch.status = end;
  };

  const content = (response: ServerResponse, text: string, batch: StoredBatch | undefined) => {
    if (!batch || batch.breaks-- <= 0) return response.end(text);
    response.writeHead(200, { "content-length": Buffer.byteLength(text) });
    response.write(text.slice(0, text.length / 2), () => setTimeout(() => response.destroy(), 20));
    return response;
  };

  const http = createServer((request, response) => {
    response.on("error", () => {});
    handle(request, response).catch((error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const server: BatchServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/v1`,
    ...{ uploads: [], batches: [], asked: [], answered: [], calls: [], onCall: null, undeletable: false },
    files: () => [...files.values()].map(({ filename }) => filename),
    script: (...more) => void manners.push(...more),
    fail: (status, times) => void failures.push(...Array.from({ length: times }, () => status)),
    close: () =>
      new Promise<void>((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
  return server;
}

function lines(text: string): RequestLine[] {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function json(response: ServerResponse, value: object, status = 200) {
  return response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

/** Two a page, so that whoever lists must turn pages. */
function page<T extends { id: string }>(all: T[], url: URL) {
  const from = all.findIndex(({ id }) => id === url.searchParams.get("after")) + 1;
  const data = all.slice(from, from + 2);
  return { object: "list", data, first_id: data[0]?.id, last_id: data.at(-1)?.id, has_more: from + 2 < all.length };
}

function fileObject({ id, filename, text }: StoredFile) {
  return {
    id,
    object: "file",
    bytes: Buffer.byteLength(text),
    created_at: 1,
    filename,
    purpose: "batch",
    status: "processed",
  };
}

function batchObject({ id, status, input, metadata, manner, output, error, lines: all }: StoredBatch) {
  const refusal =
    manner.refusal && status === "failed"
      ? { object: "list", data: [{ ...manner.refusal, line: null, param: null }] }
      : null;
  return {
    ...{ id, object: "batch", endpoint: "/v1/chat/completions", completion_window: "24h", created_at: 1, status },
    ...{ input_file_id: input, output_file_id: output, error_file_id: error, errors: refusal, metadata },
    request_counts: { total: all.length, completed: output ? all.length : 0, failed: 0 },
  };
}

function completion(body: Body, content: string | null) {
  const tokens = (text: string) => Math.ceil(text.length / 4);
  const prompt_tokens = tokens(body.messages.map((each) => each.content).join(""));
  const completion_tokens = tokens(content ?? "");
  return {
    ...{ id: "chatcmpl-batch", object: "chat.completion", created: 1, model: `${body.model}-2024-08-06` },
    choices: [
      { index: 0, message: { role: "assistant", content, refusal: null }, logprobs: null, finish_reason: "stop" },
    ],
    usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens },
  };
}
