import { readSync } from "node:fs";

/** The line of an open file that begins at an offset, without its newline. */
export function lineAt(file: number, offset: number): string {
  let bytes = Buffer.allocUnsafe(2048);
  for (;;) {
    const read = readSync(file, bytes, 0, bytes.length, offset);
    const end = bytes.subarray(0, read).indexOf(10);
    if (end >= 0 || read < bytes.length) return bytes.subarray(0, end >= 0 ? end : read).toString();
    bytes = Buffer.allocUnsafe(bytes.length * 4);
  }
}
