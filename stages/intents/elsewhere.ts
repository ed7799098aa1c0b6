/** Answers that other runs have paid for: where their journals lie, and this run's journal with them behind it. */
import { existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../pipeline/errors.ts";
import { Journal, journalFile } from "../../pipeline/models/journal.ts";
import type { Task } from "../../pipeline/task.ts";
import { JOURNAL } from "./artefacts.ts";
import type { IntentsOptions } from "./options.ts";

/**
 * The folders of the journals in folders that people named: of journals themselves, of a stage, or of whole runs. Each
 * once, in the order given, without `own`. Throws UsageError for a folder that has none.
 */
export function journalsIn(folders: readonly string[], own: string | null = null): string[] {
  const found = folders.flatMap((folder) => {
    const below = journalsBelow(folder);
    if (below.length > 0) return below;
    throw new UsageError(
      `--answers ${folder}: ${existsSync(folder) ? "has no journal of answers" : "is not there"}; expected the folder of a run that has asked a language model, or of its journal`,
    );
  });
  const real = (path: string) => (existsSync(path) ? realpathSync(path) : path);
  const seen = new Set(own === null ? [] : [real(own)]);
  return found.filter((folder) => !seen.has(real(folder)) && seen.add(real(folder)));
}

function journalsBelow(folder: string): string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
  const stages = readdirSync(folder).sort();
  const places = [folder, join(folder, JOURNAL), ...stages.map((stage) => join(folder, stage, JOURNAL))];
  return places.filter((place) => existsSync(journalFile(place)));
}

/** The folders of other runs' journals that a task may take answers from. */
export function othersOf(task: Task<IntentsOptions>): string[] {
  const { answers } = task.options;
  return journalsIn(
    answers.map((folder) => task.resolve(folder)),
    task.ownPath(JOURNAL),
  );
}

/** This run's own journal, which takes over what the others have when it is asked for. */
export function openJournal(task: Task<IntentsOptions>): Promise<Journal> {
  return Journal.open(task.ownPath(JOURNAL), task.environment, task.signal, othersOf(task));
}
