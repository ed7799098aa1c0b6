import { statSync } from "node:fs";
import { join } from "node:path";
import { globSync } from "tinyglobby";
import type { Environment } from "../../../pipeline/environment.ts";
import { UsageError } from "../../../pipeline/errors.ts";
import { addressText, fetchAddress, hubAddress, pinned } from "../../../pipeline/hub/address.ts";
import { hubNet } from "../../../pipeline/hub/http.ts";
import { compare } from "../../../pipeline/order.ts";
import { plannedStage } from "../../../pipeline/run-folder.ts";
import type { Task } from "../../../pipeline/task.ts";
import type { FileRecord } from "../../../schemas/manifest.ts";
import { IMPORT } from "../artefacts.ts";
import type { IntentsOptions } from "../options.ts";

/** A file of published intents: where it lies, and what is noted of it. */
export interface ImportFile {
  readonly path: string;
  readonly record: FileRecord;
}

const READABLE = "**/*.{parquet,jsonl,ndjson,json,jsonl.gz,ndjson.gz,json.gz,jsonl.zst,ndjson.zst,json.zst}";

/**
 * The local files among what is to be imported, each once, in the order of their paths: files, globs, and all that can
 * be read in folders. Throws UsageError for what matches nothing.
 */
export function localFiles(patterns: readonly string[]): string[] {
  const found = patterns
    .filter((pattern) => hubAddress(pattern, "--import") === null)
    .flatMap((pattern) => {
      const kind = statSync(pattern, { throwIfNoEntry: false });
      if (kind?.isFile()) return [pattern];
      const folder = kind?.isDirectory();
      const glob = folder ? READABLE : pattern;
      const options = { expandDirectories: false, ...(folder && { cwd: pattern }) };
      const paths = globSync(glob, { ...options, absolute: pattern.startsWith("/") && !folder });
      if (paths.length === 0)
        throw new UsageError(`--import ${pattern}: ${folder ? "has no Parquet or JSONL file" : "matches no file"}`);
      return folder ? paths.map((path) => join(pattern, path)) : paths;
    });
  return [...new Set(found)].sort(compare);
}

/** What is to be imported with every branch and tag of the Hub as the commit that it stands for now. */
export async function pinImports(patterns: readonly string[], environment: Environment): Promise<string[]> {
  const net = () => hubNet(environment.env, { fetch: environment.fetch });
  const pin = async (pattern: string) => {
    const address = hubAddress(pattern, "--import");
    return address === null ? pattern : addressText(await pinned(address, net()));
  };
  return Promise.all(patterns.map(pin));
}

/** All files to import, those of the Hub fetched into the stage's folder. */
export async function importFiles(task: Task<IntentsOptions>): Promise<ImportFile[]> {
  const { options, environment, signal } = task;
  const files: ImportFile[] = plannedStage(task.plan, task.stage).files.map((record) => ({
    path: task.resolve(record.path),
    record,
  }));
  for (const pattern of options.import) {
    const address = hubAddress(pattern, "--import");
    if (address === null) continue;
    const net = hubNet(environment.env, { fetch: environment.fetch, signal });
    for (const { path, file, address: own } of await fetchAddress(address, task.ownPath(IMPORT), net)) {
      const sha256 = file.sha256 ?? `git:${file.gitOid}`;
      files.push({ path, record: { path: addressText(own), rows: null, bytes: file.bytes, sha256 } });
    }
  }
  return files;
}
