import type { RunEvent } from "../../pipeline/events.ts";
import { damageInWords } from "../../pipeline/verify.ts";
import type { Manifest } from "../../schemas/manifest.ts";
import { type Io, LINE_ANEW } from "./io.ts";
import { count } from "./terminal.ts";

/** Draws what happens during a run on stderr: one line that changes on a terminal, plain lines elsewhere. */
export interface ProgressDrawer {
  readonly draw: (event: RunEvent) => void;
  /** Removes the line that changes. */
  readonly clear: () => void;
}

/** A drawer; names of stages are given `width` characters. */
export function progressDrawer({ stderr }: Io, width = 9): ProgressDrawer {
  const live = stderr.isTTY === true;
  let shown = false;
  const clear = () => {
    if (shown) stderr.write(LINE_ANEW);
    shown = false;
  };
  const line = (text: string) => {
    clear();
    stderr.write(`${text}\n`);
  };
  // A terminal is redrawn ten times a second at most, elsewhere there is a line every five seconds.
  const pauseMs = live ? 100 : 5000;
  let last = live ? Number.NEGATIVE_INFINITY : performance.now();
  const status = (text: string) => {
    if (performance.now() - last < pauseMs) return;
    last = performance.now();
    if (!live) return line(text);
    stderr.write(`${LINE_ANEW}${text.slice(0, (stderr.columns || 80) - 1)}`);
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
      } else if (event.type === "damaged") {
        line(`${event.stage}: ${damageInWords(event)}; it is made again`);
      } else if (event.manifest) {
        line(stageLine(event.manifest, event.state === "done" ? (event.seconds ?? 0) : null, width));
      }
    },
  };
}

function bar(done: number, total: number): string {
  const full = total === 0 ? 20 : Math.round((20 * done) / total);
  return `[${"#".repeat(full)}${"-".repeat(20 - full)}]`;
}

function stageLine({ stage, unit, in: all, kept, rejected }: Manifest, seconds: number | null, width: number): string {
  const took = seconds === null ? "up to date" : `${seconds.toFixed(1)} s`;
  const lost = Object.values(rejected).reduce((sum, each) => sum + each, 0);
  if (all === 0 && kept === 0) return `${stage.padEnd(width)} done (${took})`;
  return `${stage.padEnd(width)} ${count(kept).padStart(9)} ${unit} kept, ${count(lost)} rejected (${took})`;
}
