import * as zstd from "@bokuweb/zstd-wasm";

// WebAssembly: the same bytes on every platform, and no binary to be found for it at install. To begin a second time breaks
// what the first has given out, and another copy of this package in the same process may share the library.
const READY = Symbol.for("flipturn: zstd is ready");
const { default: library } = zstd as unknown as { default: { [READY]?: Promise<void> } };
library[READY] ??= zstd.init();
await library[READY];

/** One zstd frame. Level 3 is zstd's own default; level 1 is for what this run alone reads. */
export function compress(bytes: Uint8Array, level: 1 | 3 = 3): Uint8Array {
  return zstd.compress(bytes, level);
}

/** The content of one zstd frame. */
export function decompress(frame: Uint8Array): Buffer {
  return Buffer.from(zstd.decompress(frame));
}
