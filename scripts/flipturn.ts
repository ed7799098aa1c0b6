#!/usr/bin/env node
import { realEnvironment } from "../pipeline/environment.ts";
import { INTERRUPTED } from "../pipeline/errors.ts";
import { main } from "./cli/main.ts";

const interruption = new AbortController();
process.on("SIGINT", () => {
  if (interruption.signal.aborted) process.exit(INTERRUPTED);
  process.stderr.write(
    "\nflipturn: stopping; press Ctrl-C again to stop at once. The same command goes on where this stops.\n",
  );
  interruption.abort();
});
process.on("SIGTERM", () => interruption.abort());

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
