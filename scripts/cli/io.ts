import type { Environment } from "../../pipeline/environment.ts";
import { withUnseenShown } from "../../pipeline/text/unseen.ts";

/** Where a command writes text. */
interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Characters in a line of the terminal. */
  readonly columns?: number;
}

/** Everything that a command has of the world outside; tests give objects of their own. */
export interface Io {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly environment: Environment;
  /** Aborted when the user wants to stop. */
  readonly signal: AbortSignal;
}

/** What begins the line on stderr anew that tells how far a run is. */
export const LINE_ANEW = "\r\x1b[2K";

/** Bold, dim, a colour, and the end of each: what `paint` sets. */
const PAINT = new RegExp(`(${"\x1b"}\\[(?:[12]|22|3[1-9])m)`);

/**
 * The same world, where text of people and of servers can do nothing to the terminal: characters that nobody sees are shown
 * by their number, as JSON writes them, but for the colours of `paint` where there are any, and `LINE_ANEW` at the beginning.
 */
export function withSafeOutput(io: Io): Io {
  return { ...io, stdout: safe(io.stdout, io), stderr: safe(io.stderr, io) };
}

function safe(output: Output, { environment }: Io): Output {
  const isPainted = output.isTTY === true && !environment.env["NO_COLOR"];
  const shown = (text: string) =>
    isPainted
      ? text
          .split(PAINT)
          .map((part, at) => (at % 2 === 1 ? part : withUnseenShown(part)))
          .join("")
      : withUnseenShown(text);
  return {
    write(text) {
      const anew = text.startsWith(LINE_ANEW) ? LINE_ANEW : "";
      return output.write(anew + shown(text.slice(anew.length)));
    },
    get isTTY() {
      return output.isTTY === true;
    },
    get columns() {
      return output.columns ?? 0;
    },
  };
}

/** Writes a line, or lines, of what was asked for. */
export function print(io: Io, text: string): void {
  io.stdout.write(`${text}\n`);
}

/** Writes what was asked for as JSON. */
export function printJson(io: Io, value: unknown): void {
  print(io, JSON.stringify(value, null, 2));
}

/** Tells of what happens meanwhile, beside what was asked for. */
export function tell(io: Io, text: string): void {
  io.stderr.write(`${text}\n`);
}
