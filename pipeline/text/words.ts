import { goesOn, hasUnspaced, isUnspaced, kindOf, OTHER } from "./word-characters.ts";

const WORD = /[\p{L}\p{N}\p{M}]+(?:'[\p{L}]+)*/gu;

/**
 * The words of a text as people count them: runs of letters, marks and digits in lower case, apostrophes inside kept;
 * scripts without spaces are cut as `goesOn` says. For words that are compared see `WordScanner`.
 */
export function wordsOf(text: string): string[] {
  const runs = text.toLowerCase().replaceAll("’", "'").match(WORD) ?? [];
  return hasUnspaced(text) ? runs.flatMap(pieces) : runs;
}

/** A run of letters, cut where a script without spaces begins, ends or has a word's end. */
function pieces(run: string): string[] {
  const found: string[] = [];
  let before: number | null = null;
  for (const character of run) {
    const code = character.codePointAt(0) as number;
    const isNew = before === null || (isUnspaced(before) ? !continues(before, code) : isUnspaced(code));
    if (isNew) found.push(character);
    else found[found.length - 1] += character;
    before = code;
  }
  return found;
}

/** Marks of no script of their own stay with the character before them. */
function continues(code: number, next: number): boolean {
  return goesOn(code, next) || kindOf(next) === OTHER;
}
