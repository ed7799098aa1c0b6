/** How white space is taken from the start and from the end of a text. */
interface Strip {
  readonly start: (text: string) => string;
  readonly end: (text: string) => string;
}

/** Which ends of a text lose their white space. */
export type Ends = readonly [start: boolean, end: boolean];

/** White space as Python's `str.strip` sees it, which is what `trim` in a chat template means to those who train. */
const PYTHON_SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const START = new RegExp(`^${PYTHON_SPACE}+`);
const IS_SPACE = new RegExp(PYTHON_SPACE);

/** As Python strips. */
export const PYTHON: Strip = {
  start: (text) => text.replace(START, ""),
  end(text) {
    let end = text.length;
    while (end > 0 && IS_SPACE.test(text.charAt(end - 1))) end--;
    return text.slice(0, end);
  },
};

/** As JavaScript strips, and so the Jinja engine here. */
export const JAVASCRIPT: Strip = { start: (text) => text.trimStart(), end: (text) => text.trimEnd() };

/** The text without white space at the ends named: at both, unless told. */
export function stripped(text: string, { start, end }: Strip, [atStart, atEnd]: Ends = [true, true]): string {
  const rest = atStart ? start(text) : text;
  return atEnd ? end(rest) : rest;
}
