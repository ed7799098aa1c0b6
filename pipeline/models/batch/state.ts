import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { appendToFile } from "../../files/append.ts";

/** One line of the state: what is about to be done with a part, or what came of it. Written before each call. */
const Event = z.discriminatedUnion("event", [
  /** The id that this run's batches carry, so that it knows its own. */
  z.strictObject({ event: z.literal("run"), run: z.string() }),
  z.strictObject({
    event: z.literal("built"),
    part: z.string(),
    shard: z.int(),
    sha256: z.string(),
    requests: z.int(),
    /** About how many input tokens it has. */
    tokens: z.int(),
  }),
  z.strictObject({ event: z.literal("uploading"), part: z.string() }),
  z.strictObject({ event: z.literal("uploaded"), part: z.string(), file: z.string() }),
  z.strictObject({ event: z.literal("creating"), part: z.string() }),
  z.strictObject({ event: z.literal("created"), part: z.string(), batch: z.string() }),
  /** Its results are in the journal of answers, or it was given up: its requests are pending again where they have no answer. */
  z.strictObject({
    event: z.literal("closed"),
    part: z.string(),
    batch: z.string().nullable(),
    status: z.string(),
    /** Files at the server that nobody needs any more and that are to be deleted there. */
    files: z.array(z.string()).optional(),
  }),
  /** One of these is gone. */
  z.strictObject({ event: z.literal("deleted"), file: z.string() }),
]);
type Event = z.infer<typeof Event>;

/** A file of requests on its way. */
export interface BatchPart {
  /** `<shard>-<first digits of the sha256>`. */
  readonly part: string;
  readonly shard: number;
  readonly sha256: string;
  readonly requests: number;
  readonly tokens: number;
  /** How far it came: the file is here, it was uploaded, its batch was about to be made, its batch is there. */
  readonly at: "built" | "uploading" | "uploaded" | "creating" | "created";
  readonly file: string | null;
  readonly batch: string | null;
}

const FILE = "state.jsonl";

/**
 * Where this run's batches stand, in an append-only JSONL file below the journal of answers, so that a run that is
 * killed between any two calls knows what it may have begun.
 */
export class BatchState {
  readonly #folder: string;
  readonly #open = new Map<string, BatchPart>();
  /** Batches whose results were taken. */
  readonly #closed = new Set<string>();
  readonly #spent = new Set<string>();
  #run: string | null = null;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(join(folder, "parts"), { recursive: true });
    const path = join(folder, FILE);
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    if (text !== "" && !text.endsWith("\n")) appendToFile(path, "\n");
    for (const [at, line] of text.split("\n").entries()) if (line !== "") this.#apply(read(line, `${path}:${at + 1}`));
  }

  /** The id of the run, made with `fresh` when there is none. */
  runId(fresh: () => string): string {
    if (this.#run === null) this.add({ event: "run", run: fresh() });
    return this.#run ?? "";
  }

  /** Parts that are not closed, in the order in which they were built. */
  get open(): BatchPart[] {
    return [...this.#open.values()];
  }

  isClosed(batch: string): boolean {
    return this.#closed.has(batch);
  }

  /** Files at the server that are not needed and not deleted yet. */
  get spentFiles(): string[] {
    return [...this.#spent];
  }

  add(event: Event): void {
    appendToFile(join(this.#folder, FILE), `${JSON.stringify(event)}\n`);
    this.#apply(event);
  }

  /** The requests of a part, one a line, as they are uploaded. */
  requestsPath(part: string): string {
    return join(this.#folder, "parts", `${part}.jsonl`);
  }

  /** The keys of a part's requests, one a line, each with the most that it can cost. */
  keysPath(part: string): string {
    return join(this.#folder, "parts", `${part}.keys`);
  }

  keys(part: string): { key: string; usd: number | null }[] {
    const path = this.keysPath(part);
    const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
    return lines.map((line) => {
      const [key = "", usd = ""] = line.split(" ");
      return { key, usd: usd === "" ? null : Number(usd) };
    });
  }

  /** Removes the files of a part. */
  forget(part: string): void {
    rmSync(this.requestsPath(part), { force: true });
    rmSync(this.keysPath(part), { force: true });
  }

  #apply(event: Event | null): void {
    if (event === null) return;
    if (event.event === "run") {
      this.#run = event.run;
      return;
    }
    if (event.event === "built") {
      const { event: at, ...part } = event;
      this.#open.set(part.part, { ...part, at, file: null, batch: null });
      return;
    }
    if (event.event === "deleted") {
      this.#spent.delete(event.file);
      return;
    }
    if (event.event === "closed") {
      this.#open.delete(event.part);
      for (const file of event.files ?? []) this.#spent.add(file);
      if (event.batch !== null) this.#closed.add(event.batch);
      return;
    }
    const part = this.#open.get(event.part);
    if (!part) return;
    const { event: at, ...more } = event;
    this.#open.set(event.part, { ...part, ...more, at });
  }
}

/** An event, or null for a line torn by a kill. */
function read(line: string, place: string): Event | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  const parsed = Event.safeParse(value);
  if (!parsed.success) throw new InputError(`${place}: not a line of a batch state: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
