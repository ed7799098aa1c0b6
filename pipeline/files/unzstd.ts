import { Decompress } from "fzstd";
import xxhash from "xxhash-wasm";

const { create64 } = await xxhash();

/** Bytes that a frame may ask to be held at a time: what `zstd` itself takes without being told to, `--ultra -22` and `--long` among it. */
const MOST_WINDOW = 1 << 27;
const FRAME = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;

/** What comes next in a stream of frames, and how many bytes of it are still to come. */
type Part = "magic" | "skipped size" | "skipped" | "descriptor" | "header" | "block header" | "block" | "checksum";

/**
 * Decompresses zstd frames as they come (RFC 8878). The decoder does not look at checksums, so they are looked at here: a
 * frame that has one and does not agree with it is an error, as are one that ends early, one made with a dictionary, and
 * one that asks for a window of more than 128 MiB. Memory: the window, one chunk and one block of 128 KiB, however much
 * the chunk becomes.
 */
export async function* unzstd(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const frames = new Frames();
  for await (const chunk of chunks) yield* frames.take(chunk);
  frames.end();
}

class Frames {
  /** What the decoder has given for the bytes that it was given last. */
  readonly #out: Buffer[] = [];
  #decoder = this.#newDecoder();
  #hash = create64();
  #part: Part = "magic";
  /** Bytes of the part that have come, where it is read. */
  #head = Buffer.alloc(0);
  /** Bytes of the part that are still to come. */
  #left = 4;
  #hasChecksum = false;
  #isSingle = false;
  #isLast = false;

  /** Takes what comes next; gives what it becomes, block by block. */
  *take(chunk: Buffer): Generator<Buffer> {
    let at = 0;
    while (at < chunk.length) {
      const bytes = chunk.subarray(at, at + this.#left);
      at += bytes.length;
      this.#take(bytes);
      yield* this.#out.splice(0);
    }
  }

  /** Throws Error if no more comes although a frame is not whole. */
  end(): void {
    if (this.#part !== "magic" || this.#head.length > 0) throw new Error("it ends inside a frame");
  }

  /** Takes bytes of the part that is under way, and goes on to the next when they were its last. */
  #take(bytes: Buffer): void {
    const isRead = this.#part !== "block" && this.#part !== "skipped";
    if (isRead) this.#head = Buffer.concat([this.#head, bytes]);
    this.#left -= bytes.length;
    if (!this.#part.startsWith("skipped") && this.#part !== "magic") this.#decoder.push(bytes);
    if (this.#left > 0) return;
    const head = this.#head;
    this.#head = Buffer.alloc(0);
    this.#next(head);
  }

  #next(head: Buffer): void {
    switch (this.#part) {
      case "magic":
        this.#begin(head);
        break;
      case "skipped size":
        this.#expect("skipped", head.readUInt32LE());
        break;
      case "skipped":
        this.#expect("magic", 4);
        break;
      case "descriptor":
        this.#describe(head[0] as number);
        break;
      case "header":
        this.#readHeader(head);
        break;
      case "block header":
        this.#readBlock(head.readUIntLE(0, 3));
        break;
      case "block":
        this.#endBlock();
        break;
      case "checksum":
        this.#endFrame(head.readUInt32LE());
    }
  }

  #expect(part: Part, bytes: number): void {
    [this.#part, this.#left] = [part, bytes];
    if (bytes === 0) this.#next(Buffer.alloc(0));
  }

  #begin(magic: Buffer): void {
    const number = magic.readUInt32LE();
    if (number === FRAME) {
      this.#decoder = this.#newDecoder();
      this.#hash = create64();
      this.#decoder.push(magic);
      this.#expect("descriptor", 1);
    } else if ((number & 0xfffffff0) >>> 0 === SKIPPABLE) this.#expect("skipped size", 4);
    else throw new Error("no zstd frame begins there");
  }

  #describe(descriptor: number): void {
    this.#isSingle = (descriptor & 0x20) !== 0;
    this.#hasChecksum = (descriptor & 0x04) !== 0;
    if ((descriptor & 0x03) !== 0) throw new Error("it was made with a dictionary");
    const size = [this.#isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
    this.#expect("header", (this.#isSingle ? 0 : 1) + size);
  }

  #readHeader(head: Buffer): void {
    const window = this.#isSingle ? sizeIn(head) : windowOf(head[0] as number);
    if (window > MOST_WINDOW)
      throw new Error(
        `it asks for a window of ${Math.round(window / 2 ** 20)} MiB, and 128 are the most; compress it again without --long, or with --long=27`,
      );
    this.#expect("block header", 3);
  }

  #readBlock(header: number): void {
    this.#isLast = (header & 1) === 1;
    const type = (header >> 1) & 3;
    if (type === 3) throw new Error("it has a block of a kind that there is not");
    // A block of one byte that is repeated has that byte alone.
    this.#expect("block", type === 1 ? 1 : header >> 3);
  }

  #endBlock(): void {
    if (!this.#isLast) this.#expect("block header", 3);
    else if (this.#hasChecksum) this.#expect("checksum", 4);
    else this.#endFrame(null);
  }

  #newDecoder(): Decompress {
    return new Decompress((chunk) => {
      this.#hash.update(chunk);
      this.#out.push(Buffer.from(chunk));
    });
  }

  /** The decoder holds short frames back until it is told that there is no more. */
  #endFrame(checksum: number | null): void {
    this.#decoder.push(new Uint8Array(0), true);
    const found = Number(this.#hash.digest() & 0xffffffffn);
    if (checksum !== null && checksum !== found) throw new Error("its checksum is wrong");
    this.#expect("magic", 4);
  }
}

/** The size of the content that a frame tells of itself. */
function sizeIn(field: Buffer): number {
  if (field.length === 8) return Number(field.readBigUInt64LE());
  return field.length === 2 ? field.readUInt16LE() + 256 : field.readUIntLE(0, field.length);
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}
