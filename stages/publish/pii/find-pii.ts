/**
 * Personal data that a text spells out, found by one kept library for each kind: e-mail addresses (linkifyjs), phone
 * numbers (libphonenumber-js), payment cards (card-validator), bank accounts (ibantools), addresses of computers
 * (node:net), keys of services (secretlint), and US social security numbers by their published form. Names, addresses
 * and what only context tells are not found by any of them.
 */
import { emails } from "./emails.ts";
import type { Find, PiiKind } from "./find.ts";
import { ipAddresses } from "./ip-addresses.ts";
import { keys } from "./keys.ts";
import { accounts, cards, socialSecurityNumbers } from "./numbers.ts";
import { phones } from "./phones.ts";

/** Something that was found, to the letter. */
export interface Pii {
  readonly kind: PiiKind;
  readonly text: string;
}

/**
 * Everything that is found in a text, in its order; what lies within another find is left to that. `country`, by its
 * English name or its code, says how numbers without a country's code are read, beside how they are in the United States.
 */
export async function findPii(text: string, country: string | null = null): Promise<Pii[]> {
  const plain = withPlainDigits(text);
  const found = [
    ...(await keys(plain)),
    ...accounts(plain),
    ...cards(plain),
    ...emails(plain),
    ...ipAddresses(plain),
    ...socialSecurityNumbers(plain),
    ...phones(plain, country),
  ];
  return apart(found).map(({ kind, start, end }) => ({ kind, text: text.slice(start, end) }));
}

/** The finds in their order in the text, each without those that came before it here and that it overlaps. */
function apart(found: readonly Find[]): Find[] {
  const order = found.map((each, rank) => ({ ...each, rank }));
  order.sort((a, b) => a.start - b.start || a.rank - b.rank);
  const kept: typeof order = [];
  for (const each of order) {
    while ((kept.at(-1)?.end ?? 0) > each.start && (kept.at(-1)?.rank ?? 0) > each.rank) kept.pop();
    if ((kept.at(-1)?.end ?? 0) <= each.start) kept.push(each);
  }
  return kept;
}

/** Full width, Arabic, Persian and Devanagari: where their digits begin. */
const ZEROS = [0xff10, 0x0660, 0x06f0, 0x0966];

/** The text with ASCII digits, plus and at sign for those of other scripts; every character stays in its place. */
function withPlainDigits(text: string): string {
  return text.replaceAll(/[\uff10-\uff19\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\uff20\uff0b\uff0e]/g, (mark) => {
    const code = mark.charCodeAt(0);
    const zero = ZEROS.find((each) => code >= each && code < each + 10);
    return zero === undefined ? String.fromCharCode(code - 0xfee0) : String(code - zero);
  });
}
