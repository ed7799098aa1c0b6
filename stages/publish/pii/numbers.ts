import cardValidator from "card-validator";
import { countrySpecs, isValidIBAN } from "ibantools";
import { type Find, findsOf } from "./find.ts";

/** Thirteen to nineteen digits, as cards have them, single spaces or dashes between; or four fours, further apart. */
const CARD = /(?<![\d.])(?:\d(?:[ -]?\d){12,18}|\d{4}(?:[\s.-]{1,2}\d{4}){3})(?![\d.]\d|\d)/g;

/** Payment cards, but for what is the number of an article. */
export function cards(text: string): Find[] {
  return findsOf("card", text, CARD).filter(({ start, end }) => {
    const digits = text.slice(start, end).replaceAll(/\D/g, "");
    return cardValidator.number(digits).isValid && !isArticle(digits);
  });
}

/** True for the thirteen digits of an EAN: of all thirteen digits that could be a card nine in ten have another check digit. */
function isArticle(digits: string): boolean {
  const sum = [...digits].reduce((all, digit, at) => all + Number(digit) * (at % 2 === 0 ? 1 : 3), 0);
  return digits.length === 13 && sum % 10 === 0;
}

/** How an account begins: its country, and two digits to check it by. */
const ACCOUNT = /(?<![A-Za-z\d])[A-Z]{2}\d{2}(?=[ -]?[A-Z\d])/gi;

/** The longest has 34 characters, and a space after each fourth. */
const LONGEST = 34 + 8;

/** Bank accounts by their IBAN. */
export function accounts(text: string): Find[] {
  return findsOf("iban", text, ACCOUNT).flatMap((each) => {
    const own = ofItsLength(text.slice(each.start, each.start + LONGEST + 1));
    return isValidIBAN(own.replaceAll(/[ -]/g, "").toUpperCase()) ? [{ ...each, end: each.start + own.length }] : [];
  });
}

/** As many letters and digits as accounts of its country have: what stands behind them may look like more. */
function ofItsLength(account: string): string {
  const { chars } = countrySpecs[account.slice(0, 2).toUpperCase()] ?? {};
  return new RegExp(`^[A-Z\\d](?:[ -]?[A-Z\\d]){${(chars ?? 1) - 1}}(?![A-Z\\d])`, "i").exec(account)?.[0] ?? "";
}

/** US social security numbers with their dashes. Never given out: 000, 666 and from 900 on. */
const DASHED = /(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-])/g;

/** Nine digits after the words, with spaces or nothing between. */
const AFTER_WORDS =
  /\b(?:ssn|social(?: security)?)\b[^\d\n]{0,20}(?<it>(?!000|666|9)\d{3} ?(?!00)\d\d ?(?!0000)\d{4})(?![\w-])/gi;

/** Numbers that stand for one in forms, and one that was printed on a card sold with wallets. */
const NO_SSN = new Set(["123456789", "078051120", "219099999", "111111111"]);

/** US social security numbers, but for those that stand for one. */
export function socialSecurityNumbers(text: string): Find[] {
  const found = [...findsOf("ssn", text, DASHED), ...findsOf("ssn", text, AFTER_WORDS)];
  return found.filter(({ start, end }) => !NO_SSN.has(text.slice(start, end).replaceAll(/\D/g, "")));
}
