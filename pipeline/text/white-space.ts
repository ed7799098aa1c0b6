/** What Python takes for white space and JavaScript does not: `trim` in a chat template strips it. */
const OF_PYTHON = "\\x1c-\\x1f\\x85";
const BLANK = new RegExp(`^[\\s${OF_PYTHON}]*$`);

/** True for a turn in which nothing, or only white space, was typed. Such a turn is context, never a target. */
export function isEmpty(turn: { readonly content: string }): boolean {
  return BLANK.test(turn.content);
}

const SPACE = new RegExp(`[\\s${OF_PYTHON}]`);

/** A text without the white space, JavaScript's or Python's, at its ends. */
export function trimmed(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && SPACE.test(text.charAt(from))) from++;
  while (to > from && SPACE.test(text.charAt(to - 1))) to--;
  return text.slice(from, to);
}

/** What is not white space, neither JavaScript's nor Python's, as a class of RE2. */
const TYPED =
  "[^\\t-\\r \\x{1c}-\\x{1f}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}]";

/** SQL for the first character of a text that is no white space; "" just where a turn with this text is `isEmpty`. */
export function firstTyped(text: string): string {
  return `regexp_extract(${text}, '${TYPED}')`;
}
