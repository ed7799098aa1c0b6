import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { InputError } from "../../pipeline/errors.ts";
import { type Line, parseLine, readLines } from "../../pipeline/jsonl.ts";

/** One paid answer: the raw text, so that it can be judged anew without being paid for again. */
export const JournalEntry = z.strictObject({
  /** sha256 of the canonical request: model, parameters, prompt version, messages. */
  key: z.string(),
  /** `answered`, or why there will be no whole answer to this request: `cut_off` at the token limit, `refused`, `too_long`. */
  status: z.enum(["answered", "cut_off", "refused", "too_long"]),
  text: z.string().nullable(),
  model: z.string().nullable(),
  input_tokens: z.int().nullable(),
  output_tokens: z.int().nullable(),
});
export type JournalEntry = z.infer<typeof JournalEntry>;

/** The longest time, in ms, that an answer is in the file but perhaps not yet on the disk. */
const SYNC_MS = 250;

/**
 * Append-only record of paid answers, in a folder of JSONL files: all are read, one is written by this process.
 * Survives a change of options and a kill at any moment: an entry is a line, and half a line at the end of a file is
 * what was not finished. Memory: every entry.
 */
export class Journal {
  readonly #entries: Map<string, JournalEntry>;
  readonly #file: number;
  #dirty: NodeJS.Timeout | undefined;

  private constructor(entries: Map<string, JournalEntry>, file: number) {
    this.#entries = entries;
    this.#file = file;
  }

  /** Opens the journal for reading all of `folder` and appending to `<name>.jsonl` in it. */
  static async open(folder: string, name: string): Promise<Journal> {
    mkdirSync(folder, { recursive: true });
    const entries = new Map<string, JournalEntry>();
    for (const file of readdirSync(folder)
      .filter((each) => each.endsWith(".jsonl"))
      .sort())
      await readEntries(join(folder, file), entries);
    const path = join(folder, `${name}.jsonl`);
    const torn = existsSync(path) && !endsWithNewline(path);
    const file = openSync(path, "a");
    if (torn) writeSync(file, "\n");
    return new Journal(entries, file);
  }

  get(key: string): JournalEntry | undefined {
    return this.#entries.get(key);
  }

  add(entry: JournalEntry): void {
    this.#entries.set(entry.key, entry);
    writeSync(this.#file, `${JSON.stringify(entry)}\n`);
    this.#dirty ??= setTimeout(() => this.#sync(), SYNC_MS);
  }

  close(): void {
    if (this.#dirty) this.#sync();
    closeSync(this.#file);
  }

  #sync(): void {
    clearTimeout(this.#dirty);
    this.#dirty = undefined;
    fsyncSync(this.#file);
  }
}

async function readEntries(path: string, entries: Map<string, JournalEntry>): Promise<void> {
  for await (const line of readLines(path)) {
    const entry = readEntry(line, path);
    if (entry) entries.set(entry.key, entry);
  }
}

/** An entry, or null for a line torn by a kill: it does not parse as JSON. Anything else that is wrong is an error. */
function readEntry(line: Line, path: string): JournalEntry | null {
  let value: unknown;
  try {
    value = parseLine(line);
  } catch {
    return null;
  }
  const parsed = JournalEntry.safeParse(value);
  if (!parsed.success)
    throw new InputError(`${path}:${line.number}: not a journal entry: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function endsWithNewline(path: string): boolean {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const last = Buffer.alloc(1);
    return size === 0 || (readSync(file, last, 0, 1, size - 1) === 1 && last[0] === 10);
  } finally {
    closeSync(file);
  }
}
