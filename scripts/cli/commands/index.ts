import type { Command } from "../command.ts";
import { decontaminate } from "./decontaminate.ts";
import { reviewTemplates, sweepThresholds } from "./dedup.ts";
import { demo } from "./demo.ts";
import { explain } from "./explain.ts";
import { inspect } from "./inspect.ts";
import { reviewIntents, showLedger } from "./intents.ts";
import { plan } from "./plan.ts";
import { publish } from "./publish.ts";
import { report } from "./report.ts";
import { run } from "./run.ts";
import { settings } from "./settings.ts";
import { auditSplit, sweepSeeds } from "./split.ts";
import { status } from "./status.ts";
import { task } from "./task.ts";

/** Everything that flipturn can be told to do, in the order of its help text. */
export const commands: readonly Command[] = [
  run,
  demo,
  plan,
  settings,
  status,
  explain,
  inspect,
  report,
  publish,
  decontaminate,
  reviewTemplates,
  sweepThresholds,
  auditSplit,
  sweepSeeds,
  showLedger,
  reviewIntents,
  task,
];

/** What the commands of two words are about, by their first. */
export const GROUPS: Readonly<Record<string, string>> = {
  dedup: "look into the templates of a finished run",
  split: "look into the splits of a finished run",
  intents: "look at the intents of a run and at what they cost",
};
