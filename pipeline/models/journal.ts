import {
  closeSync,
  existsSync,
  fstatSync,
  fsync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type Environment, realEnvironment } from "../environment.ts";
import { InputError } from "../errors.ts";
import { appendWhole } from "../files/append.ts";
import { type Lock, lock } from "../lock.ts";
import { lineAt } from "./line-at.ts";
import { Offsets } from "./offsets.ts";

/** There will be no other answer to the request: it is never sent again. */
const FINAL = ["answered", "cut_off", "refused", "too_long", "invalid_request"] as const;

/** A final answer to one request: the raw text, so that it can be judged anew without being paid for again. */
export const Answer = z.strictObject({
  /** sha256 of the canonical request: model, parameters, prompt version, messages. */
  key: z.string(),
  /** `answered`, or why there is no whole answer: `cut_off` at the token limit, `refused`, `too_long` for the model, `invalid_request`. */
  status: z.enum(FINAL),
  /** What the model wrote; for `invalid_request` what the server found wrong. */
  text: z.string().nullable(),
  /** The model that was asked for, and the one that the server says it was. */
  requested_model: z.string(),
  model: z.string().nullable(),
  mode: z.enum(["sync", "batch"]),
  /** Tokens as the server counts them; `cached_tokens` are part of `input_tokens`. Null = not said. */
  input_tokens: z.int().nullable(),
  cached_tokens: z.int().nullable(),
  output_tokens: z.int().nullable(),
  /** Of the output, what the model only thought. Earlier journals do not have it. */
  thinking_tokens: z.int().nullable().optional(),
  /** What it cost in dollars; null = no price is known for the model. */
  usd: z.number().nullable(),
  /** Of an answer that another run paid for: the folder of its journal, and what it cost there. Here it has cost nothing. */
  reused: z.strictObject({ from: z.string(), usd: z.number().nullable() }).optional(),
});
export type Answer = z.infer<typeof Answer>;

/**
 * What happened to a request that has no final answer yet: `sent` (written down before it is), `failed` (not billed), or
 * `lost` (the answer did not arrive, it may have been billed). A `sent` with nothing after it is what a kill left.
 */
const Passing = z.strictObject({
  key: z.string(),
  status: z.enum(["sent", "failed", "lost"]),
  requested_model: z.string(),
  mode: z.enum(["sync", "batch"]),
  /** The most that it can have cost. */
  usd: z.number().nullable(),
});
export type Passing = z.infer<typeof Passing>;

/** One line of the journal. */
export const JournalEntry = z.discriminatedUnion("status", [Answer, Passing]);
export type JournalEntry = z.infer<typeof JournalEntry>;

/** Path of the file of a journal in its folder. */
export function journalFile(folder: string): string {
  return join(folder, "answers.jsonl");
}

/** The longest time, in ms, that an entry is in the file but perhaps not yet on the disk. */
const SYNC_MS = 250;

/** A request without an outcome: the most that it can have cost. */
interface Open {
  readonly usd: number;
  readonly mode: JournalEntry["mode"];
}

/**
 * Whether a request that is sent again may be billed beside the one before, of which a kill left no outcome. A batch that
 * is sent again was never made: its requests are written down before it is.
 */
export function mayBeBilledTwice(before: Pick<Open, "mode">, again: Pick<Open, "mode">): boolean {
  return before.mode === "sync" || again.mode === "sync";
}

/**
 * Append-only record of paid answers, one JSONL file. Survives a change of options and a kill at any moment: an entry is
 * a line, and half a line at the end is what was not finished. Memory: 18 to 37 bytes an answer; texts stay on the disk.
 */
export class Journal {
  readonly #path: string;
  readonly #file: number;
  readonly #lock: Lock | null;
  readonly #offsets = new Offsets();
  /** The most that requests without an outcome can have cost, by key: what a kill left, or what is under way. */
  readonly #open = new Map<string, Open>();
  #openUsd = 0;
  #spent = 0;
  #end = 0;
  #dirty: NodeJS.Timeout | undefined;
  #lost: Error | undefined;
  #isWritten = false;
  /** Journals of other runs, each with its folder. */
  readonly #others: readonly { folder: string; journal: Journal }[];
  #reused = 0;

  private constructor(path: string, file: number, held: Lock | null, others: readonly string[]) {
    this.#path = path;
    this.#file = file;
    this.#lock = held;
    this.#others = others.flatMap((folder) => {
      const journal = Journal.read(folder);
      return journal === null ? [] : [{ folder, journal }];
    });
  }

  /**
   * Opens the journal in `folder` to read and append. Throws UsageError if another process has it. `others`: folders of
   * journals that are read alone; what they have is taken over when it is asked for.
   */
  static async open(
    folder: string,
    environment: Pick<Environment, "env" | "clock"> = realEnvironment(),
    signal?: AbortSignal,
    others: readonly string[] = [],
  ): Promise<Journal> {
    mkdirSync(folder, { recursive: true });
    const held = await lock(folder, environment, signal);
    try {
      const journal = new Journal(journalFile(folder), openSync(journalFile(folder), "a+"), held, others);
      journal.#load();
      journal.#endLine();
      return journal;
    } catch (error) {
      held.release();
      throw error;
    }
  }

  /** Opens the journal in `folder` to read it alone; null if there is none. */
  static read(folder: string): Journal | null {
    const path = journalFile(folder);
    if (!existsSync(path)) return null;
    const journal = new Journal(path, openSync(path, "r"), null, []);
    journal.#load();
    return journal;
  }

  /** True if nothing was added to the file since it was opened. */
  get isCurrent(): boolean {
    return (
      existsSync(this.#path) &&
      statSync(this.#path).size === this.#end &&
      statSync(this.#path).ino === fstatSync(this.#file).ino
    );
  }

  /** Number of requests with a final answer. */
  get size(): number {
    return this.#offsets.size;
  }

  /** Dollars spent so far. What may have been billed counts, at the most that it can have cost. */
  get spent(): number {
    return this.#spent + (this.#open.size === 0 ? 0 : this.#openUsd);
  }

  /** Number of requests that were sent and have no outcome yet. */
  get underWay(): number {
    return this.#open.size;
  }

  /** Number of answers that other runs paid for. */
  get reused(): number {
    return this.#reused;
  }

  /** The final answer to a request. One that another run has is written down here, at no cost, before it is used. */
  get(key: string): Answer | undefined {
    const own = this.#own(key);
    if (own !== undefined || this.#others.length === 0) return own;
    const found = answerIn(this.#others, key);
    if (found) this.add(found);
    return found;
  }

  #own(key: string): Answer | undefined {
    const offset = this.#offsets.get(key);
    if (offset === undefined) return undefined;
    const entry = Answer.parse(renamed(JSON.parse(lineAt(this.#file, offset))));
    return entry.key === key ? entry : undefined;
  }

  add(entry: JournalEntry): void {
    // Nobody is paid for what another process, which has taken over, will ask for too.
    if (entry.status === "sent") this.#check();
    if (this.#lost) throw this.#lost;
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    appendWhole(this.#file, line, this.#end);
    this.#note(entry, this.#end);
    this.#end += line.length;
    this.#isWritten = true;
    if (entry.status !== "sent") this.#dirty ??= setTimeout(() => this.#sync(), SYNC_MS);
  }

  /** Every entry, in the order in which they were written. Memory: one of them. */
  *entries(): Generator<JournalEntry> {
    for (const { line, number } of this.#lines()) {
      const entry = readEntry(line, `${this.#path}:${number}`);
      if (entry) yield entry;
    }
  }

  /** Waits until all that was added is on the disk. */
  sync(): void {
    this.#check();
    if (this.#lost) throw this.#lost;
    fsyncSync(this.#file);
  }

  close(): void {
    clearTimeout(this.#dirty);
    if (this.#isWritten) this.#check();
    if (this.#isWritten && !this.#lost) fsyncSync(this.#file);
    closeSync(this.#file);
    for (const { journal } of this.#others) journal.close();
    this.#lock?.release();
    if (this.#lost) throw this.#lost;
  }

  /** Does not wait for the disk: requests go on meanwhile. */
  #sync(): void {
    this.#dirty = undefined;
    this.#check();
    if (this.#lost) return;
    fsync(this.#file, (error) => {
      if (error && error.code !== "EBADF") this.#lost ??= error;
    });
  }

  /** Notes whether another process has taken the journal over. */
  #check(): void {
    try {
      this.#lock?.check();
    } catch (error) {
      this.#lost ??= error as Error;
    }
  }

  /** Takes a request off those without an outcome; returns it if it was one. */
  #close(key: string): Open | undefined {
    const found = this.#open.get(key);
    this.#open.delete(key);
    this.#openUsd -= found?.usd ?? 0;
    return found;
  }

  #note(entry: JournalEntry, offset: number): void {
    if (isFinal(entry) && entry.reused) {
      // What was sent here may have been billed all the same.
      this.#offsets.set(entry.key, offset);
      this.#reused++;
      return;
    }
    if (entry.status === "sent") {
      const before = this.#close(entry.key);
      if (before && mayBeBilledTwice(before, entry)) this.#spent += before.usd;
      this.#open.set(entry.key, { usd: entry.usd ?? 0, mode: entry.mode });
      this.#openUsd += entry.usd ?? 0;
      return;
    }
    this.#close(entry.key);
    if (entry.status !== "failed") this.#spent += entry.usd ?? 0;
    if (isFinal(entry)) this.#offsets.set(entry.key, offset);
  }

  #load(): void {
    for (const { line, number, offset } of this.#lines()) {
      const entry = readEntry(line, `${this.#path}:${number}`);
      if (entry) this.#note(entry, offset);
      this.#end = offset + line.length;
    }
    this.#end = fstatSync(this.#file).size;
  }

  /** Ends a line that a kill has torn, so that the next one begins on its own. */
  #endLine(): void {
    const last = Buffer.alloc(1);
    if (this.#end === 0 || readSync(this.#file, last, 0, 1, this.#end - 1) !== 1 || last[0] === 10) return;
    writeSync(this.#file, "\n");
    this.#end++;
  }

  *#lines(): Generator<{ line: Buffer; number: number; offset: number }> {
    const { size } = fstatSync(this.#file);
    let rest = Buffer.alloc(0);
    let offset = 0;
    let number = 0;
    for (let at = 0; at < size; ) {
      const chunk = Buffer.allocUnsafe(Math.min(1 << 20, size - at));
      const read = readSync(this.#file, chunk, 0, chunk.length, at);
      at += read;
      const bytes = Buffer.concat([rest, chunk.subarray(0, read)]);
      let start = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
        yield { line: bytes.subarray(start, end), number: ++number, offset: offset + start };
        start = end + 1;
      }
      offset += start;
      rest = bytes.subarray(start);
    }
    if (rest.length > 0) yield { line: rest, number: ++number, offset };
  }
}

/** What the first of several journals that has an answer to a request has of it, as an answer that is not paid for again. */
export function answerIn(
  journals: readonly { readonly folder: string; readonly journal: Pick<Journal, "get"> }[],
  key: string,
): Answer | undefined {
  for (const { folder, journal } of journals) {
    const found = journal.get(key);
    if (found) return { ...found, usd: 0, reused: found.reused ?? { from: folder, usd: found.usd } };
  }
  return undefined;
}

/** True if there will be no other answer to the request. */
export function isFinal(entry: JournalEntry): entry is Answer {
  return (FINAL as readonly string[]).includes(entry.status);
}

/** An entry, or null for a line torn by a kill: it does not parse as JSON. Anything else that is wrong is an error. */
function readEntry(line: Buffer, place: string): JournalEntry | null {
  let value: unknown;
  try {
    value = JSON.parse(line.toString());
  } catch {
    return null;
  }
  const parsed = JournalEntry.safeParse(renamed(value));
  if (!parsed.success) throw new InputError(`${place}: not a journal entry: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** An entry with the names of today: journals hold what was paid for, so those of earlier versions are read for ever. */
function renamed(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("asked" in value)) return value;
  const { asked, ...entry } = value as { asked: unknown; status?: unknown };
  return { ...entry, requested_model: asked, ...(entry.status === "unheard" && { status: "lost" }) };
}
