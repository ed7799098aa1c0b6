/** Kinds of personal data that are looked for. */
export const PII_KINDS = ["email", "phone", "card", "iban", "ssn", "ip", "key"] as const;
/** One of them. */
export type PiiKind = (typeof PII_KINDS)[number];

/** A stretch of a text that is personal data. */
export interface Find {
  readonly kind: PiiKind;
  readonly start: number;
  readonly end: number;
}

/** Where an expression matches, all of it or its group `it`. */
export function findsOf(kind: PiiKind, text: string, expression: RegExp): Find[] {
  return [...text.matchAll(expression)].map(({ 0: all, index, groups }) => {
    const start = index + (groups?.["it"] === undefined ? 0 : all.lastIndexOf(groups["it"]));
    return { kind, start, end: start + (groups?.["it"] ?? all).length };
  });
}
