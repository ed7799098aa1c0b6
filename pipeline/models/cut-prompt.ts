import { type ChatRequest, inputBytes } from "./request.ts";

/** Fewer bytes a token than this say nothing: every tokenizer may come to so few tokens. */
const USUAL_BYTES = 5;
/** Tokens that a server may leave out of its count, such as those of a beginning that it had in its cache. */
const MARGIN = 500;
/** Of the least that a text takes, below which it cannot have been read whole. */
const SHARE = 0.8;

/**
 * True if a server counts so few tokens of a request that it cannot have read it whole: fewer than four fifths of its
 * words, of which no tokenizer makes less than a token each. Ordinary differences between tokenizers do not come near.
 */
export function isPromptCut(request: ChatRequest, told: number | null): boolean {
  // What follows an answer is in caches, and some servers leave that out of their count.
  if (request.messages.length > 1) return false;
  if (!told || inputBytes(request) < USUAL_BYTES * told) return false;
  const least = request.messages.reduce((sum, { content }) => sum + words(String(content ?? "")), 0);
  return told < SHARE * (least - MARGIN);
}

/**
 * Runs of letters or digits, of which each is a token at least. Not `wordsOf`: it cuts scripts without spaces into pieces that
 * one token may have several of.
 */
function words(text: string): number {
  return text.match(/[\p{L}\p{M}]+|\p{N}+/gu)?.length ?? 0;
}
