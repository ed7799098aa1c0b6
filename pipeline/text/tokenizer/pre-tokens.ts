import { HIGH, KINDS, LETTER, NEWLINE, NUMBER, OTHER, SPACE } from "./characters.ts";

/**
 * Where the pre-token that begins at `at` ends. Text is cut into pre-tokens before anything is merged; no token crosses
 * such a cut. The rules are regular expressions in the tokenizers' files. Here they are followed by hand, which is faster
 * and reads them as the Rust libraries do: white space and letters are Unicode's, half of a surrogate pair is neither.
 */
export type PreTokenizer = (text: string, at: number) => number;

/** The rule of Llama 3, GPT-4, OLMo 2 and SmolLM 3. */
export const SPLIT_LLAMA3: PreTokenizer = (text, at) => splitWords(text, at, 3);

/** The rule of Qwen 2, 2.5 and 3: every digit by itself. */
const SPLIT_QWEN2: PreTokenizer = (text, at) => splitWords(text, at, 1);

/** The rules that are known, by the regular expression that a `tokenizer.json` holds. */
export const SPLITS: ReadonlyMap<string, PreTokenizer> = new Map([
  [llama3Pattern(String.raw`\p{N}{1,3}`), SPLIT_LLAMA3],
  [llama3Pattern(String.raw`\p{N}`), SPLIT_QWEN2],
]);

function llama3Pattern(numbers: string): string {
  const words = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+`;
  return String.raw`${words}|${numbers}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
}

/** A contraction; letters after one other character; at most `digits` numbers; signs after a blank, with newlines; white space. */
function splitWords(text: string, at: number, digits: number): number {
  const unit = text.charCodeAt(at);
  if (unit === APOSTROPHE) {
    const end = contractionEnd(text, at, true);
    if (end > at) return end;
  }
  const kind = kindAt(text, at);
  if (kind === LETTER) return runEnd(text, at, LETTER);
  if (kind === NUMBER) return runEnd(text, at, NUMBER, digits);
  const next = at + widthAt(text, at);
  if (kind !== NEWLINE && kindAt(text, next) === LETTER) return runEnd(text, next, LETTER);
  const signs = unit === BLANK ? next : at;
  if (kindAt(text, signs) === OTHER) return runEnd(text, runEnd(text, signs, OTHER), NEWLINE);
  return spaceEnd(text, at, true);
}

/** The rule of GPT-2 and of all `ByteLevel` pre-tokenizers with `use_regex`. */
export function splitGpt2(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  if (unit === APOSTROPHE) {
    const end = contractionEnd(text, at, false);
    if (end > at) return end;
  }
  const first = unit === BLANK ? at + 1 : at;
  const kind = kindAt(text, first);
  return kind === SPACE || kind === NEWLINE || kind === NONE ? spaceEnd(text, at, false) : runEnd(text, first, kind);
}

const APOSTROPHE = 0x27;
const BLANK = 0x20;
/** The kind of what comes after the end. */
const NONE = -1;

function kindAt(text: string, at: number): number {
  if (at >= text.length) return NONE;
  const kind = KINDS[text.charCodeAt(at)] as number;
  if (kind !== HIGH) return kind;
  const point = text.codePointAt(at) as number;
  return point > 0xffff ? (KINDS[point] as number) : OTHER;
}

function widthAt(text: string, at: number): number {
  return KINDS[text.charCodeAt(at)] === HIGH && (text.codePointAt(at) as number) > 0xffff ? 2 : 1;
}

/** Where a run of one kind ends, after at most `limit` characters. */
function runEnd(text: string, at: number, kind: number, limit = Number.POSITIVE_INFINITY): number {
  let end = at;
  for (let taken = 0; taken < limit && kindAt(text, end) === kind; taken++) end += widthAt(text, end);
  return end;
}

/**
 * Where white space is cut: after its last newline, if newlines count; else before its last character, which goes to the
 * word that follows, unless it is the only one or nothing follows.
 */
function spaceEnd(text: string, at: number, newlines: boolean): number {
  let end = at;
  let lastNewline = -1;
  for (let kind = kindAt(text, end); kind === SPACE || kind === NEWLINE; kind = kindAt(text, ++end)) {
    if (kind === NEWLINE) lastNewline = end;
  }
  if (newlines && lastNewline >= 0) return lastNewline + 1;
  return end === text.length || end - at === 1 ? end : end - 1;
}

/** Where `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d` ends; `at` itself if none of them begins there. */
function contractionEnd(text: string, at: number, anyCase: boolean): number {
  const letter = contractionLetter(text, at + 1, anyCase);
  if ("stmd".includes(letter)) return at + 2;
  const pair = letter + contractionLetter(text, at + 2, anyCase);
  return pair === "re" || pair === "ve" || pair === "ll" ? at + 3 : at;
}

/** The letter there in lower case; the long s, U+017F, is an s when case does not count. "-" at the end of the text. */
function contractionLetter(text: string, at: number, anyCase: boolean): string {
  const letter = text[at] ?? "-";
  if (!anyCase) return letter;
  return letter === "\u017f" ? "s" : letter.toLowerCase();
}
