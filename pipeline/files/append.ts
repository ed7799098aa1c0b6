import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, writeSync } from "node:fs";

/**
 * Writes bytes at the end of a file that is open to append, all of them or none: where a write breaks off, as on a disk
 * that is full for a moment, what was written of it is cut off again, so that the next line begins on its own. `end` is
 * the size of the file. Throws what the file system says.
 */
export function appendWhole(file: number, bytes: Uint8Array, end: number): void {
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
  } catch (error) {
    ftruncateSync(file, end);
    throw error;
  }
}

/** The same for a file that is closed, which is made if it is not there, and is on the disk when this returns. */
export function appendToFile(path: string, text: string): void {
  const file = openSync(path, "a");
  try {
    appendWhole(file, Buffer.from(text), fstatSync(file).size);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
