import type { Environment } from "../../pipeline/environment.ts";

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
