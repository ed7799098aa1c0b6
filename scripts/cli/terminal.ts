import { styleText } from "node:util";
import type { RunEvent } from "../../pipeline/run.ts";
import type { Manifest } from "../../schemas/manifest.ts";

/** Draws what happens during a run on stderr: one line that changes on a terminal, plain lines elsewhere. */
export function progressDrawer(stream: NodeJS.WriteStream = process.stderr): {
  draw: (event: RunEvent) => void;
  clear: () => void;
} {
  const live = stream.isTTY === true;
  let shown = false;
  const clear = () => {
    if (shown) stream.write("\r\x1b[2K");
    shown = false;
  };
  const line = (text: string) => {
    clear();
    stream.write(`${text}\n`);
  };
  // A terminal is redrawn ten times a second at most, elsewhere there is a line every five seconds.
  const pauseMs = live ? 100 : 5000;
  let last = live ? Number.NEGATIVE_INFINITY : performance.now();
  const status = (text: string) => {
    if (performance.now() - last < pauseMs) return;
    last = performance.now();
    if (!live) return line(text);
    stream.write(`\r\x1b[2K${text.slice(0, (stream.columns || 80) - 1)}`);
    shown = true;
  };
  return {
    clear,
    draw(event) {
      if (event.type === "phase") {
        status(`${event.stage}: ${event.phase} ${bar(event.done, event.total)} ${event.done}/${event.total}`);
      } else if (event.type === "progress") {
        const of = event.total > 0 ? ` of ${count(event.total)}` : "";
        status(`${event.stage}: ${count(event.done)}${of} ${event.unit} ${event.note ?? ""}`.trimEnd());
      } else if (event.manifest) {
        line(stageLine(event.manifest, event.state === "done" ? (event.seconds ?? 0) : null));
      }
    },
  };
}

function bar(done: number, total: number): string {
  const full = total === 0 ? 20 : Math.round((20 * done) / total);
  return `[${"#".repeat(full)}${"-".repeat(20 - full)}]`;
}

function stageLine(manifest: Manifest, seconds: number | null): string {
  const took = seconds === null ? "up to date" : `${seconds.toFixed(1)} s`;
  const lost = Object.values(manifest.rejected).reduce((sum, each) => sum + each, 0);
  return `${manifest.stage.padEnd(9)} ${count(manifest.kept).padStart(9)} ${manifest.unit} kept, ${count(lost)} rejected (${took})`;
}

/** A number with thousands separated by commas. */
export function count(number: number): string {
  return number.toLocaleString("en-US");
}

/** The way from raw rows to the dataset: a line a stage, with every reason of rejection. */
export function funnel(manifests: readonly Manifest[]): string {
  const rows = manifests.map((each) => [
    each.stage,
    each.unit,
    count(each.in),
    count(each.kept),
    reasons(each.rejected),
  ]);
  return table([["stage", "unit", "in", "kept", "rejected"], ...rows], [2, 3]);
}

function reasons(rejected: Record<string, number>): string {
  return (
    Object.entries(rejected)
      .map(([reason, number]) => `${reason} ${count(number)}`)
      .join(", ") || "-"
  );
}

/** Rows of cells as aligned columns; those in `right` are aligned to the right. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const cell = (text: string, column: number) =>
    right.includes(column) ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0);
  return rows.map((row) => row.map(cell).join("  ").trimEnd()).join("\n");
}

/** Colours a text if stdout is a terminal and NO_COLOR is not set. */
export function paint(style: Parameters<typeof styleText>[0], text: string): string {
  return hasColour() ? styleText(style, text) : text;
}

/** True if stdout shows colours. */
export function hasColour(): boolean {
  return process.stdout.isTTY === true && !process.env["NO_COLOR"];
}
