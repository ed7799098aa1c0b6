/** Characters that nobody sees but that change what is seen: controls, bidirectional marks and the like, but for tab, newline and what joins letters. */
export const UNSEEN = /(?![\t\n\u200c\u200d])[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** The text with `\u009b` for such a character, as JSON writes it: what is JSON stays the same value. */
export function withUnseenShown(text: string): string {
  return text.replaceAll(UNSEEN, (character) =>
    Array.from({ length: character.length }, (_, at) => escaped(character.charCodeAt(at))).join(""),
  );
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}
