/**
 * Fills the journal of answers through OpenAI's Batch API: half the price, within a day. Requests go out in files, what
 * is about to be done is written down before each call, and a run that goes on finds its own batches again. Whatever a
 * batch leaves without an answer (expired, cancelled, missing lines, server errors) is simply pending again.
 */
import { randomBytes } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import type OpenAI from "openai";
import type { Clock } from "../../clock.ts";
import { LimitError, RemoteError, UsageError } from "../../errors.ts";
import { Budget } from "../budget.ts";
import { type CountTokens, requestTokens } from "../count-tokens.ts";
import type { Journal } from "../journal.ts";
import { Offsets } from "../offsets.ts";
import { costOf } from "../prices.ts";
import { inputBytes, outputLimit } from "../request.ts";
import type { Price, ServerOptions } from "../server-options.ts";
import { buildParts, newRunId, type Pending } from "./parts.ts";
import {
  type Batch,
  create,
  deleteFile,
  findBatches,
  isOutOfMoney,
  persistently,
  type Remote,
  readResults,
  retrieve,
  upload,
} from "./remote.ts";
import { takeResult } from "./results.ts";
import { type BatchPart, BatchState } from "./state.ts";

/** A request of a shard that has no final answer. */
type Unanswered = Pick<Pending, "key" | "request"> & { readonly shard: number };

/** What filling needs. */
export interface FillParts {
  readonly options: ServerOptions;
  readonly price: Price | null;
  readonly journal: Journal;
  /** Folder of the state. */
  readonly folder: string;
  readonly client: OpenAI;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Counts tokens exactly, where a request would not fit in the budget by its bytes. */
  readonly count?: CountTokens;
  /** Requests without a final answer, shard after shard; asked for anew in every round. */
  readonly unanswered: () => AsyncIterable<Unanswered>;
  readonly report: (note: string) => void;
}

/** Between two looks at the batches. */
const POLL_MS = 60_000;
/** Between two tries when there is no room in the queue, at most. */
const LONGEST_POLL_MS = 30 * 60_000;
/** No batch is admitted for so long: the run stops. */
const REFUSED_MS = 24 * 3_600_000;
const ENDED = new Set(["completed", "failed", "expired", "cancelled"]);

/**
 * Sends batches until no more than `batchTail` requests are without an answer. Throws LimitError at the budget or when
 * the quota is used up, UsageError when the server refuses the requests as such, RemoteError when rounds bring nothing.
 */
export async function fillByBatch(parts: FillParts): Promise<{ leftFiles: number }> {
  const filler = new Filler(parts);
  await filler.resume();
  for (;;) {
    const before = parts.journal.size;
    const { sent, left, isRefused } = await filler.round();
    if (left <= parts.options.batchTail) return { leftFiles: filler.leftFiles };
    if (sent > 0 && parts.journal.size === before && !isRefused) {
      throw new RemoteError(
        `${parts.client.baseURL}: ${left} requests came back from their batches without an answer; run the same command again, or with batchTail ${left} to ask for them one by one`,
      );
    }
  }
}

class Filler {
  readonly #parts: FillParts;
  readonly #state: BatchState;
  readonly #remote: Remote;
  readonly #run: string;
  readonly #counts = new Map<string, { completed: number; total: number }>();
  #enqueuedLimit: number;
  #refusedSince: number | null = null;
  #isRefused = false;
  /** Refusals in a row. */
  #refusals = 0;
  #collected = 0;
  /** Files that this process could not delete; the next one tries again. */
  readonly #undeleted = new Set<string>();

  constructor(parts: FillParts) {
    const { client, clock, signal, options } = parts;
    this.#parts = parts;
    this.#state = new BatchState(parts.folder);
    this.#remote = { client, clock, signal, tries: options.tries, timeoutMs: 1000 * options.timeoutSeconds };
    this.#run = this.#state.runId(() => newRunId(randomBytes(16)));
    this.#enqueuedLimit = options.enqueuedTokens ?? Number.POSITIVE_INFINITY;
  }

  /** Finds out what became of parts whose calls may have been cut off. */
  async resume(): Promise<void> {
    for (const part of this.#state.open) {
      if (part.at === "creating") await this.#adopt(part);
      else if (part.at !== "created" && !existsSync(this.#state.requestsPath(part.part)))
        this.#close(part, null, "lost");
    }
    await this.#deleteSpent();
  }

  /** Files that could not be deleted at the server. */
  get leftFiles(): number {
    return this.#undeleted.size;
  }

  /**
   * Sends what is pending and waits for it. Returns how many requests were sent, how many have no answer after it, and
   * whether the server had no room for some.
   */
  async round(): Promise<{ sent: number; left: number; isRefused: boolean }> {
    const { signal, clock, options } = this.#parts;
    const taken = new Offsets();
    for (const { part } of this.#state.open) for (const { key } of this.#state.keys(part)) taken.set(key, 0);
    this.#isRefused = false;
    let sent = this.#state.open.reduce((sum, { requests }) => sum + requests, 0);
    let isDry = sent === 0 && (await this.#count(options.batchTail + 1)) <= options.batchTail;
    let tooDear: number | null = null;
    const source = buildParts(this.#pending(taken), {
      state: this.#state,
      limits: () => this.#limits(),
      price: (request, beside) => this.#worstCase(request, beside),
      fits: (usd) => this.#budget().fits(usd),
    });
    try {
      for (;;) {
        signal.throwIfAborted();
        await this.#submitAll();
        const isFull = this.#state.open.some(({ at }) => at !== "created");
        if (!isDry && !isFull && tooDear === null && !this.#isRefused) {
          const { done, value } = await source.next();
          if (done) isDry = true;
          else if ("tooDear" in value) tooDear = value.tooDear;
          else sent += value.requests;
          continue;
        }
        if (this.#state.open.length === 0) break;
        if (await this.#look()) tooDear = null;
        else await clock.sleep(POLL_MS, signal);
      }
    } finally {
      await source.return(undefined);
    }
    if (tooDear !== null) throw this.#budget().reached(tooDear);
    if (this.#isRefused) await clock.sleep(Math.min(LONGEST_POLL_MS, POLL_MS * 2 ** this.#refusals), signal);
    return { sent, left: await this.#count(), isRefused: this.#isRefused };
  }

  /** Requests that are in no part yet, each once. */
  async *#pending(taken: Offsets): AsyncGenerator<Unanswered> {
    for await (const each of this.#parts.unanswered()) {
      if (taken.get(each.key) !== undefined) continue;
      taken.set(each.key, 0);
      yield each;
    }
  }

  /** Requests without an answer, or `most` if there are as many. */
  async #count(most = Number.POSITIVE_INFINITY): Promise<number> {
    const seen = new Offsets();
    for await (const { key } of this.#parts.unanswered()) {
      seen.set(key, 0);
      if (seen.size >= most) break;
    }
    return seen.size;
  }

  #limits() {
    const { batchRequests, batchMegabytes } = this.#parts.options;
    return { requests: batchRequests, bytes: batchMegabytes * 1e6, tokens: this.#enqueuedLimit };
  }

  #budget(): Budget {
    return new Budget(this.#parts.options.budget, this.#parts.journal.spent);
  }

  /** The most that a request can cost in a batch, by its bytes; counted exactly where that would not fit. */
  #worstCase(request: Pending["request"], beside: number): number | null {
    const { price, count } = this.#parts;
    const output_tokens = outputLimit(request);
    const cost = (input_tokens: number) => costOf({ input_tokens, cached_tokens: 0, output_tokens }, price, "batch");
    const byBytes = cost(inputBytes(request) + 8 * (request.messages.length + 1));
    if (byBytes === null || count === undefined || this.#budget().fits(beside + byBytes)) return byBytes;
    return cost(requestTokens(request, count));
  }

  /** Makes batches of the parts that are ready, as far as there is room in the queue. */
  async #submitAll(): Promise<void> {
    for (const part of this.#state.open) {
      if (part.at === "created") continue;
      const enqueued = this.#state.open.reduce((sum, each) => sum + (each.at === "created" ? each.tokens : 0), 0);
      if (enqueued > 0 && enqueued + part.tokens > this.#enqueuedLimit) return;
      await this.#submit(part);
    }
  }

  /** Brings a part from wherever it is to a batch. */
  async #submit(part: BatchPart): Promise<void> {
    const { part: name } = part;
    let file = part.file;
    // What the part can cost was affordable when it was built; a lower budget may have been given since.
    const usd = this.#state.keys(name).reduce((sum, each) => sum + (each.usd ?? 0), 0);
    if (part.at !== "creating" && !this.#budget().fits(usd)) {
      this.#close(part, null, "too dear");
      return;
    }
    if (file === null) {
      const mayBeThere = part.at === "uploading";
      this.#state.add({ event: "uploading", part: name });
      file = await upload(this.#remote, this.#state.requestsPath(name), `flipturn-${name}.jsonl`, mayBeThere);
      this.#state.add({ event: "uploaded", part: name, file });
    }
    if (part.at !== "creating") this.#note(part, "sent");
    this.#state.add({ event: "creating", part: name });
    const metadata = { flipturn_run: this.#run, flipturn_shard: String(part.shard), flipturn_part: part.sha256 };
    let isFirst = true;
    const batch = await persistently(this.#remote, "batch", async (signal) => {
      // A call that broke off may have made one all the same.
      const made = isFirst ? null : await this.#findOwn(part);
      isFirst = false;
      return made ?? create(this.#remote, file, metadata, signal);
    }).catch((error) => {
      if (error instanceof UsageError) this.#close(part, null, "refused");
      throw error;
    });
    this.#created(part, batch);
  }

  #created({ part }: BatchPart, { id }: Batch): void {
    this.#state.add({ event: "created", part, batch: id });
    rmSync(this.#state.requestsPath(part), { force: true });
  }

  /** A part whose batch may or may not have been made before the run was cut off. */
  async #adopt(part: BatchPart): Promise<void> {
    const found = await this.#findOwn(part);
    if (found) this.#created(part, found);
  }

  async #findOwn({ sha256 }: BatchPart): Promise<Batch | null> {
    const found = await findBatches(
      this.#remote,
      ({ id, metadata, status }) =>
        metadata?.["flipturn_run"] === this.#run &&
        metadata["flipturn_part"] === sha256 &&
        status !== "failed" &&
        !this.#state.isClosed(id),
    );
    return found[0] ?? null;
  }

  /** Looks at every batch; takes what has ended. True if one has. */
  async #look(): Promise<boolean> {
    let hasEnded = false;
    for (const part of this.#state.open) {
      if (part.batch === null) continue;
      const batch = await retrieve(this.#remote, part.batch);
      const { completed = 0, failed = 0, total = part.requests } = batch.request_counts ?? {};
      this.#counts.set(part.part, { completed: completed + failed, total });
      if (!ENDED.has(batch.status)) continue;
      hasEnded = true;
      if (batch.status === "failed") this.#failed(part, batch);
      else await this.#collect(part, batch);
    }
    this.#tell();
    return hasEnded;
  }

  async #collect(part: BatchPart, batch: Batch): Promise<void> {
    const { journal, price, options, client } = this.#parts;
    const keys = this.#state.keys(part.part).filter(({ key }) => journal.get(key) === undefined);
    const waiting = new Map(keys.map(({ key, usd }) => [key, usd]));
    const parts = { journal, price, requestedModel: options.model, client, waiting };
    for (const file of [batch.output_file_id, batch.error_file_id])
      if (file) await readResults(this.#remote, file, (line) => takeResult(line, parts));
    this.#refusedSince = null;
    this.#refusals = 0;
    journal.sync();
    this.#close(part, batch.id, batch.status, [batch.output_file_id, batch.error_file_id]);
    this.#collected++;
    await this.#deleteSpent();
  }

  /** A batch that was not admitted: nothing of it was done or billed. */
  #failed(part: BatchPart, batch: Batch): void {
    const errors = batch.errors?.data ?? [];
    this.#close(part, batch.id, "failed");
    const full = errors.find(({ code }) => code === "token_limit_exceeded");
    if (full) {
      this.#refused(part, full.message ?? "");
      return;
    }
    const where = `${this.#parts.client.baseURL}: batch ${batch.id} was refused`;
    const said = errors
      .map(({ code, message, line }) => `${code}${line ? ` (line ${line})` : ""}: ${message}`)
      .join("; ");
    if (errors.some(({ code }) => isOutOfMoney(code ?? null)))
      throw new LimitError(`${where}: the account's quota is used up; run the same command again to go on`);
    throw new UsageError(`${where}: ${said}`.replaceAll(String(this.#parts.client.apiKey), "(key)"));
  }

  /** Too many tokens are enqueued: the limit is learned, and what did not fit waits for what is under way. */
  #refused(part: BatchPart, message: string): void {
    const now = this.#parts.clock.now();
    this.#refusedSince ??= now;
    this.#isRefused = true;
    this.#refusals++;
    const limit = Number(/Limit: ([\d,]+) enqueued tokens/.exec(message)?.[1]?.replaceAll(",", "") ?? Number.NaN);
    // Our count is an estimate. Others of the same account may fill the queue, too: then smaller parts may find room.
    const least = Number.isFinite(limit) ? limit / 16 : 100_000;
    const learned = limit < part.tokens ? 0.9 * limit : Math.max(least, part.tokens / 2);
    this.#enqueuedLimit = Math.min(this.#enqueuedLimit, Math.floor(learned));
    if (now - this.#refusedSince < REFUSED_MS) return;
    throw new LimitError(
      `${this.#parts.client.baseURL}: no batch was admitted for a day because of too many enqueued tokens; run the same command again to go on`,
    );
  }

  #close(part: BatchPart, batch: string | null, status: string, results: (string | null | undefined)[] = []): void {
    this.#note(part, "failed");
    const isDeleted = this.#parts.options.batchFiles === "delete";
    const files = [part.file, ...results].filter((file) => typeof file === "string");
    this.#state.add({ event: "closed", part: part.part, batch, status, ...(isDeleted && { files }) });
    this.#state.forget(part.part);
    this.#counts.delete(part.part);
  }

  /** Deletes what is not needed any more at the server. That it cannot be deleted is no reason to stop. */
  async #deleteSpent(): Promise<void> {
    if (this.#parts.options.batchFiles === "keep") return;
    for (const file of this.#state.spentFiles) {
      if (this.#undeleted.has(file)) continue;
      try {
        await deleteFile(this.#remote, file);
        this.#state.add({ event: "deleted", file });
      } catch {
        this.#parts.signal.throwIfAborted();
        this.#undeleted.add(file);
      }
    }
  }

  /** Writes down of the requests of a part that have no answer: that they are sent, or that nothing of them was billed. */
  #note({ part }: BatchPart, status: "sent" | "failed"): void {
    const { journal, options } = this.#parts;
    for (const { key, usd } of this.#state.keys(part))
      if (journal.get(key) === undefined)
        journal.add({ key, requested_model: options.model, mode: "batch", status, usd });
  }

  #tell(): void {
    const all = [...this.#counts.values()];
    const sum = (what: "completed" | "total") => all.reduce((total, each) => total + each[what], 0);
    this.#parts.report(
      `${all.length} batches under way, ${sum("completed")} of ${sum("total")} requests done; ${this.#collected} batches collected; $${this.#parts.journal.spent.toFixed(2)} spent or set aside${this.leftFiles > 0 ? `; ${this.leftFiles} files could not be deleted at the server` : ""}`,
    );
  }
}
