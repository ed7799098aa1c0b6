import { join } from "node:path";
import { artefactsOf, inputs } from "../../pipeline/artefact.ts";
import { type Run, resolveGiven, stageFolder } from "../../pipeline/run-folder.ts";
import type { Plan } from "../../schemas/plan.ts";

/** Folder of the stage that holds what was fetched. */
export const RAW = "raw";

/** What `download` writes. */
export const downloaded = artefactsOf("download", {
  raw: inputs("a raw file of the source, as it was found or fetched"),
});

/** Lists of inputs that there are at least, where files are many, so that every thread has something to do. */
const MIN_LISTS = 500;
/** Most bytes of a list of several inputs. */
const LIST_BYTES = 16e6;

/**
 * The inputs of a plan by their numbers, in order, in lists of those that one task reads: each alone, but neighbours that
 * are small beside the whole together, since a task costs more than a file of a few rows.
 */
export function inputLists({ inputs }: Pick<Plan, "inputs">): number[][] {
  const total = inputs.reduce((sum, { bytes }) => sum + bytes, 0);
  const most = Math.min(LIST_BYTES, total / MIN_LISTS);
  const lists: number[][] = [];
  let room = 0;
  for (const [input, { bytes }] of inputs.entries()) {
    if (bytes > room) {
      lists.push([]);
      room = most;
    }
    lists.at(-1)?.push(input);
    room -= bytes;
  }
  return lists;
}

/** The same for the tasks of `download`: files of the Hub are fetched one by one. */
export function fetchLists(plan: Pick<Plan, "hub" | "inputs">): number[][] {
  return plan.hub ? [...plan.inputs.keys()].map((input) => [input]) : inputLists(plan);
}

/** Where input `index` of the plan lies: as given, or where `download` puts it. */
export function inputPath(run: Run, index: number): string {
  const input = run.plan.inputs[index];
  if (!input) throw new RangeError(`no input ${index}`);
  if (!run.plan.hub) return resolveGiven(run, input.path);
  return join(stageFolder(run, downloaded.raw.stage), RAW, run.plan.hub.revision, input.path);
}
