import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/** Does something while the disk has room for so many more bytes, as `writeSync` sees it, and none after them. */
export function withRoomFor<T>(bytes: number, act: () => T): T {
  const real = fs.writeSync;
  let room = bytes;
  fs.writeSync = ((file: number, what: Uint8Array, offset: number) => {
    if (room === 0) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const written = real(file, what, offset ?? 0, Math.min(room, what.length - (offset ?? 0)));
    room -= written;
    return written;
  }) as typeof fs.writeSync;
  syncBuiltinESMExports();
  try {
    return act();
  } finally {
    fs.writeSync = real;
    syncBuiltinESMExports();
  }
}
