import { join } from "node:path";
import { Journal } from "../../../pipeline/models/journal.ts";
import type { Task } from "../../../pipeline/task.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import { JOURNAL } from "../artefacts.ts";
import { joinImports } from "../import/join.ts";
import type { IntentsOptions } from "../options.ts";

/** Sees to it that all that the provider needs is there. */
export async function ask(task: Task<IntentsOptions>): Promise<Partial<Tally>> {
  const { options, environment, signal } = task;
  if (options.provider === "import") return joinImports(task);
  if (options.provider !== "openai" && options.provider !== "batch") return {};
  // Its packages are large, and most runs ask nothing.
  const { askByBatch, askFor, askSettings, conversationsLeft, questionOf, requireAnswers } = await import("../ask.ts");
  const settings = askSettings(task);
  const question = await questionOf(settings, environment.env, (path) => task.resolve(path));
  const total = await task.takes();
  const folder = task.ownPath(JOURNAL);
  const journal = await Journal.open(folder, environment, signal);
  try {
    if (options.provider === "batch") await askByBatch(task, journal, question, join(folder, "batches"));
    const report = (done: number, note: string) => task.report(done, total, "intents", note);
    const parts = { settings, question, journal, environment, signal, total, report };
    const { unanswered } = await askFor(conversationsLeft(task), parts);
    requireAnswers(unanswered, settings);
  } finally {
    journal.close();
  }
  return {};
}
