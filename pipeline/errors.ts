/** The request itself is wrong (flag, config value, missing file, refused token): nothing was done. Exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** A run stopped at a limit that the user set; running the same command again goes on. Exit code 3. */
export class LimitError extends Error {
  override name = "LimitError";
}

/** A remote service failed for good after its retries, or sent something that cannot be right. Exit code 1. */
export class RemoteError extends Error {
  override name = "RemoteError";
}

/** Input that cannot be read as what it claims to be. The message names place, found and expected. Exit code 1. */
export class InputError extends Error {
  override name = "InputError";
}

/** The operating system's error code (`ENOENT`, `ENOSPC`, …) of an error or of the first of its causes that has one. */
export function systemCode(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    const code = (each as NodeJS.ErrnoException).code;
    if (typeof code === "string" && /^E[A-Z0-9]+$/.test(code)) return code;
  }
  return undefined;
}

/** The exit code that an error at the top of the program leads to. */
export function exitCode(error: unknown): number {
  if (error instanceof Error && error.name === "AbortError") return 130;
  if (error instanceof UsageError) return 2;
  if (error instanceof LimitError) return 3;
  return 1;
}
