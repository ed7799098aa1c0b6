#!/usr/bin/env node
// Nothing else is loaded here: loading itself is the first that fails where a limit of the system is too low.
import { adviceFor } from "./cli/advice.ts";

function fail(error: unknown): never {
  const advice = adviceFor(error);
  const { message = String(error), stack = message } = error instanceof Error ? error : {};
  process.stderr.write(advice ? `flipturn: ${message}\n${advice}\n` : `${stack}\n`);
  process.exit(1);
}

process.on("uncaughtException", fail);
await import("./cli/process.ts").catch(fail);
