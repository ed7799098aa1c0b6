import { join } from "node:path";
import { artefactsOf, inputs } from "../../pipeline/artefact.ts";
import { type Run, resolveGiven, stageFolder } from "../../pipeline/run-folder.ts";

/** Folder of the stage that holds what was fetched. */
export const RAW = "raw";

/** What `download` writes. */
export const downloaded = artefactsOf("download", {
  raw: inputs("a raw file of the source, as it was found or fetched"),
});

/** Where input `index` of the plan lies: as given, or where `download` puts it. */
export function inputPath(run: Run, index: number): string {
  const input = run.plan.inputs[index];
  if (!input) throw new RangeError(`no input ${index}`);
  if (!run.plan.hub) return resolveGiven(run, input.path);
  return join(stageFolder(run, downloaded.raw.stage), RAW, run.plan.hub.revision, input.path);
}
