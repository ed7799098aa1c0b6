import { join } from "node:path";
import { UsageError } from "../../pipeline/errors.ts";
import { finishedManifest } from "../../pipeline/manifest.ts";
import type { Run } from "../../pipeline/plan.ts";
import type { Manifest } from "../../schemas/manifest.ts";

/** The manifest of a stage of a run. Throws UsageError if the stage is not done. */
export async function requireDone(run: Run, stage: string): Promise<Manifest> {
  const manifest = await finishedManifest(run, stage);
  if (!manifest)
    throw new UsageError(`${run.folder}: stage ${stage} is not done; run it first, such as with --to ${stage}`);
  return manifest;
}

/** The files of an artefact among the outputs of a finished stage. */
export function artefactFiles(run: Run, manifest: Manifest, artefact: string): string[] {
  const own = manifest.outputs.filter((file) => file.path.split("/").at(-1)?.startsWith(`${artefact}-`));
  return own.map((file) => join(run.folder, file.path));
}
