/** White space at both ends as Python's `str.strip` sees it, which is what `trim` in a chat template means there. */
const PYTHON_SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const START = new RegExp(`^${PYTHON_SPACE}+`);
const IS_SPACE = new RegExp(PYTHON_SPACE);

/** The text without white space at its ends. */
export function pythonStrip(text: string): string {
  const rest = text.replace(START, "");
  let end = rest.length;
  while (end > 0 && IS_SPACE.test(rest.charAt(end - 1))) end--;
  return rest.slice(0, end);
}
