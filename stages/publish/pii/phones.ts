import { type CountryCode, findPhoneNumbersInText } from "libphonenumber-js/max";
import { type Find, findsOf } from "./find.ts";
import { regionOf } from "./regions.ts";

/** Phone numbers as they are written abroad, in a country and in the United States, and whatever follows a word for calling. */
export function phones(text: string, country: string | null): Find[] {
  const abroad = withPlus(text.replaceAll(NO_NUMBER, (digits) => "x".repeat(digits.length)));
  const found = [...windowsOf(abroad).flatMap((window) => inWindow(abroad, window, country)), ...spoken(text)];
  // The plus sign that stands for `00` is the second of them.
  return found.map((each) => (abroad[each.start] === text[each.start] ? each : { ...each, start: each.start - 1 }));
}

/** The text with a plus sign for the `00` that most countries dial before the code of another. */
function withPlus(text: string): string {
  return text.replaceAll(/(?<![\w.,+-])(\(?)00(?=\)?[ .-]?[1-9](?:[ ().-]{0,2}\d){8,13}(?!\d))/g, "$1 +");
}

/** Seven digits with what people write between them: no number is shorter. */
const DIGITS = /\d(?:[\s().+/\-\u2010-\u2015]{0,3}\d){6,}/g;

/** More digits in a row than any number has, with its prefixes; or a table: more than 24 short numbers, all parted alike. */
const NO_NUMBER = /\d{20,}|(?<!\d)\d{1,4}(?<by>[ \t.-])\d{1,4}(?:\k<by>\d{1,4}){23,}(?!\d)/g;

/** Characters around digits that the library is shown: it tells dates, times and versions by what stands beside them. */
const BESIDE = 40;

/** The most characters that the library is shown at once: its time grows faster than they do. */
const WINDOW = 320;

/** A piece of a text. */
export interface Window {
  readonly start: number;
  readonly end: number;
}

/**
 * The pieces of a text in which a number may stand, so cut that each number of less than `BESIDE` characters lies in one of
 * them with what is beside it. Each is of at most `WINDOW` characters, and together they are one and a half times the text at most.
 */
export function windowsOf(text: string): Window[] {
  const found: { start: number; end: number }[] = [];
  for (const { 0: digits, index } of text.matchAll(DIGITS)) {
    // Digits one by one are a list or a table, not a number to call.
    if ((digits.match(/\d{2,}/g) ?? []).length < 2 && !/\d{7}/.test(digits)) continue;
    const [start, end] = [Math.max(0, index - BESIDE), index + digits.length + BESIDE];
    const last = found.at(-1);
    if (last && start <= last.end) last.end = end;
    else found.push({ start, end });
  }
  return found.flatMap(({ start, end }) => cut(start, Math.min(end, text.length)));
}

function cut(start: number, end: number): Window[] {
  const pieces: Window[] = [];
  for (let at = start; at === start || at + 2 * BESIDE < end; at += WINDOW - 2 * BESIDE)
    pieces.push({ start: at, end: Math.min(at + WINDOW, end) });
  return pieces;
}

function inWindow(text: string, { start, end }: Window, country: string | null): Find[] {
  const own = country === null ? undefined : regionOf(country);
  // After these the library takes the next number for an extension.
  const shown = text.slice(start, end).replaceAll(/[,;]/g, "|");
  return [...new Set<CountryCode>([own ?? "US", "US"])].flatMap((region) => {
    const found = findPhoneNumbersInText(shown, { defaultCountry: region });
    const whole = found.filter(({ startsAt, endsAt }) => {
      // What lies at a cut may be a part of a number; the piece beside has all of it.
      const isCut = (start > 0 && startsAt < BESIDE / 2) || (end < text.length && endsAt > shown.length - BESIDE / 2);
      return !isCut && isCalled(shown, startsAt, endsAt);
    });
    return whole.map(({ startsAt, endsAt }) => ({ kind: "phone", start: start + startsAt, end: start + endsAt }));
  });
}

/** False for what is a number to call by its digits alone in some country, though people mean a date, a place or a count. */
function isCalled(text: string, start: number, end: number): boolean {
  const number = text.slice(start, end);
  if (number.startsWith("+")) return true;
  if (NO_CALL.test(number) || isRange(number) || /\d[.|]$/.test(text.slice(Math.max(0, start - 2), start)))
    return false;
  const digits = number.replaceAll(/\D/g, "");
  if (digits.length >= (digits.startsWith("0") ? 8 : 10)) return true;
  return GROUPED.test(number) && !UNIT.test(text.slice(end, end + 20)) && !LIST.test(text.slice(0, start));
}

/** More digits than a number has, more groups than people make of one, a version, thousands, a day in either order, two years. */
const NO_CALL =
  /^\d{14,}$|^\d+(?:[ .-]+\d+){6,}$|^\d\.\d{1,2}\.|^\d{1,3}(?:\.\d{3})+$|^(?:1[5-9]|20)\d\d[ .-]\d\d[ .-]\d\d\b|^\d\d[ .-]\d\d[ .-](?:1[5-9]|20)\d\d$|^(?:1[5-9]|20)\d\d[ .-](?:1[5-9]|20)\d\d$/;

/** Two to five groups with one mark between them, as short numbers are written. */
const GROUPED = /^\(?\d{1,4}\)?(?<between>[ .-])\d{2,4}(?:\k<between>\d{2,4}){0,3}$/;

/** From a page, a process or a room to one that is not far. */
function isRange(number: string): boolean {
  const [, from = "", to = ""] = /^(\d+)-(\d+)$/.exec(number) ?? [];
  return from !== "" && from.length === to.length && from.slice(0, 2) === to.slice(0, 2) && from <= to;
}

/** What is counted. */
const UNIT =
  /^ ?(?:[€$£¥%°]|(?:zł|kr|rs|eur|euros?|usd|dollars?|pln|dkk|hkd|bytes?|[kmgt]i?b|kms?|kg|cm|mm|ms|sec|people|inhabitants|users|rows|students|habitantes?|hab|personas|pessoas|einwohner|menschen|osób|mieszk\p{L}*|million\p{L}*|mln|tys)(?![\p{L}\d]))/iu;

/** A number of one group stands before it: a list, or the rest of one. */
const LIST = /(?<!\d[ .-]?)\d{1,4}[ |]{1,2}$/;

/** Words that a number to call follows, in the languages of the logs that we know, and up to 25 characters of what stands between. */
const CALLING =
  /(?:(?<![\p{L}\d])(?:(?:tele)?phone|ph|tel|tele?f[oó]n\p{L}*|telefoon|tlf|tfn|fon|fax|mobiele?|mobil\p{L}{0,4}|m[oó]vil|cell?|cell ?phone|celular|whats ?app|zap|viber|handy\p{L}*|rufnummer|call me|call us|(?:call|reach|text|ring|dial|phone) (?:me|us|him|her|them|til mig)|ll[aá]ma\p{L}*|zadzwo\p{L}*|zovi|appel\p{L}* au|joignable|kontakt|(?:my|his|her|our|mi|mój|meu|mon|meine?|min) (?:num(?:ber|er|[eé]ro)|número|nummer|nr)|тел\p{L}*|номер телефона|هاتف)(?![\p{L}\d])|電話|电话|手机|手機|전화|연락처|फोन)[^\p{N}\n]{0,25}?(?<it>[+(]{0,2}\d(?:[ ().-]{0,2}\d){6,14})(?![\d]|[.,]\d)/giu;

/** Seven to fifteen digits after such a word, wherever that may be. */
function spoken(text: string): Find[] {
  return findsOf("phone", text, CALLING).filter(
    ({ start, end }) => !NO_CALL.test(text.slice(start, end)) && !UNIT.test(text.slice(end, end + 20)),
  );
}
