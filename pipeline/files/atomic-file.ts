import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  createReadStream,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import type { z } from "zod";
import { InputError } from "../errors.ts";

const TEMPORARY = /\.([0-9a-f]{8})-(\d+)-[0-9a-f]{6}\.partial$/;

/** Eight digits that stand for this machine in the names of its temporary files. */
const HOST = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);

/** So long after its last byte, in ms, nobody writes a temporary file any more. */
const ABANDONED_MS = 24 * 3_600_000;

/** A name for a file that is not finished, with its writer: a run sweeps what a killed one left. */
function temporaryName(path: string): string {
  return `${path}.${HOST}-${process.pid}-${randomBytes(3).toString("hex")}.partial`;
}

/** True for the names of files that are not finished. Half-fetched downloads, which are resumed, have others. */
export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name);
}

/**
 * True for a temporary file that nobody will finish: its writer was a process of this machine that is dead, or this very
 * process, which is not writing any more when it asks; or nothing was written for a day.
 */
export function isAbandoned(path: string): boolean {
  const [, host, pid] = TEMPORARY.exec(path) ?? [];
  if (host === HOST && (Number(pid) === process.pid || !isRunning(Number(pid)))) return true;
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && Date.now() - found.mtimeMs > ABANDONED_MS;
}

/** True if a process of this machine is there, ours or another's. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * A file that appears under its name only when it is whole: written under a temporary name, synced, then renamed.
 * The sha256 and the size are taken while writing. Memory: what one `write` is given.
 */
export class AtomicFile {
  readonly path: string;
  readonly #temporary: string;
  readonly #fd: number;
  #isOpen = true;
  readonly #hash = createHash("sha256");
  #bytes = 0;

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true });
    this.path = path;
    this.#temporary = temporaryName(path);
    this.#fd = openSync(this.#temporary, "wx");
  }

  write(bytes: Uint8Array): void {
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done);
    } catch (cause) {
      throw new Error(`${this.path}: cannot be written: ${(cause as Error).message}`, { cause });
    }
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
  }

  /** Gives the file its name. Returns its size and hash. */
  commit(): { bytes: number; sha256: string } {
    fsyncSync(this.#fd);
    this.#close();
    renameSync(this.#temporary, this.path);
    return { bytes: this.#bytes, sha256: this.#hash.digest("hex") };
  }

  /** Leaves nothing behind that has not its name yet. */
  discard(): void {
    try {
      this.#close();
    } finally {
      rmSync(this.#temporary, { force: true });
    }
  }

  /** Once: by now the number may be that of another file, of another thread even. */
  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#fd);
  }
}

/**
 * Has somebody else write a file, such as an engine, under a temporary name, and gives it its own when it is whole and
 * synced. Returns its size and hash.
 */
export async function writeThrough(
  path: string,
  write: (temporary: string) => Promise<void>,
): Promise<{ bytes: number; sha256: string }> {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = temporaryName(path);
  try {
    await write(temporary);
    const file = openSync(temporary, "r+");
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    const written = await hashFile(temporary);
    renameSync(temporary, path);
    return written;
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Writes a whole small file at once, atomically. */
export function writeText(path: string, text: string): { bytes: number; sha256: string } {
  const file = new AtomicFile(path);
  try {
    file.write(Buffer.from(text));
    return file.commit();
  } catch (error) {
    file.discard();
    throw error;
  }
}

/** A value as indented JSON with a final newline, as manifests and plans are written. */
export function writeJson(path: string, value: unknown): { bytes: number; sha256: string } {
  return writeText(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** A JSON file checked against its schema; null if there is none. Throws InputError if it is not what it should be. */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new InputError(`${path}: not a file that this version of flipturn wrote; remove it and run again`, { cause });
  }
}

/** A JSON file that flipturn itself wrote to remember what is done; null if there is none, or if another version wrote it. */
export async function readRecord<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  return readJson(path, schema).catch((error) => {
    if (error instanceof InputError) return null;
    throw error;
  });
}

/** sha256 (hex) and size in bytes of a file, read in a stream. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, ...(signal && { signal }) })) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** Size in bytes of a file; null if it is not there. */
export async function sizeOf(path: string): Promise<number | null> {
  return stat(path).then(
    (found) => found.size,
    () => null,
  );
}
