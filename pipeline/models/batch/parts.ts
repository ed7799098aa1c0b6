import { createHash } from "node:crypto";
import { renameSync } from "node:fs";
import { AtomicFile, writeText } from "../../files/atomic-file.ts";
import { BYTES_A_TOKEN, type ChatRequest, inputBytes } from "../request.ts";
import type { BatchState } from "./state.ts";

/** A request that waits for a batch. */
export type Pending = { readonly key: string; readonly request: ChatRequest; readonly usd: number | null };

/** The size of a file of requests. */
interface PartLimits {
  readonly requests: number;
  readonly bytes: number;
  readonly tokens: number;
}

/** About how many input tokens a request has. */
function inputTokens(request: ChatRequest): number {
  return Math.ceil(inputBytes(request) / BYTES_A_TOKEN);
}

/** A request as a line of a batch's file. Its key is the `custom_id`, so that results need no table to be understood. */
function requestLine({ key, request }: Pick<Pending, "key" | "request">): Buffer {
  return Buffer.from(
    `${JSON.stringify({ custom_id: key, method: "POST", url: "/v1/chat/completions", body: request })}\n`,
  );
}

/** A part that is being written; closed under the name of its content. */
class PartWriter {
  readonly #state: BatchState;
  readonly #shard: number;
  readonly #limits: PartLimits;
  readonly #file: AtomicFile;
  readonly #keys: string[] = [];
  #bytes = 0;
  #tokens = 0;

  constructor(state: BatchState, shard: number, limits: PartLimits) {
    this.#state = state;
    this.#shard = shard;
    this.#limits = limits;
    this.#file = new AtomicFile(state.requestsPath(`${shard}-new`));
  }

  /** Takes a request in, or says that there is no room: then it belongs into the next part. A part takes at least one. */
  add(pending: Pending): boolean {
    const line = requestLine(pending);
    const tokens = inputTokens(pending.request);
    const { requests, bytes, tokens: most } = this.#limits;
    const isFull = this.#keys.length >= requests || this.#bytes + line.length > bytes || this.#tokens + tokens > most;
    if (isFull && this.#keys.length > 0) return false;
    this.#file.write(line);
    this.#keys.push(`${pending.key} ${pending.usd ?? ""}`);
    this.#bytes += line.length;
    this.#tokens += tokens;
    return true;
  }

  /** Ends the part and writes it down. Returns its number of requests. */
  close(): number {
    const { sha256 } = this.#file.commit();
    const part = `${this.#shard}-${sha256.slice(0, 16)}`;
    renameSync(this.#file.path, this.#state.requestsPath(part));
    writeText(this.#state.keysPath(part), `${this.#keys.join("\n")}\n`);
    const requests = this.#keys.length;
    this.#state.add({ event: "built", part, shard: this.#shard, sha256, requests, tokens: this.#tokens });
    return requests;
  }

  discard(): void {
    this.#file.discard();
  }
}

/** What building parts brings: one more is there, or nothing more can be paid for at this moment. */
export type Built = { readonly requests: number } | { readonly tooDear: number };

/** How parts are built. */
export interface BuildParts {
  readonly state: BatchState;
  /** Asked anew for every part. */
  readonly limits: () => PartLimits;
  /** The most that a request can cost beside what its part has already. */
  readonly price: (request: ChatRequest, beside: number) => number | null;
  /** True if so many dollars can still be spent. */
  readonly fits: (usd: number) => boolean;
}

/** Writes requests into parts, each of one shard, as they are asked for. Memory: the keys of one part. */
export async function* buildParts(
  source: AsyncIterable<Omit<Pending, "usd"> & { readonly shard: number }>,
  { state, limits, price, fits }: BuildParts,
): AsyncGenerator<Built> {
  let open: { writer: PartWriter; shard: number; usd: number } | null = null;
  const end = (): Built[] => {
    const built = open === null ? [] : [{ requests: open.writer.close() }];
    open = null;
    return built;
  };
  try {
    for await (const { shard, key, request } of source) {
      const beside: number = open?.usd ?? 0;
      let usd = price(request, beside);
      if (open !== null && (open.shard !== shard || !fits(beside + (usd ?? 0)))) yield* end();
      usd = price(request, open === null ? 0 : beside);
      while (open === null && !fits(usd ?? 0)) {
        yield { tooDear: usd ?? 0 };
        usd = price(request, 0);
      }
      open ??= { writer: new PartWriter(state, shard, limits()), shard, usd: 0 };
      if (!open.writer.add({ key, request, usd })) {
        yield* end();
        open = { writer: new PartWriter(state, shard, limits()), shard, usd: 0 };
        open.writer.add({ key, request, usd });
      }
      open.usd += usd ?? 0;
    }
    yield* end();
  } finally {
    (open as { writer: PartWriter } | null)?.writer.discard();
  }
}

/** The id that the batches of a run carry. */
export function newRunId(random: Uint8Array): string {
  return createHash("sha256").update(random).digest("hex").slice(0, 16);
}
