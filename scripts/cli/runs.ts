import { existsSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { UsageError } from "../../pipeline/errors.ts";
import { readPlan } from "../../pipeline/plan.ts";
import type { Run } from "../../pipeline/run-folder.ts";
import { planPath } from "../../pipeline/run-folder.ts";
import { withVariantsOnDisk } from "../../pipeline/variants.ts";
import { FORM_NAMES } from "../../stages/forms/index.ts";
import { openRun } from "../../stages/index.ts";
import type { Io } from "./io.ts";

/** What commands take that look at a run. */
export const OfRun = {
  output: z
    .string()
    .optional()
    .meta({ value: "folder", description: "folder of the run; default: the only one under output/" }),
  json: z.boolean().default(false).describe("print as JSON"),
};

/** What commands take that look at its dataset. */
export const OfDataset = {
  ...OfRun,
  form: z.enum(FORM_NAMES).optional().describe("form of the dataset; default: the only one of the run"),
};

/** The run in a folder: as given, or the only one under `output/`. Throws UsageError if there is none or more than one. */
export async function findRun(folder: string | undefined, io: Io): Promise<Run> {
  const found = folder === undefined ? runsUnder("output") : [folder];
  if (found.length > 1) throw new UsageError(`several runs: name one with --output: ${found.join(", ")}`);
  if (found[0] === undefined)
    throw new UsageError("no run under output/; name its folder with --output, or begin with `flipturn demo`");
  return runIn(found[0], io);
}

/** The run that a file lies in; null = none. */
export async function runAround(path: string, io: Io): Promise<Run | null> {
  for (let folder = dirname(resolve(path)); folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(planPath(folder))) return runIn(folder, io);
  return null;
}

async function runIn(folder: string, { environment }: Io): Promise<Run> {
  return withVariantsOnDisk(openRun(await readPlan(planPath(folder)), folder, environment));
}

function runsUnder(root: string): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .map((name) => join(root, name))
    .filter((folder) => existsSync(planPath(folder)));
}
