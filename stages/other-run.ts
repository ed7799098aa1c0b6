import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import { readRecord } from "../pipeline/files/atomic-file.ts";
import { readPlan } from "../pipeline/plan.ts";
import { manifestPath, planPath, type Run, resolveGiven } from "../pipeline/run-folder.ts";
import { Manifest } from "../schemas/manifest.ts";
import type { Plan, PlannedInput } from "../schemas/plan.ts";
import { prepared } from "./prepare/artefacts.ts";

/** Most names that are listed. */
const SHOWN = 3;

/**
 * The files of the run that a folder holds, in words, if it has none of them in common with this plan: it is a run of
 * another log. Null = it is the same run, with whatever options, or nothing was made of the other yet.
 */
export async function otherRunIn(run: Run): Promise<string | null> {
  const { folder, plan } = run;
  if (!existsSync(planPath(folder))) return null;
  const before = await readPlan(planPath(folder)).catch(() => null);
  if (!before) return null;
  const done = await readRecord(manifestPath({ ...run, plan: before }, prepared.conversations.stage), Manifest);
  if (!done?.kept) return null;
  const known = filesOf({ ...run, plan: before });
  const isKnown = (file: File) => known.some((each) => isSame(each, file));
  if (isSameDataset(before, plan) || filesOf(run).some(isKnown)) return null;
  const names = before.inputs.map(({ path }) => basename(path));
  const shown = names.slice(0, SHOWN).join(", ");
  const of = before.hub ? before.hub.repo : shown;
  return names.length > SHOWN && !before.hub ? `${of} and ${names.length - SHOWN} more` : of;
}

function isSameDataset(one: Plan, other: Plan): boolean {
  return one.hub !== null && one.hub.repo === other.hub?.repo;
}

type File = Pick<PlannedInput, "path" | "bytes">;

function filesOf(run: Run): File[] {
  const { hub, inputs } = run.plan;
  return inputs.map(({ path, bytes }) => ({ path: hub ? path : resolve(resolveGiven(run, path)), bytes }));
}

/** A file that was moved has its name and its size still. */
function isSame(one: File, other: File): boolean {
  return one.path === other.path || (basename(one.path) === basename(other.path) && one.bytes === other.bytes);
}
