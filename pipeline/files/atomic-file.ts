import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { z } from "zod";
import { InputError } from "../errors.ts";

/** Ending of every file that is not finished. A run sweeps what a killed run left. */
const PARTIAL = ".partial";

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
    this.#temporary = `${path}.${process.pid}-${randomBytes(3).toString("hex")}${PARTIAL}`;
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

/** `<artefact>-00003-of-00014.parquet`: the name of one shard. */
export function shardName(artefact: string, index: number, of: number, extension = "parquet"): string {
  const five = (n: number) => String(n).padStart(5, "0");
  return `${artefact}-${five(index)}-of-${five(of)}.${extension}`;
}

/** The folder of the installed package, whether run from sources or as built. */
export function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
}
