import { find as findLinks } from "linkifyjs";
import type { Find } from "./find.ts";

/** What parts words in addresses of pages, lists and code, and is in no e-mail address that people use. */
const BETWEEN = /[/:?&=#;,|<>()[\]{}"%*\\\u2018\u2019\u201c\u201d\u3000-\u3002\uff01-\uff0f\uff1a-\uff1f]/g;

/** What is no part of an address though it stands before it without a space: quotes, and scripts that put none. */
const AHEAD = /^(?:['`]+|.*[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}](?=[^@]+@))/u;

/** An address in the address of a page, where `@` is written `%40`. */
const ENCODED = /[\w.+-]{1,64}%40[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/g;

/** Hosts that are reserved for examples, or stand for one's own: nobody has mail there. */
const NOBODY =
  /[@.](?:example(?:\.(?:com|org|net|edu))?|test|invalid|local|localhost|(?:your|my)?-?(?:domain|company|site|host)\.\w+)$/i;

/** Letters with marks, which have a form of their own in an address but are typed all the same. */
const MARKED = /[\u00df-\u00f6\u00f8-\u024f]/g;

/** E-mail addresses, but for those at hosts where nobody has one. */
export function emails(text: string): Find[] {
  const encoded = [...text.matchAll(ENCODED)].map(({ 0: value, index }) => ({ value, start: index }));
  const written = text.includes("@") ? findLinks(text.replaceAll(BETWEEN, " ").replaceAll(MARKED, "x"), "email") : [];
  const plain = written.map(({ start, end }) => {
    const value = text.slice(start, end);
    const ahead = AHEAD.exec(value)?.[0].length ?? 0;
    return { value: value.slice(ahead), start: start + ahead };
  });
  const found = [...encoded, ...plain].filter(({ value }) => isSomebody(value.replace("%40", "@")));
  return found.map(({ value, start }) => ({ kind: "email", start, end: start + value.length }));
}

/** `git@` is the user of every repository. */
function isSomebody(address: string): boolean {
  return !NOBODY.test(address) && !address.startsWith("git@");
}
