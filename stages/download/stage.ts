/**
 * Brings the raw files of a source to this machine and vouches for them: files of a Hub dataset are fetched at a pinned
 * commit and verified against the size and hash that the Hub states; local files stay where they are and are hashed.
 * Writes nothing but the files; decides nothing.
 */

import { defineStage } from "../../pipeline/define-stage.ts";
import { hashFile } from "../../pipeline/files/atomic-file.ts";
import { fetchHubFile } from "../../pipeline/hub/download.ts";
import { hubNet } from "../../pipeline/hub/http.ts";
import { requireAsPlanned } from "../../pipeline/plan.ts";
import type { Task } from "../../pipeline/task.ts";
import type { Tally } from "../../schemas/manifest.ts";
import { downloaded, fetchLists, inputPath, RAW } from "./artefacts.ts";
import { DownloadOptions } from "./options.ts";

async function fetch(task: Task<DownloadOptions>): Promise<Partial<Tally>> {
  const inputs = fetchLists(task.plan)[task.index];
  if (!inputs) throw new RangeError(`no inputs ${task.index}`);
  let bytes = 0;
  for (const input of inputs) bytes += await fetchOne(task, input);
  return { taken: inputs.length, in: inputs.length, kept: inputs.length, counts: { bytes } };
}

/** Brings one file here, or sees that it is here, and vouches for it. Returns its size. */
async function fetchOne(task: Task<DownloadOptions>, index: number): Promise<number> {
  const { plan, signal, environment } = task;
  const input = plan.inputs[index];
  const path = inputPath(task.run, index);
  if (!input) throw new RangeError(`no input ${index}`);
  if (plan.hub) {
    const net = hubNet(environment.env, { fetch: environment.fetch, signal });
    const file = { path: input.path, bytes: input.bytes, sha256: input.sha256, gitOid: input.git_oid };
    await fetchHubFile(plan.hub, file, path, net, (done) => task.report(done, input.bytes, "bytes", input.path));
  } else await requireAsPlanned(path, input);
  // The Hub's own hash has just been checked; only files that git itself holds come without one.
  const { bytes, sha256 } = input;
  const found = plan.hub && sha256 ? { bytes, sha256 } : await hashFile(path, signal);
  task.inputs.push({ path: input.path, rows: null, ...found });
  if (plan.hub) task.record(downloaded.raw, path, { rows: null, ...found });
  return found.bytes;
}

/** The stage `download`, as the head of this file tells. */
export const download = defineStage({
  name: "download",
  module: import.meta.url,
  summary: "fetch and verify the raw files",
  reads: [],
  writes: downloaded,
  unit: "files",
  options: DownloadOptions,
  keeps: [RAW],
  phases: [
    {
      name: "fetch",
      tasks: (plan) => fetchLists(plan).length,
      run: fetch,
      // Fetching waits for the network; hashing local files is work for the executor.
      onDriver: (plan, { parallel }) => (plan.hub ? parallel : undefined),
    },
  ],
});
