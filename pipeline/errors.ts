/** The request itself is wrong (flag, config value, missing file, refused token): nothing was done. Exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** A run stopped at a limit that the user set; running the same command again goes on. Exit code 3. */
export class LimitError extends Error {
  override name = "LimitError";
  /** The least budget, in dollars, under which it would go on; null = it was another limit. */
  readonly budget: number | null;
  constructor(message: string, { budget = null }: { budget?: number | null } = {}) {
    super(message);
    this.budget = budget;
  }
}

/** What a task needs is not there, or not there yet: it is worth trying once the tasks before it are done. Exit code 4. */
export class NotReadyError extends Error {
  override name = "NotReadyError";
}

/** A remote service failed for good after its retries, or sent something that cannot be right. Exit code 1. */
export class RemoteError extends Error {
  override name = "RemoteError";
}

/** Input that cannot be read as what it claims to be. The message names place, found and expected. Exit code 1. */
export class InputError extends Error {
  override name = "InputError";
}

/** The kinds of error that mean something to whoever started the program; any other is a fault. */
export const ERROR_KINDS = [UsageError, LimitError, NotReadyError, RemoteError, InputError] as const;

/** The operating system's error code (`ENOENT`, `ENOSPC`, …) of an error or of the first of its causes that has one. */
export function systemCode(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    const code = (each as NodeJS.ErrnoException).code;
    if (typeof code === "string" && /^E[A-Z0-9]+$/.test(code)) return code;
  }
  return undefined;
}

/** Exit code of a program that was interrupted. */
export const INTERRUPTED = 130;

/** The exit code that an error at the top of the program leads to. */
export function exitCode(error: unknown): number {
  if (error instanceof Error && error.name === "AbortError") return INTERRUPTED;
  if (error instanceof UsageError) return 2;
  if (error instanceof LimitError) return 3;
  return error instanceof NotReadyError ? 4 : 1;
}

/** Exit codes by how much they ask of whoever started several tasks: stop at the first ones, try again at the last. */
const BY_WEIGHT = [INTERRUPTED, 2, 3, 1, 4];

/** Of the errors of several tasks the one that asks most of whoever started them; undefined = there are none. */
export function worstError<T>(errors: readonly T[]): T | undefined {
  return errors.toSorted((a, b) => BY_WEIGHT.indexOf(exitCode(a)) - BY_WEIGHT.indexOf(exitCode(b)))[0];
}
