/**
 * Brings the raw files of a source to this machine and vouches for them: files of a Hub dataset are fetched at a pinned
 * commit and verified against the size and hash that the Hub states; local files stay where they are and are hashed.
 * Writes nothing but the files; decides nothing.
 */
import { existsSync } from "node:fs";
import { z } from "zod";
import { hashFile } from "../../pipeline/files/atomic-file.ts";
import { fetchHubFile } from "../../pipeline/hub/download.ts";
import { hubNet } from "../../pipeline/hub/http.ts";
import { inputPath, plannedStage } from "../../pipeline/plan.ts";
import { defineStage } from "../../pipeline/stage.ts";
import type { Task } from "../../pipeline/task.ts";
import type { Tally } from "../../schemas/manifest.ts";
import type { Plan } from "../../schemas/plan.ts";

export const DownloadOptions = z.strictObject({
  repo: z.string().nullable().default(null).describe("Hub dataset to read instead of the source's own, `owner/name`"),
  revision: z
    .string()
    .nullable()
    .default(null)
    .describe("commit, branch or tag of the Hub dataset; default: the commit named for the source"),
  parallel: z.int().min(1).default(4).describe("files that are fetched at a time"),
  files: z
    .array(z.string())
    .nullable()
    .default(null)
    .describe("globs of the files to read from the Hub dataset; default: the source's own"),
});
export type DownloadOptions = z.infer<typeof DownloadOptions>;

async function fetchOne(task: Task<DownloadOptions>): Promise<Partial<Tally>> {
  const { plan, index, signal, world } = task;
  const input = plan.inputs[index];
  const path = inputPath(task.run, index);
  if (!input) throw new RangeError(`no input ${index}`);
  if (plan.hub) {
    const net = hubNet(world.env, { fetch: world.fetch, signal });
    const file = { path: input.path, bytes: input.bytes, sha256: input.sha256, gitOid: input.git_oid };
    await fetchHubFile(plan.hub, file, path, net, (done) => task.report(done, input.bytes, "bytes", input.path));
  } else if (!existsSync(path)) {
    throw new Error(
      `${path}: was there when the run was planned and is not there from ${process.cwd()}; run tasks where the plan was made`,
    );
  }
  // The Hub's own hash has just been checked; only files that git itself holds come without one.
  const { bytes, sha256 } = input;
  const found = plan.hub && sha256 ? { bytes, sha256 } : await hashFile(path, signal);
  task.inputs.push({ path: input.path, rows: null, ...found });
  if (plan.hub) task.record(path, { rows: null, ...found });
  return { taken: 1, in: 1, kept: 1, counts: { bytes: found.bytes } };
}

/** Fetching waits for the network, side by side in the main process; hashing local files is work for the executor. */
function downloadsAtOnce(plan: Plan): number | undefined {
  const options = plannedStage(plan, "download").options as DownloadOptions;
  return plan.hub ? options.parallel : undefined;
}

export const download = defineStage({
  name: "download",
  summary: "fetch and verify the raw files",
  reads: [],
  unit: "files",
  options: DownloadOptions,
  lasting: ["raw"],
  phases: [{ name: "fetch", tasks: (plan) => plan.inputs.length, run: fetchOne, inMain: downloadsAtOnce }],
});
