/**
 * Personal data that a text spells out, found by one kept library for each kind: e-mail addresses (linkifyjs), phone
 * numbers (libphonenumber-js), payment cards (card-validator) and keys of services (secretlint). Names, addresses and
 * what only context tells are not found by any of them.
 */
import { lintSource } from "@secretlint/core";
import { secretLintProfiler } from "@secretlint/profiler";
import { creator as keyRules } from "@secretlint/secretlint-rule-preset-recommend";
import cardValidator from "card-validator";
import { type CountryCode, findPhoneNumbersInText, getCountries } from "libphonenumber-js/max";
import { find as findLinks } from "linkifyjs";

/** Kinds of personal data that are looked for. */
export const PII_KINDS = ["email", "phone", "card", "key"] as const;
/** One of them. */
export type PiiKind = (typeof PII_KINDS)[number];

/** Something that was found, to the letter. */
export interface Pii {
  readonly kind: PiiKind;
  readonly text: string;
}

/** A stretch of the text. */
type Stretch = { readonly kind: PiiKind; readonly start: number; readonly end: number };

/**
 * Everything that is found in a text, in its order; what lies within another find is left to that. `country`, by its
 * English name, says how numbers without a country's code are read, beside how they are in the United States.
 */
export async function findPii(text: string, country: string | null = null): Promise<Pii[]> {
  const plain = withPlainDigits(text);
  const found = [...(await keys(plain)), ...cards(plain), ...emails(plain), ...phones(plain, country)];
  const kept: Stretch[] = [];
  for (const each of found)
    if (!kept.some((other) => each.start < other.end && other.start < each.end)) kept.push(each);
  kept.sort((a, b) => a.start - b.start);
  return kept.map(({ kind, start, end }) => ({ kind, text: text.slice(start, end) }));
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

/** What parts words in addresses of pages, lists and code, and is in no e-mail address that people use. */
const BETWEEN = /[/:?&=#;,|<>()[\]{}"%*\\\u2018\u2019\u201c\u201d\u3000-\u3002\uff01-\uff0f\uff1a-\uff1f]/g;

/** What is no part of an address though it stands before it without a space: quotes, and scripts that put none. */
const AHEAD = /^(?:['`]+|.*[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}](?=[^@]+@))/u;

function emails(text: string): Stretch[] {
  if (!text.includes("@")) return [];
  return findLinks(text.replaceAll(BETWEEN, " "), "email").map(({ value, start, end }) => {
    return { kind: "email", start: start + (AHEAD.exec(value)?.[0].length ?? 0), end };
  });
}

/** Thirteen to nineteen digits, as cards have them, single spaces or dashes between; or four fours, further apart. */
const CARD = /(?<![\d.])(?:\d(?:[ -]?\d){12,18}|\d{4}(?:[\s.-]{1,2}\d{4}){3})(?![\d.]\d|\d)/g;

function cards(text: string): Stretch[] {
  const candidates = [...text.matchAll(CARD)];
  const valid = candidates.filter(([digits]) => cardValidator.number(digits.replaceAll(/\D/g, "")).isValid);
  return valid.map(({ 0: { length }, index }) => ({ kind: "card", start: index, end: index + length }));
}

/** Seven digits with what people write between them: no number is shorter. */
const DIGITS = /\d(?:[\s().+/\-\u2010-\u2015]{0,3}\d){6,}/g;

/** Characters around digits that the library is shown: it tells dates, times and versions by what stands beside them. */
const BESIDE = 40;

function phones(text: string, country: string | null): Stretch[] {
  const windows: { start: number; end: number }[] = [];
  for (const { 0: digits, index } of text.matchAll(DIGITS)) {
    // Digits one by one are a list or a table, not a number to call.
    if ((digits.match(/\d{2,}/g) ?? []).length < 2 && !/\d{7}/.test(digits)) continue;
    const [start, end] = [Math.max(0, index - BESIDE), index + digits.length + BESIDE];
    const last = windows.at(-1);
    if (last && start <= last.end) last.end = end;
    else windows.push({ start, end });
  }
  return windows.flatMap(({ start, end }) => {
    const shown = text.slice(start, end);
    const found = regionsOf(country).flatMap((region) => findPhoneNumbersInText(shown, { defaultCountry: region }));
    const stretches = found.map(
      ({ startsAt, endsAt }): Stretch => ({ kind: "phone", start: start + startsAt, end: start + endsAt }),
    );
    return stretches.filter((each) => isCalled(text.slice(each.start, each.end)));
  });
}

/** False for what is a number to call by its digits alone in some country, though people mean a date, a place or a count. */
function isCalled(number: string): boolean {
  if (number.startsWith("+")) return true;
  const digits = number.replaceAll(/\D/g, "");
  return !number.includes(",") && digits.length >= (digits.startsWith("0") ? 8 : 10);
}

let regions: ReadonlyMap<string, CountryCode> | undefined;

function regionsOf(country: string | null): CountryCode[] {
  regions ??= regionsByName();
  const own = regions.get(country?.replace(/^The /, "") ?? "") ?? "US";
  return own === "US" ? [own] : [own, "US"];
}

function regionsByName(): Map<string, CountryCode> {
  const names = new Intl.DisplayNames("en", { type: "region" });
  return new Map(getCountries().map((code) => [names.of(code) ?? code, code]));
}

/** Keys are long runs without a space, or begin like a private key. */
const MAYBE_KEY = /[\w+/=-]{16}|PRIVATE KEY|:\/\/[^\s/]*@/;

// It keeps a mark of every step of every search and looks through all of them at each: time that grows with the square.
secretLintProfiler.mark = () => {};

const KEY_CONFIG = { rules: [{ id: "@secretlint/secretlint-rule-preset-recommend", rule: keyRules }] };

/** Forms of keys that the library's recommended rules leave out: ids at AWS, Google, Stripe, OpenAI, and JSON Web Tokens. */
const MORE_KEYS =
  /(?<![\w-])(?:(?:AKIA|ASIA)[0-9A-Z]{16}\b|AIza[\w-]{35}|[rs]k_(?:live|test)_[0-9A-Za-z]{16,}|sk-(?:proj|svcacct|admin)-[\w-]{40,}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,})/g;

/** Up to here a key goes on: the library counts its length from where the name before it begins. */
const REST = /[\w+/=.-]*/y;

async function keys(words: string): Promise<Stretch[]> {
  // Keys are ASCII; a letter of another script beside one would hide it.
  const text = words.replaceAll(/[\u0080-\uffff]/g, " ");
  if (!MAYBE_KEY.test(text)) return [];
  const source = { content: text, filePath: "text.txt", ext: ".txt", contentType: "text" as const };
  const { messages } = await lintSource({ source, options: { config: KEY_CONFIG } });
  const told = messages.map(({ range: [start, end] }): Stretch => {
    REST.lastIndex = end;
    return { kind: "key", start, end: end + (REST.exec(text)?.[0].length ?? 0) };
  });
  const more = [...text.matchAll(MORE_KEYS)].map(
    ({ 0: { length }, index }): Stretch => ({ kind: "key", start: index, end: index + length }),
  );
  return [...told, ...more];
}
