/** What a provider has announced on the end of models. */
interface Shutdown {
  readonly names: RegExp;
  /** Last day, ISO 8601. */
  readonly day: string;
  /** When this was written down. */
  readonly asOf: string;
}

/** Announced ends of models, kept up by hand: add a line when one is announced. What is not listed is not known here. */
const SHUTDOWNS: readonly Shutdown[] = [
  { names: /^gpt-4(o|\.1)(-\d{4}-\d{2}-\d{2})?$/, day: "2027-01-14", asOf: "2026-11" },
];

/** The last day that is announced for a model, and when that was written down; null = none is known. */
export function shutdownOf(model: string): { day: string; asOf: string } | null {
  const found = SHUTDOWNS.find(({ names }) => names.test(model));
  return found ? { day: found.day, asOf: found.asOf } : null;
}
