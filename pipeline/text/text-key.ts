import { createHash } from "node:crypto";
import { normalise } from "./normalise.ts";
import { trimmed } from "./white-space.ts";
import { kindOf, OTHER } from "./word-characters.ts";

const SPACE = 0x20;
/** UTF-16 code units of the text that is looked at; grows to the longest. */
let units = new Uint16Array(1 << 12);

/**
 * The key of a whole text as it is compared with others: first 16 hex digits of the sha256 of what is in words, normalised,
 * with one space for anything between. A text of nothing but signs has the key of these; null = nothing was typed, which
 * strangers share.
 */
export function textKey(text: string): string | null {
  const normal = normalise(text);
  if (units.length <= 2 * normal.length) units = new Uint16Array(4 * normal.length);
  const length = fold(normal);
  const folded = length === 0 ? trimmed(normal) : new Uint8Array(units.buffer, 0, 2 * length);
  return folded.length === 0 ? null : createHash("sha256").update(folded).digest("hex").slice(0, 16);
}

/** Puts what is compared of a text into `units`; returns how many they are. */
function fold(normal: string): number {
  let length = 0;
  let gap = false;
  for (let at = 0; at < normal.length; at++) {
    const unit = normal.charCodeAt(at);
    const code = unit >= 0xd800 ? (normal.codePointAt(at) as number) : unit;
    const isInWord = kindOf(code) !== OTHER;
    if (isInWord) {
      if (gap && length > 0) units[length++] = SPACE;
      units[length++] = unit;
      if (code > 0xffff) units[length++] = normal.charCodeAt(at + 1);
    }
    gap = !isInWord;
    if (code > 0xffff) at++;
  }
  return length;
}
