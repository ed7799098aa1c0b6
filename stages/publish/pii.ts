/**
 * Personal data that a text spells out, found by one kept library for each kind: e-mail addresses (linkifyjs), phone
 * numbers (libphonenumber-js), payment cards (card-validator) and keys of services (secretlint). Names, addresses and
 * what only context tells are not found by any of them.
 */
import { lintSource } from "@secretlint/core";
import { creator as keyRules } from "@secretlint/secretlint-rule-preset-recommend";
import cardValidator from "card-validator";
import { findPhoneNumbersInText } from "libphonenumber-js/max";
import { find as findLinks } from "linkifyjs";

/** Kinds of personal data that are looked for. */
export const PII_KINDS = ["email", "phone", "card", "key"] as const;
export type PiiKind = (typeof PII_KINDS)[number];

/** Something that was found, to the letter. */
export interface Pii {
  readonly kind: PiiKind;
  readonly text: string;
}

/** A stretch of the text. */
type Stretch = { readonly kind: PiiKind; readonly start: number; readonly end: number };

/** Everything that is found in a text, in its order; what lies within another find is left to that. */
export async function findPii(text: string): Promise<Pii[]> {
  const found = [...(await keys(text)), ...cards(text), ...emails(text), ...phones(text)];
  const kept: Stretch[] = [];
  for (const each of found)
    if (!kept.some((other) => each.start < other.end && other.start < each.end)) kept.push(each);
  kept.sort((a, b) => a.start - b.start);
  return kept.map(({ kind, start, end }) => ({ kind, text: text.slice(start, end) }));
}

function emails(text: string): Stretch[] {
  if (!text.includes("@")) return [];
  return findLinks(text, "email").map(({ start, end }) => ({ kind: "email", start, end }));
}

/** Thirteen to nineteen digits, as cards have them, single spaces or dashes between. */
const CARD = /(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.]\d)/g;

function cards(text: string): Stretch[] {
  const candidates = [...text.matchAll(CARD)];
  const valid = candidates.filter(([digits]) => cardValidator.number(digits.replaceAll(/[ -]/g, "")).isValid);
  return valid.map(({ 0: { length }, index }) => ({ kind: "card", start: index, end: index + length }));
}

/** Seven digits with what people write between them: no number is shorter. */
const DIGITS = /\d(?:[\s().+/\-\u2010-\u2015]{0,3}\d){6,}/g;

/** Characters around digits that the library is shown: it tells dates, times and versions by what stands beside them. */
const BESIDE = 40;

function phones(text: string): Stretch[] {
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
    // Numbers of other countries count with their country's code; without one they are read as in the United States.
    const found = findPhoneNumbersInText(text.slice(start, end), { defaultCountry: "US" });
    return found.map(
      ({ startsAt, endsAt }): Stretch => ({ kind: "phone", start: start + startsAt, end: start + endsAt }),
    );
  });
}

/** Keys are long runs without a space, or begin like a private key. */
const MAYBE_KEY = /[\w+/=-]{16}|PRIVATE KEY|:\/\/[^\s/]*@/;

const KEY_CONFIG = { rules: [{ id: "@secretlint/secretlint-rule-preset-recommend", rule: keyRules }] };

async function keys(text: string): Promise<Stretch[]> {
  if (!MAYBE_KEY.test(text)) return [];
  const source = { content: text, filePath: "text.txt", ext: ".txt", contentType: "text" as const };
  const { messages } = await lintSource({ source, options: { config: KEY_CONFIG } });
  return messages.map(({ range: [start, end] }) => ({ kind: "key", start, end }));
}
