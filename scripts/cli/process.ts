import { realEnvironment } from "../../pipeline/environment.ts";
import { INTERRUPTED } from "../../pipeline/errors.ts";
import { main } from "./main.ts";

const interruption = new AbortController();
process.on("SIGINT", () => {
  if (interruption.signal.aborted) process.exit(INTERRUPTED);
  process.stderr.write(
    "\nflipturn: stopping; press Ctrl-C again to stop at once. The same command goes on where this stops.\n",
  );
  interruption.abort();
});
for (const signal of ["SIGTERM", "SIGHUP"])
  process.on(signal, () => {
    if (interruption.signal.aborted) return;
    process.stderr.write(`flipturn: stopping (${signal}). The same command goes on where this stops.\n`);
    interruption.abort();
  });

/** How long after a signal work may take to stop, in ms: threads end by themselves within 10 s. */
const PATIENCE_MS = 20_000;
interruption.signal.addEventListener("abort", () => {
  const giveUp = () => {
    process.stderr.write(`flipturn: something did not stop within ${PATIENCE_MS / 1000} s; ended all the same\n`);
    process.exit(INTERRUPTED);
  };
  setTimeout(giveUp, PATIENCE_MS).unref();
});

// A reader that has seen enough closes the pipe (`flipturn inspect … | head`): that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  process.stderr.write(`flipturn: stdout: cannot be written: ${error.message}\n`);
  process.exit(1);
});

// Nobody listens to the progress any more: the work goes on.
process.stderr.on("error", () => {});

const { stdin, stdout, stderr } = process;
const code = await main(process.argv.slice(2), {
  stdin,
  stdout,
  stderr,
  environment: realEnvironment(),
  signal: interruption.signal,
});
// What failed may have left something running.
if (code !== 0) process.exit(code);
