import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import xxhash from "xxhash-wasm";
import { unzstd } from "../../../../pipeline/files/unzstd.ts";
import { compress } from "../../../../pipeline/files/zstd.ts";
import { seeded } from "../../../helpers/random.ts";

const { create64 } = await xxhash();

/** What comes out of bytes that come in pieces of a size. */
async function unpacked(bytes: Uint8Array, size = 1 << 16): Promise<string> {
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
    Buffer.from(bytes.subarray(at * size, (at + 1) * size)),
  );
  const out: Buffer[] = [];
  for await (const chunk of unzstd(Readable.from(pieces))) out.push(chunk);
  return Buffer.concat(out).toString();
}

/** A frame with a checksum of its content, as `zstd` writes it; the library that compresses here writes none. */
function checked(text: string): Buffer {
  const frame = Buffer.from(compress(Buffer.from(text)));
  frame[4] = (frame[4] as number) | 0x04;
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(Number(create64().update(Buffer.from(text)).digest() & 0xffffffffn));
  return Buffer.concat([frame, sum]);
}

function skippable(bytes: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x184d2a50 + (bytes % 16));
  head.writeUInt32LE(bytes, 4);
  return Buffer.concat([head, Buffer.alloc(bytes, 7)]);
}

const long = Array.from({ length: 8000 }, (_, at) => `line ${at * 7919} of a text\n`).join("");

describe("zstd", () => {
  test("frames, with a checksum or without, come out as they were, in pieces of any size", async () => {
    const frames = fc.array(fc.tuple(fc.constantFrom("plain", "checked", "skipped"), fc.string({ maxLength: 200 })));
    await fc.assert(
      fc.asyncProperty(frames, fc.integer({ min: 1, max: 400 }), async (list, size) => {
        const bytes = list.map(([kind, text]) =>
          kind === "plain" ? compress(Buffer.from(text)) : kind === "checked" ? checked(text) : skippable(text.length),
        );
        const expected = list.map(([kind, text]) => (kind === "skipped" ? "" : text)).join("");
        expect(await unpacked(Buffer.concat(bytes), size)).toBe(expected);
      }),
    );
    expect(await unpacked(checked(long), 1000)).toBe(long);
  });

  test("of one flipped bit is an error, or nothing of it is read otherwise than it was", async () => {
    const random = seeded(23);
    const frame = checked(long);
    for (let tried = 0; tried < 100; tried++) {
      const flipped = Buffer.from(frame);
      const at = Math.floor(random() * flipped.length);
      flipped[at] = (flipped[at] as number) ^ (1 << Math.floor(random() * 8));
      const read = await unpacked(flipped).catch((error: Error) => error);
      if (!(read instanceof Error)) expect([at, read === long]).toEqual([at, true]);
    }
  });

  test("that ends early is an error, wherever", async () => {
    const frame = checked(long.slice(0, 3000));
    for (let end = 1; end < frame.length; end++)
      await expect(unpacked(frame.subarray(0, end)), String(end)).rejects.toThrow();
  });

  test.each<[string, Buffer, string]>([
    ["a window of 2 GiB", Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 1, 0, 0]), "window of 2048 MiB"],
    ["a dictionary", Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x50, 7]), "dictionary"],
    ["text", Buffer.from('{"plain":"json"}\n'), "no zstd frame"],
    ["a block of no kind", Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50, 0x07, 0, 0]), "a kind that there is not"],
  ])("with %s is refused in words", async (_, bytes, said) => {
    await expect(unpacked(bytes)).rejects.toThrow(said);
  });
});

test("a bomb comes out block by block: no more is made of it than is asked for", async () => {
  // Blocks of one byte that is repeated: 4 bytes for 128 KiB.
  const size = 128 << 10;
  const block = Buffer.alloc(4, 0x20);
  block.writeUIntLE((size << 3) | (1 << 1), 0, 3);
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38]);
  const bomb = Buffer.concat([head, ...Array.from({ length: 50_000 }, () => block)]);
  let largest = 0;
  let taken = 0;
  for await (const piece of unzstd(Readable.from([bomb]))) {
    largest = Math.max(largest, piece.length);
    if (++taken === 100) break;
  }
  expect(largest).toBeLessThanOrEqual(2 * size);
  expect(process.memoryUsage().arrayBuffers).toBeLessThan(1e9);
});
