/**
 * How byte-level tokenizers spell bytes in their files: a printable Latin-1 character stands for its own byte, the
 * others for U+0100 and what follows, in order. So a space is written Ġ. Source: GPT-2's `bytes_to_unicode`.
 */
import { isUtf8 } from "node:buffer";

const isPrintable = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;

/** The character that each byte is spelled with. */
export const BYTE_SPELLINGS: readonly string[] = spellBytes();

/** The byte of each such character by its code; -1 where there is none. */
const BYTES = new Int16Array(0x200).fill(-1);
for (const [byte, spelling] of BYTE_SPELLINGS.entries()) BYTES[spelling.charCodeAt(0)] = byte;

function spellBytes(): string[] {
  let other = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : other++));
}

/** The bytes of a token, or null if it is not spelled in this way. */
export function bytesOf(spelling: string): Uint8Array | null {
  const bytes = new Uint8Array(spelling.length);
  for (let at = 0; at < spelling.length; at++) {
    const byte = BYTES[spelling.charCodeAt(at)] ?? -1;
    if (byte < 0) return null;
    bytes[at] = byte;
  }
  return bytes;
}

/** The text of a token, or null if its bytes are not whole characters. */
export function textOf(spelling: string): string | null {
  if (/^[!-~]+$/.test(spelling)) return spelling;
  const bytes = bytesOf(spelling);
  return bytes && isUtf8(bytes) ? Buffer.from(bytes.buffer).toString("utf8") : null;
}
