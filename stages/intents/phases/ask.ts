import { join } from "node:path";
import type { Task } from "../../../pipeline/task.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import { JOURNAL } from "../artefacts.ts";
import { openJournal } from "../elsewhere.ts";
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
  const journal = await openJournal(task);
  try {
    const batches = join(task.ownPath(JOURNAL), "batches");
    const { leftFiles } =
      options.provider === "batch" ? await askByBatch(task, journal, question, batches) : { leftFiles: 0 };
    const report = (done: number, note: string) => task.report(done, total, "intents", note);
    const parts = { settings, question, journal, environment, signal, total, report };
    const { unanswered } = await askFor(conversationsLeft(task), parts);
    requireAnswers(unanswered, settings);
    const counts = { reused_answers: journal.reused, undeleted_files: leftFiles };
    return { counts: Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)) };
  } finally {
    journal.close();
  }
}
