import { styleText } from "node:util";
import type { Io } from "./io.ts";

/** A number with thousands separated by commas. */
export function count(number: number): string {
  return number.toLocaleString("en-US");
}

/** Rows of cells as aligned columns; those in `right` are aligned to the right. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const cell = (text: string, column: number) =>
    right.includes(column) ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0);
  return rows.map((row) => row.map(cell).join("  ").trimEnd()).join("\n");
}

/** Colours a text if stdout shows colours. */
export function paint(io: Io, style: Parameters<typeof styleText>[0], text: string): string {
  return hasColour(io) ? styleText(style, text, { validateStream: false }) : text;
}

/** True if stdout is a terminal and NO_COLOR is not set. */
export function hasColour({ stdout, environment }: Io): boolean {
  return stdout.isTTY === true && !environment.env["NO_COLOR"];
}

/** Characters in a line of stdout; 100 where it is no terminal. */
export function widthOf({ stdout }: Io): number {
  return stdout.columns || 100;
}
